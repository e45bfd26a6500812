"""The refusals that an operation documents: those that it declares and those of every route.

What follows from the route alone is added here: any token can be unknown or over a limit, any
body can be too large or arrive too slowly.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from fastapi.routing import APIRoute

from api.access.auth import Role
from api.access.permissions import Need, need_of
from api.errors import (
    ApiError,
    Broken,
    Forbidden,
    HeadersTooLarge,
    InvalidRequest,
    RangeNotSatisfiable,
    RateLimited,
    RequestTimeout,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from api.rest.operations import JSON, NO_TOKEN, Refusals, component, declared_refusals
from api.rest.requests import RequireJson

_FOR_ANY_TOKEN: Final[Refusals] = MappingProxyType(
    {
        Unauthorized: "The access token is missing, unknown or expired.",
        RateLimited: "More requests in this window than a limit allows; `X-Ratelimit-Reset` says "
        "when the window ends.",
        HeadersTooLarge: "The path and the headers together are too long.",
        Broken: "An error inside the service; the operator finds the id in the log.",
        Unavailable: "A part that is needed does not answer, or cannot answer with certainty. "
        "Safe to retry.",
    }
)
_FOR_ANY_BODY: Final[Refusals] = MappingProxyType(
    {
        RequestTimeout: "The body arrives too slowly; the connection is closed.",
        TooLarge: "The body is too large.",
    }
)
#: The name of the schema of a refusal's body.
ERROR: Final = "Error"
_FORBIDDEN: Final = "The role or the scope of the access token does not allow this."
_INVALID: Final = "The request is invalid; the message says where."
_MEDIA_TYPE: Final = "The body is not JSON."

_SECONDS: Final = {"type": "integer", "format": "int32", "minimum": 0}
_LIMITS: Final = {
    name: {
        "description": description,
        "schema": {"type": "integer", "format": "int64", "minimum": 0},
    }
    for name, description in {
        "X-Ratelimit-Global-Limit": "Requests that all tokens together may make in a window.",
        "X-Ratelimit-Global-Remaining": "How many of them are left.",
        "X-Ratelimit-Route-Limit": "Requests that may be made to this operation in a window.",
        "X-Ratelimit-Route-Remaining": "How many of them are left.",
        "X-Ratelimit-Auth-Token-Limit": "Requests that this token may make in a window.",
        "X-Ratelimit-Auth-Token-Remaining": "How many of them are left.",
        "X-Ratelimit-Reset": "When the window ends, in Unix milliseconds.",
        "X-Ratelimit-Auth-Token-Reset": "When the token's window ends, in Unix milliseconds.",
    }.items()
}
_HEADERS: Final[Mapping[type[ApiError], Mapping[str, Any]]] = {
    RangeNotSatisfiable: {
        "Content-Range": {
            "description": "`bytes */` and how many bytes the file has.",
            "schema": {"type": "string"},
        }
    },
    RateLimited: _LIMITS,
    Unavailable: {"Retry-After": {"description": "Seconds to wait.", "schema": _SECONDS}},
}


def describe_refusals(
    route: APIRoute, operation: Mapping[str, Any], project_parameter: str
) -> dict[str, Any]:
    """Document the answers of an operation with a status of 400 and above, by status.

    Args:
        route: of the operation.
        operation: its description so far.
        project_parameter: what its path calls a project, if it names one.
    """
    need = need_of(route)
    if need == NO_TOKEN:
        return {}
    refusals: dict[type[ApiError], str] = {**_FOR_ANY_TOKEN}
    if _can_be_forbidden(need, route, project_parameter):
        refusals[Forbidden] = _FORBIDDEN
    has_body = "requestBody" in operation
    if has_body or "GET" not in (route.methods or ()) or _has_checked_parameter(operation):
        refusals[InvalidRequest] = _INVALID
    if has_body:
        refusals |= _FOR_ANY_BODY
    if RequireJson in route.dependencies:
        refusals[UnsupportedMediaType] = _MEDIA_TYPE
    refusals |= declared_refusals(route.endpoint)
    return dict(_answers(refusals))


def _can_be_forbidden(need: Need | None, route: APIRoute, project_parameter: str) -> bool:
    """Whether some token may not use it; every token may read what names no project.

    Where SDK keys are asked for, anything else is no token at all.
    """
    if need is not None and need.role is Role.SDK_KEY:
        return False
    if need is None or need.role is not Role.READER or need.whole or need.by_handler:
        return True
    return f"{{{project_parameter}}}" in route.path


def _has_checked_parameter(operation: Mapping[str, Any]) -> bool:
    """Whether a parameter can be invalid.

    A plain string of a query cannot; what a path names, unless it is one of a few words, is there
    or not.
    """
    return any(
        "enum" in parameter["schema"]
        or (parameter["in"] == "query" and parameter["schema"].get("type") != "string")
        for parameter in operation.get("parameters", ())
    )


def _answers(refusals: Refusals) -> Iterator[tuple[str, dict[str, Any]]]:
    by_status = groupby(sorted(refusals, key=lambda error: error.status), lambda one: one.status)
    for status, errors in by_status:
        found = list(errors)
        answer: dict[str, Any] = {
            "description": " ".join(refusals[error] for error in found),
            "content": {JSON: {"schema": component(ERROR)}},
        }
        headers = {name: one for error in found for name, one in _HEADERS.get(error, {}).items()}
        if headers:
            answer["headers"] = headers
        yield str(status), answer
