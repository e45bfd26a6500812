"""``_access``: what the caller may do with a segment, in LaunchDarkly's words."""

from typing import Final, Literal

from pydantic import BaseModel

from api.access.auth import Caller, Role
from api.launchdarkly.wire.specifiers import format_grant
from worker.store import Grant, Segment

#: LaunchDarkly's actions on segments, those that bigseg has. All of them need a writer.
ACTIONS: Final = (
    "createSegment",
    "deleteSegment",
    "updateName",
    "updateDescription",
    "updateTags",
    "updateIncluded",
    "updateExcluded",
    "updateRules",
    "updateExpiringTargets",
)


class AccessReason(BaseModel):
    """Why an action is allowed or denied."""

    effect: Literal["allow", "deny"]
    resources: list[str]
    actions: list[str]
    role_name: str


class AccessEntry(BaseModel):
    """One action."""

    action: str
    reason: AccessReason


class Access(BaseModel):
    """All actions."""

    denied: list[AccessEntry]
    allowed: list[AccessEntry]


def access_of(caller: Caller, segment: Segment) -> Access:
    """What a caller may do with a segment that is in its scope."""
    grants = caller.scope.matching((segment.scope.project, segment.scope.environment, segment.key))
    writes = caller.role >= Role.WRITER
    reason = AccessReason(
        effect="allow" if writes else "deny",
        resources=[format_grant(one) for one in grants or (Grant(),)],
        actions=["*"],
        role_name=caller.role.wire_name,
    )
    entries = [AccessEntry(action=action, reason=reason) for action in ACTIONS]
    return Access(denied=[], allowed=entries) if writes else Access(denied=entries, allowed=[])
