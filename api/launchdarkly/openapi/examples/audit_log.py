"""The log of changes: listed, searched, read and counted."""

from collections.abc import Mapping
from typing import Any, Final

from api.launchdarkly.openapi.examples import names
from api.launchdarkly.openapi.examples.example import Examples
from api.launchdarkly.openapi.references import JSON

_LOG: Final = "/api/v2/auditlog"
_ENVIRONMENT: Final = f"/api/v2/projects/{names.PROJECT}/environments/{names.ENVIRONMENT}"
_SEGMENTS: Final = f"/api/v2/segments/{names.PROJECT}/{names.ENVIRONMENT}"
_IN: Final = f"proj/{names.PROJECT}:env/{names.ENVIRONMENT}"
RESOURCE: Final = f"{_IN}:segment/{names.SEGMENT}"
#: The segment before and after, in short.
BEFORE: Final = {"key": names.SEGMENT, "name": "Testers", "tags": ["beta"], "version": 1}
AFTER: Final = {**BEFORE, "name": "Beta testers", "version": 2}


def _link(href: str, kind: str = "application/json") -> dict[str, str]:
    return {"href": href, "type": kind}


_PLACES: Final = {
    "canonical": _link(f"{_SEGMENTS}/{names.SEGMENT}"),
    "site": _link(f"/{names.PROJECT}/{names.ENVIRONMENT}/segments/{names.SEGMENT}", "text/html"),
}
_ENTRY: Final[Mapping[str, Any]] = {
    "_links": {"self": _link(f"{_LOG}/{names.ENTRY}"), "parent": _link(_LOG), **_PLACES},
    "_id": names.ENTRY,
    "_accountId": names.ACCOUNT,
    "date": names.CHANGED,
    "accesses": [{"action": "updateName", "resource": RESOURCE}],
    "kind": "segment",
    "name": "Beta testers",
    "description": '- name: "Testers" → "Beta testers"',
    "shortDescription": "updated the segment Beta testers",
    "comment": "asked for by the beta team",
    "subject": {"name": "nightly import"},
    "token": {"_id": names.TOKEN, "name": "nightly import"},
    "titleVerb": "updated the segment",
    "title": "nightly import updated the segment Beta testers",
    "target": {"_links": _PLACES, "name": "Beta testers", "resources": [RESOURCE]},
    "parent": {
        "_links": {"self": _link(_ENVIRONMENT), "segments": _link(_SEGMENTS)},
        "name": names.ENVIRONMENT,
        "resource": _IN,
    },
}
_PAGE: Final = {
    "items": [_ENTRY],
    "_links": {
        "self": _link(f"{_LOG}?limit=1"),
        "next": _link(f"{_LOG}?limit=1&olderThan={names.ENTRY}"),
    },
}
_STATEMENTS: Final = {
    "changes of segments, but not of names": [
        {"effect": "allow", "resources": [f"{_IN}:segment/*"]},
        {"effect": "deny", "resources": ["*"], "actions": ["updateName"]},
    ],
    "all changes": [],
}

EXAMPLES: Final[Mapping[str, Examples]] = {
    "getAuditLogEntries": Examples(answers={200: {"a page": _PAGE}}),
    "postAuditLogEntries": Examples(bodies={JSON: _STATEMENTS}, answers={200: {"a page": _PAGE}}),
    "getAuditLogEntry": Examples(
        answers={200: {"an entry": {**_ENTRY, "previousVersion": BEFORE, "currentVersion": AFTER}}}
    ),
    "postAuditLogEntryCounts": Examples(
        bodies={JSON: _STATEMENTS},
        answers={
            200: {
                "two hours": {
                    "buckets": [
                        {"timestamp": names.CREATED, "count": 0},
                        {"timestamp": names.CHANGED, "count": 1},
                    ],
                    "totalCount": 1,
                    "bucketIntervalMs": 3_600_000,
                }
            }
        },
    ),
}
