"""The OpenAPI document: what FastAPI derives, made true.

The look-ups are served before FastAPI, validation answers 400 and not FastAPI's 422, and
refusals have LaunchDarkly's body; the document says so.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

_REFUSALS: Final = {
    "400": "The request is wrong.",
    "401": "No or an unknown access token.",
    "403": "The token may not do this, or not here.",
    "404": "Nothing is there.",
    "405": "The path exists, but not for this method.",
    "409": "Another process or resource is in the way.",
    "413": "The body is too long.",
    "415": "The body is of a type that is not taken here.",
    "503": "The store cannot answer now, or not with certainty.",
}
_ERROR: Final = {
    "type": "object",
    "required": ["code", "message", "id"],
    "properties": {
        "code": {"type": "string", "examples": ["invalid_request"]},
        "message": {"type": "string"},
        "id": {"type": "string", "format": "uuid"},
    },
}
_MEMBERSHIP: Final = {
    "type": "object",
    "required": ["userKey", "included", "excluded"],
    "properties": {
        "userKey": {"type": "string"},
        "included": {"type": "boolean"},
        "excluded": {"type": "boolean"},
    },
}
_LOOKUPS: Final = (
    ("contexts", "contextKey", "getSegmentMembershipForContext"),
    ("users", "userKey", "getSegmentMembershipForUser"),
)
_OF_FASTAPI: Final = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI) -> None:
    """Make ``app.openapi()`` give the whole document, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, summary=app.summary, version=app.version, routes=app.routes
    )
    paths: dict[str, Any] = document["paths"]
    for literal, parameter, operation in _LOOKUPS:
        path = f"/api/v2/segments/{{projectKey}}/{{environmentKey}}/{{segmentKey}}/{literal}"
        paths[f"{path}/{{{parameter}}}"] = {"get": _lookup(parameter, operation)}
    for path_item in paths.values():
        for operation_item in path_item.values():
            _make_refusals_true(operation_item)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _OF_FASTAPI:
        schemas.pop(name, None)
    schemas |= {"Error": _ERROR, "BigSegmentTarget": _MEMBERSHIP}
    document["components"]["securitySchemes"] = {
        "ApiKey": {"type": "apiKey", "in": "header", "name": "Authorization"}
    }
    document["security"] = [{"ApiKey": []}]
    return document


def _make_refusals_true(operation: dict[str, Any]) -> None:
    responses: dict[str, Any] = operation["responses"]
    responses.pop("422", None)
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for status, description in _REFUSALS.items():
        responses.setdefault(status, {"description": description, "content": body})


def _lookup(parameter: str, operation: str) -> dict[str, Any]:
    names = ("projectKey", "environmentKey", "segmentKey", parameter)
    schema = {"$ref": "#/components/schemas/BigSegmentTarget"}
    return {
        "tags": ["Segments"],
        "summary": "Ask whether a context is included or excluded",
        "operationId": operation,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ],
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {"application/json": {"schema": schema}},
            }
        },
    }
