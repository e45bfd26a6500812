"""Access tokens: with and without a scope."""

from collections.abc import Mapping
from typing import Any, Final

from api.launchdarkly.openapi.examples import names
from api.launchdarkly.openapi.examples.example import Examples
from api.launchdarkly.openapi.references import JSON

_TOKENS: Final = "/api/v2/tokens"
#: Of no token: a secret is shown once.
_SECRET: Final = "api-00000000-0000-0000-0000-00000000c0de"  # noqa: S105 - an example

#: Everything below one environment, and segments of one name in all.
SCOPE: Final = [
    {
        "effect": "allow",
        "actions": ["*"],
        "resources": [
            f"proj/{names.PROJECT}:env/{names.ENVIRONMENT}:segment/*",
            f"proj/*:env/*:segment/{names.SEGMENT}",
        ],
    }
]
TOKEN: Final[Mapping[str, Any]] = {
    "_id": names.TOKEN,
    "ownerId": names.ADMIN_TOKEN,
    "memberId": names.ADMIN_TOKEN,
    "name": "nightly import",
    "description": "Brings the lists in",
    "creationDate": names.CREATED,
    "lastModified": names.CREATED,
    "inlineRole": SCOPE,
    "token": _SECRET[-4:],
    "serviceToken": True,
    "defaultApiVersion": 20_240_415,
    "_links": {
        "self": {"href": f"{_TOKENS}/{names.TOKEN}", "type": "application/json"},
        "parent": {"href": _TOKENS, "type": "application/json"},
    },
    "lastUsed": names.CHANGED,
}
_WITH_SECRET: Final = {**TOKEN, "token": _SECRET}
_UNUSED: Final = {name: value for name, value in _WITH_SECRET.items() if name != "lastUsed"}

EXAMPLES: Final[Mapping[str, Examples]] = {
    "getTokens": Examples(
        answers={
            200: {
                "a page": {
                    "items": [TOKEN],
                    "_links": {
                        "self": {
                            "href": f"{_TOKENS}?limit=25&offset=0",
                            "type": "application/json",
                        }
                    },
                    "totalCount": 1,
                }
            }
        }
    ),
    "postToken": Examples(
        bodies={
            JSON: {
                "reader of everything": {"name": "dashboard", "role": "reader"},
                "writer with a scope": {
                    "name": "nightly import",
                    "description": "Brings the lists in",
                    "inlineRole": SCOPE,
                    "serviceToken": True,
                    "defaultApiVersion": 20_240_415,
                    "expiry": names.EXPIRES,
                },
            }
        },
        answers={201: {"token with its secret": _UNUSED}},
    ),
    "getToken": Examples(answers={200: {"token": TOKEN}}),
    "patchToken": Examples(
        bodies={
            JSON: {
                "json patch": [
                    {"op": "replace", "path": "/name", "value": "nightly import"},
                    {"op": "replace", "path": "/inlineRole", "value": SCOPE},
                ],
                "json patch with a comment": {
                    "patch": [{"op": "replace", "path": "/role", "value": "writer"}],
                    "comment": "it only writes",
                },
            }
        },
        answers={200: {"token": TOKEN}},
    ),
    "getCallerIdentity": Examples(
        answers={
            200: {
                "a token": {
                    "authKind": "token",
                    "tokenName": "nightly import",
                    "tokenId": names.TOKEN,
                    "memberId": names.ADMIN_TOKEN,
                    "serviceToken": True,
                    "expiresAt": names.EXPIRES,
                }
            }
        }
    ),
    "resetToken": Examples(
        bodies={JSON: {"until when the old secret works": {"expiry": names.EXPIRES}}},
        answers={200: {"token with its new secret": _WITH_SECRET}},
    ),
}
