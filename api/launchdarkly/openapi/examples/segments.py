"""Segments: created, listed, read and patched."""

from collections.abc import Mapping
from typing import Any, Final

from api.launchdarkly.openapi.examples import names
from api.launchdarkly.openapi.examples.access import READER, WRITER
from api.launchdarkly.openapi.examples.example import Examples
from api.launchdarkly.openapi.examples.instructions import INSTRUCTIONS, STORY
from api.launchdarkly.openapi.references import JSON, SEMANTIC

_LIST: Final = f"/api/v2/segments/{names.PROJECT}/{names.ENVIRONMENT}"


def _links(key: str) -> dict[str, Any]:
    site = f"/{names.PROJECT}/{names.ENVIRONMENT}/segments/{key}"
    return {
        "parent": {"href": _LIST, "type": "application/json"},
        "self": {"href": f"{_LIST}/{key}", "type": "application/json"},
        "site": {"href": site, "type": "text/html"},
    }


#: One rule of each kind: without a rollout, and with one.
RULES: Final = [
    {
        "_id": names.RULE,
        "description": "Testers who asked for it",
        "clauses": [
            {
                "_id": names.CLAUSE,
                "attribute": "email",
                "op": "endsWith",
                "values": ["@example.com", "@example.org"],
                "contextKind": "user",
                "negate": False,
            }
        ],
        "rolloutContextKind": "user",
    },
    {
        "_id": names.SECOND_RULE,
        "clauses": [
            {
                "_id": names.SECOND_CLAUSE,
                "attribute": "version",
                "op": "semVerGreaterThan",
                "values": ["2.1.0"],
                "contextKind": "device",
                "negate": False,
            }
        ],
        "weight": 25_000,
        "rolloutContextKind": "device",
        "bucketBy": "country",
    },
]
STANDARD: Final = {
    "name": "Beta testers",
    "key": names.SEGMENT,
    "description": "People who try things first",
    "tags": ["beta"],
    "creationDate": names.CREATED,
    "lastModifiedDate": names.CHANGED,
    "version": 2,
    "generation": 1,
    "deleted": False,
    "rules": RULES,
    "included": ["user-1", "user-2"],
    "excluded": ["user-3"],
    "includedContexts": [{"contextKind": "device", "values": ["device-1"]}],
    "excludedContexts": [],
    "_links": _links(names.SEGMENT),
}
BIG: Final = {
    "name": "VIP customers",
    "key": names.BIG_SEGMENT,
    "tags": [],
    "creationDate": names.CREATED,
    "lastModifiedDate": names.CREATED,
    "version": 1,
    "generation": 1,
    "deleted": False,
    "rules": [],
    "included": [],
    "unbounded": True,
    "unboundedContextKind": "customer",
    "_unboundedMetadata": {
        "envId": "64f6f21653c76f12626d142c",
        "segmentId": f"{names.BIG_SEGMENT}.g1",
        "version": 7,
        "includedCount": 2_500_000,
        "excludedCount": 3,
        "lastModified": names.CHANGED,
        "deleted": False,
    },
    "_importInProgress": False,
    "_links": _links(names.BIG_SEGMENT),
}
_EMPTY: Final = {
    **STANDARD,
    "version": 1,
    "lastModifiedDate": names.CREATED,
    "rules": [],
    "included": [],
    "excluded": [],
    "includedContexts": [],
}
_JSON_PATCHES: Final = {
    "json patch": [
        {"op": "replace", "path": "/description", "value": "Testers"},
        {"op": "add", "path": "/included/-", "value": "user-4"},
    ],
    "json patch that wants a field to be as it was read": [
        {"op": "test", "path": "/key", "value": names.SEGMENT},
        {"op": "copy", "from": "/name", "path": "/description"},
        {"op": "remove", "path": "/tags"},
    ],
    "json patch with a comment": {
        "patch": [{"op": "add", "path": "/tags/-", "value": "beta"}],
        "comment": "asked for by the beta team",
    },
    "merge patch": {"description": "Testers", "tags": ["beta", "mobile"]},
    "merge patch with a comment": {
        "merge": {"rules": RULES, "excluded": ["user-3"]},
        "comment": "back to two rules",
    },
}

EXAMPLES: Final[Mapping[str, Examples]] = {
    "postSegment": Examples(
        bodies={
            JSON: {
                "standard segment": {
                    "name": "Beta testers",
                    "key": names.SEGMENT,
                    "description": "People who try things first",
                    "tags": ["beta"],
                },
                "big segment": {
                    "name": "VIP customers",
                    "key": names.BIG_SEGMENT,
                    "unbounded": True,
                    "unboundedContextKind": "customer",
                },
            }
        },
        answers={
            201: {
                "standard segment": {**_EMPTY, "_access": WRITER},
                "big segment": {**BIG, "_access": WRITER},
            }
        },
    ),
    "getSegments": Examples(
        answers={
            200: {
                "a page": {
                    "items": [STANDARD, BIG],
                    "totalCount": 45,
                    "_links": {
                        "self": {
                            "href": f"{_LIST}?limit=2&offset=0",
                            "type": "application/json",
                        },
                        "next": {"href": f"{_LIST}?limit=2&offset=2", "type": "application/json"},
                        "last": {"href": f"{_LIST}?limit=2&offset=44", "type": "application/json"},
                    },
                }
            }
        }
    ),
    "getSegment": Examples(
        answers={
            200: {
                "standard segment": {**STANDARD, "_flags": [], "_access": WRITER},
                "big segment": {**BIG, "_flags": [], "_access": READER},
            }
        }
    ),
    "patchSegment": Examples(
        bodies={
            JSON: _JSON_PATCHES,
            SEMANTIC: {
                "several instructions": STORY,
                **{
                    str(one["kind"]): {
                        "environmentKey": names.ENVIRONMENT,
                        "instructions": [one],
                    }
                    for one in INSTRUCTIONS
                },
            },
        },
        answers={
            200: {
                "standard segment": {**STANDARD, "_access": WRITER},
                "big segment": {**BIG, "_access": WRITER},
            }
        },
    ),
}
