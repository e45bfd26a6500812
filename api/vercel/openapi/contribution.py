"""This dialect's part of the OpenAPI document."""

from typing import Any, Final

from fastapi import FastAPI

from api.openapi.contribution import Contribution
from api.rest.operations import component
from api.vercel.openapi.schemas import build_schemas
from api.vercel.wire.refusals import CODES

_ABOUT: Final = """\
### Vercel's dialect: paths below `/v1`, `/v2`, `/v9` and `/teams`

Segments of a project, as Vercel's feature flags have them. A project is named by its key or by its
id. `teamId` and `slug` in a query are ignored: there are no teams. Unknown keys of a body are
dropped. A refusal is `{"error": {"code", "message", "id"}}`. These segments and those of
LaunchDarkly's dialect do not know of each other.
"""
_TAGS: Final = {
    "Vercel segments": "Segments of a project, their rules and values.",
    "Vercel lists": "Lists of any size that are attached to a segment, their imports and exports.",
    "Vercel projects": "Projects, as Vercel's clients ask for them.",
    "Vercel account": "Who calls, as Vercel's command line asks.",
    "Vercel flag settings": "Which entities people write rules for.",
    "Vercel SDK keys": "Keys of SDKs, which show the datafile and nothing else.",
    "Vercel datafile": "What SDKs evaluate flags with, and the definitions in it.",
}
_TOKEN: Final = {"type": "http", "scheme": "bearer", "description": "An access token."}
_SDK_KEY: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "An SDK key, which begins with `vf_server_`.",
}
_INT64: Final = {"type": "integer", "format": "int64"}


def describe(app: FastAPI) -> Contribution:
    """Describe this dialect.

    Args:
        app: its application, with all its routes.
    """
    return Contribution(
        about=_ABOUT,
        routes=tuple(app.routes),
        tags=_TAGS,
        project_parameter="projectIdOrName",
        security={"BearerToken": _TOKEN},
        sdk_security={"SdkKey": _SDK_KEY},
        schemas=build_schemas() | _error_parts(),
        error=_error_schema(),
        examples=__package__ or "",
        schema_prefix="Vercel",
    )


def _error_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Why a request was refused.",
        "required": ["error"],
        "properties": {"error": component("ErrorDetails")},
    }


def _error_parts() -> dict[str, Any]:
    return {
        "ErrorDetails": {
            "type": "object",
            "description": "What a refusal says.",
            "required": ["code", "message", "id"],
            "properties": {
                "code": {"type": "string", "enum": sorted(set(CODES.values()))},
                "message": {"type": "string", "description": "What happened and what to do."},
                "id": {
                    "type": "string",
                    "format": "uuid",
                    "description": "The id under which the operator finds the request in the log.",
                },
                "usedBy": component("SegmentUsers"),
                "limit": component("ExceededLimit"),
            },
        },
        "SegmentUsers": {
            "type": "object",
            "description": "With `SEGMENT_IN_USE`: what names the segment.",
            "required": ["flags", "segments"],
            "properties": {
                "flags": {"type": "array", "items": component("SegmentUser")},
                "segments": {"type": "array", "items": component("SegmentUser")},
            },
        },
        "SegmentUser": {
            "type": "object",
            "description": "A flag or a segment that names the segment.",
            "properties": {name: {"type": "string"} for name in ("id", "slug", "name", "label")},
        },
        "ExceededLimit": {
            "type": "object",
            "description": "With `rate_limited`: the limit, and when its window ends.",
            "required": ["remaining", "reset", "resetMs"],
            "properties": {
                "remaining": _INT64,
                "reset": {**_INT64, "description": "Unix seconds."},
                "resetMs": {**_INT64, "description": "Unix milliseconds."},
                "total": _INT64,
            },
        },
    }
