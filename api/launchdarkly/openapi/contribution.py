"""This dialect's part of the OpenAPI document."""

from typing import Any, Final

from fastapi import FastAPI

from api.launchdarkly import service_pages
from api.launchdarkly.memberships import documented_lookups
from api.launchdarkly.openapi.schemas import build_schemas
from api.launchdarkly.wire.refusals import CODES
from api.openapi.contribution import Contribution

_ABOUT: Final = """\
### LaunchDarkly's dialect: paths below `/api/v2`

Big and standard segments of an environment behind the LaunchDarkly Segments API, and the projects
and environments that hold them. `LD-API-Version` may have any value. Unknown fields in a body are
refused. Fields of an answer whose names begin with `_` are read-only, and a field without a value
is left out. A token's scope is its `inlineRole`. A refusal is `{"code", "message", "id"}`.
"""
_TAGS: Final = {
    "Segments": "Segments, their members, imports and exports.",
    "Projects": "Projects.",
    "Environments": "Environments of a project.",
    "Webhooks": "Who hears of the ends of imports and exports.",
    "SDKs": "What LaunchDarkly's SDKs read from Redis by themselves.",
    "Access tokens": "Who may call, and what they may do.",
    "Audit log": "Who changed what.",
    "Service": "The service itself.",
}
_TOKEN: Final = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "An access token.",
}


def describe(app: FastAPI) -> Contribution:
    """Describe this dialect.

    Args:
        app: its application, with all its routes.
    """
    answered_by_front = (*documented_lookups.documented.routes, *service_pages.documented.routes)
    return Contribution(
        about=_ABOUT,
        routes=(*app.routes, *answered_by_front),
        tags=_TAGS,
        project_parameter="projectKey",
        security={"ApiKey": _TOKEN},
        sdk_security={},
        schemas=build_schemas(),
        error=_error_schema(),
        examples=__package__ or "",
    )


def _error_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Why a request was refused.",
        "required": ["code", "message", "id"],
        "properties": {
            "code": {"type": "string", "enum": sorted(set(CODES.values()))},
            "message": {"type": "string", "description": "What happened and what to do."},
            "id": {
                "type": "string",
                "format": "uuid",
                "description": "The id under which the operator finds the request in the log.",
            },
        },
    }
