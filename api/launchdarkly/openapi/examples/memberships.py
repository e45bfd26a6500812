"""Big segments' members: edited and looked up."""

from collections.abc import Mapping
from typing import Final

from api.launchdarkly.openapi.examples import names
from api.launchdarkly.openapi.examples.example import Examples
from api.launchdarkly.openapi.references import JSON

_EDIT: Final = Examples(
    bodies={
        JSON: {
            "both lists": {
                "included": {"add": [names.MEMBER, "customer-5678"], "remove": ["customer-9012"]},
                "excluded": {"add": ["customer-3456"], "remove": []},
            },
            "one list": {"included": {"add": ["customer-7890"]}},
        }
    }
)
_ANSWERS: Final[Mapping[int, Mapping[str, object]]] = {
    200: {
        "member": {"userKey": names.MEMBER, "included": True, "excluded": False},
        "neither included nor excluded": {
            "userKey": "customer-0000",
            "included": False,
            "excluded": False,
        },
    }
}
_LOOK_UP: Final = Examples(answers=_ANSWERS)
_LOOK_UP_BY_BODY: Final = Examples(
    bodies={JSON: {"any key": {"key": names.MEMBER}, "a key with a slash": {"key": "org/1234"}}},
    answers=_ANSWERS,
)

EXAMPLES: Final[Mapping[str, Examples]] = {
    "updateBigSegmentContextTargets": _EDIT,
    "updateBigSegmentTargets": _EDIT,
    "getSegmentMembershipForContext": _LOOK_UP,
    "getSegmentMembershipForUser": _LOOK_UP,
    "lookUpSegmentMembershipForContext": _LOOK_UP_BY_BODY,
    "lookUpSegmentMembershipForUser": _LOOK_UP_BY_BODY,
}
