"""What a caller needs for each operation, checked in one place before any handler runs.

Out of scope is 403, whether the resource exists or not: a scope says what a token may know
of. Lists leave out what is out of scope instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fastapi import Request

from api.access.auth import Caller, Role
from api.errors import Forbidden
from api.services.services import caller_of


@dataclass(frozen=True, slots=True)
class Need:
    """What one operation asks for."""

    role: Role
    whole: bool = False
    """Whether all that the path names must be in scope, and not only something inside it.
    Where the path names no project, that is a token without bounds."""
    by_handler: bool = False
    """Whether the handler finds out what the path names, and so checks the scope itself."""


_READ: Final = Need(Role.READER)
_WRITE: Final = Need(Role.WRITER)
_READ_SWAPPED: Final = Need(Role.READER, by_handler=True)
_WRITE_SWAPPED: Final = Need(Role.WRITER, by_handler=True)
_ADMIN: Final = Need(Role.ADMIN)
_ADMIN_OF_ALL: Final = Need(Role.ADMIN, whole=True)

#: By operation id. One that is missing here needs an admin without bounds. The look-ups are
#: not here: the front serves them to every role, within the scope.
PERMISSIONS: Final[Mapping[str, Need]] = MappingProxyType(
    {
        "getSegments": _READ,
        "getSegment": _READ,
        "postSegment": _WRITE,
        "patchSegment": _WRITE,
        "deleteSegment": _WRITE,
        "updateBigSegmentContextTargets": _WRITE,
        "updateBigSegmentTargets": _WRITE,
        "getExpiringTargetsForSegment": _READ_SWAPPED,
        "patchExpiringTargetsForSegment": _WRITE_SWAPPED,
        "getExpiringUserTargetsForSegment": _READ_SWAPPED,
        "patchExpiringUserTargetsForSegment": _WRITE_SWAPPED,
        "getContextInstanceSegmentsMembershipByEnv": _READ,
        "createBigSegmentImport": _WRITE,
        "createBigSegmentImportFromSource": _WRITE,
        "getBigSegmentImport": _READ,
        "createBigSegmentExport": _WRITE,
        "getBigSegmentExport": _READ,
        "downloadBigSegmentExport": _READ,
        "getProjects": _READ,
        "getProject": _READ,
        "postProject": _ADMIN,
        "patchProject": _ADMIN_OF_ALL,
        "deleteProject": _ADMIN_OF_ALL,
        "getEnvironmentsByProject": _READ,
        "getEnvironment": _READ,
        "postEnvironment": _ADMIN,
        "patchEnvironment": _ADMIN_OF_ALL,
        "deleteEnvironment": _ADMIN_OF_ALL,
        "getTokens": _ADMIN_OF_ALL,
        "postToken": _ADMIN_OF_ALL,
        "getToken": _ADMIN_OF_ALL,
        "patchToken": _ADMIN_OF_ALL,
        "deleteToken": _ADMIN_OF_ALL,
        "resetToken": _ADMIN_OF_ALL,
        "getAuditLogEntries": _ADMIN_OF_ALL,
        "postAuditLogEntries": _ADMIN_OF_ALL,
        "getAuditLogEntry": _ADMIN_OF_ALL,
        "postAuditLogEntryCounts": _ADMIN_OF_ALL,
        "getCallerIdentity": _READ,
        "getLinkedViews": _READ,
        "patchApprovalRequestSettings": _READ,
        "getMetrics": _READ,
    }
)


async def require_permission(request: Request) -> None:
    """Make sure that the caller may do what the route does, to what its path names.

    Raises:
        Forbidden: it may not.
    """
    operation = getattr(request.scope["route"], "operation_id", None)
    need = PERMISSIONS.get(operation or "", _ADMIN_OF_ALL)
    caller = caller_of(request)
    if caller.role < need.role:
        raise Forbidden
    if need.by_handler:
        return
    named = request.path_params
    require_scope(
        caller,
        named.get("projectKey"),
        named.get("environmentKey"),
        named.get("segmentKey"),
        whole=need.whole,
    )


def require_scope(
    caller: Caller,
    project: str | None,
    environment: str | None = None,
    segment: str | None = None,
    *,
    whole: bool = False,
) -> None:
    """Make sure that a place is in the caller's scope.

    For handlers whose body names the place, such as what is to be created; what the path
    names has been checked.

    Args:
        caller: who asks.
        project: its key; ``None`` here and below: the path does not say.
        environment: its key.
        segment: its key.
        whole: everything inside the place must be in scope as well.

    Raises:
        Forbidden: it is not.
    """
    holds = caller.scope.covers if whole else caller.scope.allows
    if not holds(project, environment, segment):
        raise Forbidden
