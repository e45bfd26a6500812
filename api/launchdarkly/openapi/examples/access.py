"""What callers may do with the segments of the examples."""

from typing import Any, Final

from api.launchdarkly.openapi.examples import names

_ACTIONS: Final = (
    *("createSegment", "deleteSegment", "updateName", "updateDescription", "updateTags"),
    *("updateIncluded", "updateExcluded", "updateRules", "updateExpiringTargets"),
)


def _entries(effect: str, role: str, resource: str) -> list[dict[str, Any]]:
    reason = {"effect": effect, "resources": [resource], "actions": ["*"], "role_name": role}
    return [{"action": action, "reason": reason} for action in _ACTIONS]


#: A writer for one environment.
WRITER: Final = {
    "denied": [],
    "allowed": _entries(
        "allow", "writer", f"proj/{names.PROJECT}:env/{names.ENVIRONMENT}:segment/*"
    ),
}
#: A reader without a scope.
READER: Final = {"denied": _entries("deny", "reader", "proj/*:env/*:segment/*"), "allowed": []}
