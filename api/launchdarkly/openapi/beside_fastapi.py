"""Operations that FastAPI does not know: the look-ups, health and figures."""

from typing import Any, Final

from api.launchdarkly.openapi.references import JSON, component
from worker.context_keys import KEY_LIMIT_BYTES

_LOOK_UPS: Final = (
    ("contexts", "contextKey", "getSegmentMembershipForContext"),
    ("users", "userKey", "getSegmentMembershipForUser"),
)
_LOOK_UPS_BY_BODY: Final = (
    ("contexts", "lookUpSegmentMembershipForContext"),
    ("users", "lookUpSegmentMembershipForUser"),
)
_SEGMENT_PATH: Final = "/api/v2/segments/{projectKey}/{environmentKey}/{segmentKey}"
_STATUS: Final = {"type": "string", "enum": ["ok", "down"]}


def paths() -> dict[str, Any]:
    """The operations by path and method."""
    look_ups = {
        f"{_SEGMENT_PATH}/{literal}/{{{name}}}": {"get": _look_up(operation_id, name)}
        for literal, name, operation_id in _LOOK_UPS
    }
    look_ups |= {
        f"{_SEGMENT_PATH}/{literal}/lookup": {"post": _look_up_by_body(operation_id)}
        for literal, operation_id in _LOOK_UPS_BY_BODY
    }
    ready = {"schema": component("Readiness")}
    return {
        **look_ups,
        "/healthz": {
            "get": _open("getLiveness", "Ask whether the process is alive")
            | {"responses": {"200": _answer("It is.", JSON, {"schema": component("Liveness")})}},
        },
        "/readyz": {
            "get": _open("getReadiness", "Ask whether the parts that are needed answer")
            | {
                "responses": {
                    "200": _answer("All of them do.", JSON, ready),
                    "503": _answer("One of them does not.", JSON, ready),
                }
            },
        },
        "/metrics": {
            "get": {
                "tags": ["Service"],
                "operationId": "getMetrics",
                "summary": "Read what this process has counted",
                "description": "Figures in the text format of Prometheus.",
                "responses": {
                    "200": _answer("The figures.", "text/plain", {"schema": {"type": "string"}})
                },
            }
        },
    }


def schemas() -> dict[str, Any]:
    """What the operations answer, by name."""
    part = {
        "type": "object",
        "required": ["ok"],
        "properties": {"ok": {"type": "boolean"}, "error": {"type": "string"}},
    }
    return {
        "BigSegmentLookup": {
            "type": "object",
            "description": "Which context is asked about.",
            "required": ["key"],
            "additionalProperties": False,
            "properties": {
                "key": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": KEY_LIMIT_BYTES,
                    "description": "The context's key; its kind is the segment's.",
                },
            },
        },
        "BigSegmentTarget": {
            "type": "object",
            "description": "Whether a context is in the lists of a big segment.",
            "required": ["userKey", "included", "excluded"],
            "properties": {
                "userKey": {"type": "string", "description": "The context's key."},
                "included": {"type": "boolean"},
                "excluded": {"type": "boolean"},
            },
        },
        "Liveness": {
            "type": "object",
            "required": ["status"],
            "properties": {"status": {"type": "string", "enum": ["ok"]}},
        },
        "Readiness": {
            "type": "object",
            "required": ["status", "parts"],
            "properties": {
                "status": _STATUS,
                "parts": {"type": "object", "additionalProperties": part},
            },
        },
    }


def _look_up(operation_id: str, *parameters: str) -> dict[str, Any]:
    names = ("projectKey", "environmentKey", "segmentKey", *parameters)
    return {
        "tags": ["Segments"],
        "operationId": operation_id,
        "summary": "Ask whether a context is in a big segment",
        "description": "Strictly consistent: an answer that is not certain is a 503, never a no.",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ],
        "responses": {
            "200": _answer("The answer.", JSON, {"schema": component("BigSegmentTarget")})
        },
    }


def _look_up_by_body(operation_id: str) -> dict[str, Any]:
    return _look_up(operation_id) | {
        "summary": "Ask whether a context is in a big segment, with its key in the body",
        "description": "Answers as the look-up with the key in the path does, also for keys that "
        "clients and proxies change in a path: those with a slash, `.` and `..`.",
        "requestBody": {
            "description": "The context's key.",
            "required": True,
            "content": {JSON: {"schema": component("BigSegmentLookup")}},
        },
    }


def _open(operation_id: str, summary: str) -> dict[str, Any]:
    return {
        "tags": ["Service"],
        "operationId": operation_id,
        "summary": summary,
        "description": f"{summary}. Needs no token.",
        "security": [],
    }


def _answer(description: str, media_type: str, media: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media_type: dict(media)}}
