"""Projects and environments."""

from collections.abc import Mapping
from typing import Any, Final

from api.launchdarkly.openapi.examples import names
from api.launchdarkly.openapi.examples.example import Examples
from api.launchdarkly.openapi.references import JSON

_PROJECT: Final = f"/api/v2/projects/{names.PROJECT}"
_ENVIRONMENTS: Final = f"{_PROJECT}/environments"
_SEGMENTS: Final = f"/api/v2/segments/{names.PROJECT}/{names.ENVIRONMENT}"


def _link(href: str) -> dict[str, str]:
    return {"href": href, "type": "application/json"}


_PRODUCTION: Final = {
    "_links": {
        "self": _link(f"{_ENVIRONMENTS}/{names.ENVIRONMENT}"),
        "parent": _link(_PROJECT),
        "segments": _link(_SEGMENTS),
    },
    "_id": names.ENVIRONMENT_ID,
    "key": names.ENVIRONMENT,
    "name": "Production",
    "apiKey": "sdk-2f1c7a5d-8e90-4d0e-9b0e-1f9d6a0e6a3c",
    "mobileKey": "mob-9b0e2f1c-7a5d-4e90-8a3c-4d0e1f9d6a0e",
    "color": "417505",
    "defaultTtl": 0,
    "secureMode": False,
    "defaultTrackEvents": False,
    "requireComments": False,
    "confirmChanges": False,
    "tags": ["live"],
    "critical": True,
}
_ENVIRONMENT_PAGE: Final = {
    "_links": {"self": _link(f"{_ENVIRONMENTS}?limit=20&offset=0")},
    "totalCount": 1,
    "items": [_PRODUCTION],
}
_BARE_PROJECT: Final[Mapping[str, Any]] = {
    "_links": {"self": _link(_PROJECT), "environments": _link(_ENVIRONMENTS)},
    "_id": "37a8eec1ce19687d132fe291",
    "key": names.PROJECT,
    "name": "Web shop",
    "includeInSnippetByDefault": False,
    "defaultClientSideAvailability": {"usingEnvironmentId": False, "usingMobileKey": True},
    "requireViewAssociationForNewFlags": False,
    "requireViewAssociationForNewSegments": False,
    "tags": ["shop"],
}
_CHANGED: Final = {**_BARE_PROJECT, "environments": [_PRODUCTION]}
_PATCHES: Final = {
    "json patch": [
        {"op": "replace", "path": "/name", "value": "Renamed"},
        {"op": "add", "path": "/tags/-", "value": "eu"},
    ],
    "json patch with a comment": {
        "patch": [{"op": "replace", "path": "/tags", "value": ["live"]}],
        "comment": "new names",
    },
}

EXAMPLES: Final[Mapping[str, Examples]] = {
    "getProjects": Examples(
        answers={
            200: {
                "a page": {
                    "_links": {"self": _link("/api/v2/projects?limit=20&offset=0")},
                    "items": [_BARE_PROJECT],
                    "totalCount": 1,
                }
            }
        }
    ),
    "postProject": Examples(
        bodies={
            JSON: {
                "with the usual environments": {"key": names.PROJECT, "name": "Web shop"},
                "with its own environments": {
                    "key": names.PROJECT,
                    "name": "Web shop",
                    "tags": ["shop"],
                    "environments": [{"key": names.ENVIRONMENT, "name": "Production"}],
                },
            }
        },
        answers={201: {"project": _CHANGED}},
    ),
    "getProject": Examples(
        answers={
            200: {
                "project": _BARE_PROJECT,
                "with its environments": {**_BARE_PROJECT, "environments": _ENVIRONMENT_PAGE},
            }
        }
    ),
    "getLinkedViews": Examples(
        answers={200: {"no views": {"items": [], "totalCount": 0, "_links": {}}}}
    ),
    "patchProject": Examples(bodies={JSON: _PATCHES}, answers={200: {"project": _CHANGED}}),
    "getEnvironmentsByProject": Examples(answers={200: {"a page": _ENVIRONMENT_PAGE}}),
    "postEnvironment": Examples(
        bodies={
            JSON: {
                "named": {"key": names.ENVIRONMENT, "name": "Production"},
                "in full": {
                    "key": names.ENVIRONMENT,
                    "name": "Production",
                    "color": "417505",
                    "tags": ["live"],
                    "critical": True,
                },
            }
        },
        answers={201: {"environment": _PRODUCTION}},
    ),
    "getEnvironment": Examples(answers={200: {"environment": _PRODUCTION}}),
    "patchEnvironment": Examples(
        bodies={JSON: _PATCHES}, answers={200: {"environment": _PRODUCTION}}
    ),
}
