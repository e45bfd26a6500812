"""Targets for a time: contexts and users that are to be removed from a segment."""

from collections.abc import Mapping
from typing import Any, Final

from api.launchdarkly.openapi.examples import names
from api.launchdarkly.openapi.examples.example import Examples
from api.launchdarkly.openapi.references import JSON

_SEGMENTS: Final = f"/api/v2/segments/{names.PROJECT}"


def _targets(family: str, segment: str, **names_target: str) -> dict[str, Any]:
    href = f"{_SEGMENTS}/{segment}/{family}/{names.ENVIRONMENT}"
    return {
        "items": [
            {
                "_id": names.SCHEDULE,
                "_version": 1,
                "expirationDate": names.EXPIRES,
                "targetType": "included",
                "_resourceId": {
                    "environmentKey": names.ENVIRONMENT,
                    "key": segment,
                    "kind": "segment",
                    "projectKey": names.PROJECT,
                },
                **names_target,
            }
        ],
        "_links": {"self": {"href": href, "type": "application/json"}},
    }


_CONTEXTS: Final = _targets(
    "expiring-targets", names.BIG_SEGMENT, contextKind="customer", contextKey=names.MEMBER
)
_USERS: Final = _targets("expiring-user-targets", names.SEGMENT, userKey="user-1")
_ALL_DONE: Final = {"totalInstructions": 1, "successfulInstructions": 1, "failedInstructions": 0}
_ONE_FAILED: Final = {
    "totalInstructions": 2,
    "successfulInstructions": 1,
    "failedInstructions": 1,
    "errors": [{"instructionIndex": 1, "message": "the target has no expiration date"}],
}


def _instruction(kind: str, target: Mapping[str, str], **fields: int) -> dict[str, Any]:
    return {"kind": kind, "targetType": "included", **target, **fields}


_CONTEXT: Final = {"contextKind": "customer", "contextKey": names.MEMBER}
_OTHER: Final = {"contextKind": "customer", "contextKey": "customer-5678"}

EXAMPLES: Final[Mapping[str, Examples]] = {
    "getExpiringTargetsForSegment": Examples(answers={200: {"one context": _CONTEXTS}}),
    "patchExpiringTargetsForSegment": Examples(
        bodies={
            JSON: {
                "add": {
                    "comment": "a trial until 2099",
                    "instructions": [
                        _instruction("addExpiringTarget", _CONTEXT, value=names.EXPIRES)
                    ],
                },
                "update and remove": {
                    "instructions": [
                        _instruction("updateExpiringTarget", _CONTEXT, value=names.EXPIRES),
                        _instruction("removeExpiringTarget", _OTHER),
                    ]
                },
            }
        },
        answers={
            200: {
                "all followed": {**_CONTEXTS, **_ALL_DONE},
                "one not followed": {**_CONTEXTS, **_ONE_FAILED},
            }
        },
    ),
    "getExpiringUserTargetsForSegment": Examples(answers={200: {"one user": _USERS}}),
    "patchExpiringUserTargetsForSegment": Examples(
        bodies={
            JSON: {
                "add": {
                    "comment": "a trial until 2099",
                    "instructions": [
                        _instruction(
                            "addExpireUserTargetDate", {"userKey": "user-1"}, value=names.EXPIRES
                        )
                    ],
                },
                "update and remove": {
                    "instructions": [
                        _instruction(
                            "updateExpireUserTargetDate",
                            {"userKey": "user-1"},
                            value=names.EXPIRES,
                            version=2,
                        ),
                        _instruction("removeExpireUserTargetDate", {"userKey": "user-2"}),
                    ]
                },
            }
        },
        answers={
            200: {
                "all followed": {**_USERS, **_ALL_DONE},
                "one not followed": {**_USERS, **_ONE_FAILED},
            }
        },
    ),
}
