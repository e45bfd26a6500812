"""``_access``: what the caller may do with a segment, in LaunchDarkly's words."""

from typing import Final, Literal

from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from api.access.auth import Caller, Role
from api.launchdarkly.wire.specifiers import format_grant
from worker.store import Grant, Segment

#: The actions on segments that bigseg has, in LaunchDarkly's words. All need a writer.
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


class AccessReason(TypedDict):
    """Why an action is allowed or denied."""

    effect: Literal["allow", "deny"]
    resources: list[str]
    actions: list[str]
    role_name: str


class AccessEntry(TypedDict):
    """One action."""

    action: str
    reason: AccessReason


class Access(TypedDict):
    """All actions."""

    denied: list[AccessEntry]
    allowed: list[AccessEntry]


def describe_access(caller: Caller, segment: Segment) -> Access:
    """Say what a caller may do with a segment that is in its scope."""
    grants = caller.scope.matching((segment.env.project, segment.env.environment, segment.key))
    writes = caller.role >= Role.WRITER
    reason: AccessReason = {
        "effect": "allow" if writes else "deny",
        "resources": [format_grant(grant) for grant in grants or (Grant(),)],
        "actions": ["*"],
        "role_name": caller.role.wire_name,
    }
    entries: list[AccessEntry] = [{"action": action, "reason": reason} for action in ACTIONS]
    if writes:
        return {"denied": [], "allowed": entries}
    return {"denied": entries, "allowed": []}
