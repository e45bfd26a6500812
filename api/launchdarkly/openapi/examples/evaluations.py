"""All segments of an environment, evaluated for a context."""

from collections.abc import Mapping
from typing import Any, Final

from api.launchdarkly.openapi.examples import names
from api.launchdarkly.openapi.examples.example import Examples
from api.launchdarkly.openapi.references import JSON

_LIST: Final = f"/api/v2/segments/{names.PROJECT}/{names.ENVIRONMENT}"
_HERE: Final = (
    f"/api/v2/projects/{names.PROJECT}/environments/{names.ENVIRONMENT}/segments/evaluate"
)


def _item(key: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "key": key,
        "description": "",
        "unbounded": False,
        "external": "",
        "isMember": False,
        "isIndividuallyTargeted": False,
        "isRuleTargeted": False,
        "_links": {
            "parent": {"href": _LIST, "type": "application/json"},
            "self": {"href": f"{_LIST}/{key}", "type": "application/json"},
        },
        **fields,
    }


EXAMPLES: Final[Mapping[str, Examples]] = {
    "getContextInstanceSegmentsMembershipByEnv": Examples(
        bodies={
            JSON: {
                "one kind": {
                    "kind": "customer",
                    "key": names.MEMBER,
                    "name": "A shop",
                    "plan": "gold",
                },
                "several kinds": {
                    "kind": "multi",
                    "user": {"key": "user-9", "email": "nine@example.com"},
                    "device": {"key": "device-2", "version": "2.2.0", "anonymous": True},
                },
                "user without a kind": {"key": "user-1", "custom": {"groups": ["beta"]}},
            }
        },
        answers={
            200: {
                "two segments": {
                    "items": [
                        _item(
                            names.SEGMENT,
                            name="Beta testers",
                            description="People who try things first",
                        ),
                        _item(
                            names.BIG_SEGMENT,
                            name="VIP customers",
                            unbounded=True,
                            isMember=True,
                            isIndividuallyTargeted=True,
                        ),
                    ],
                    "_links": {
                        "parent": {"href": _LIST, "type": "application/json"},
                        "self": {"href": _HERE, "type": "application/json"},
                    },
                }
            }
        },
    ),
}
