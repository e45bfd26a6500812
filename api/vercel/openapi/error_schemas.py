"""Schemas of a refusal's body."""

from typing import Any, Final

from api.rest.operations import component
from api.vercel.wire.refusals import CODES

_INT64: Final = {"type": "integer", "format": "int64"}

ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Why a request was refused.",
    "required": ["error"],
    "properties": {"error": component("ErrorDetails")},
}

#: Schemas that it refers to, by name.
ERROR_PARTS: Final[dict[str, Any]] = {
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
