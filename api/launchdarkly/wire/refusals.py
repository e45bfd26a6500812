"""Refusals as JSON: ``{"code", "message", "id"}``, the form and codes of LaunchDarkly's."""

import json
from typing import Final

from api.errors import (
    ApiError,
    Broken,
    Conflict,
    Forbidden,
    HeadersTooLarge,
    InUse,
    InvalidRequest,
    KeyReused,
    KeyTaken,
    MethodNotAllowed,
    NotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
    RateLimited,
    RequestTimeout,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)

#: Source: the error table of LaunchDarkly's REST API; those of InUse, 408, 412, 413, 415, 416,
#: 422, 431 and 500 are not documented.
CODES: Final[dict[type[ApiError], str]] = {
    InvalidRequest: "invalid_request",
    Unauthorized: "unauthorized",
    Forbidden: "forbidden",
    NotFound: "not_found",
    MethodNotAllowed: "method_not_allowed",
    KeyTaken: "key_exists",
    Conflict: "optimistic_locking_error",
    InUse: "resource_in_use",
    PreconditionFailed: "precondition_failed",
    RequestTimeout: "request_timeout",
    TooLarge: "request_too_large",
    UnsupportedMediaType: "unsupported_media_type",
    RangeNotSatisfiable: "range_not_satisfiable",
    KeyReused: "idempotency_key_reused",
    HeadersTooLarge: "headers_too_large",
    RateLimited: "rate_limited",
    Unavailable: "service_unavailable",
    Broken: "internal_error",
}


def error_body(error: ApiError, error_id: str) -> bytes:
    """The body of a refusal.

    Args:
        error: what was refused.
        error_id: a UUID under which the operator finds it in the log.
    """
    body = {"code": CODES[type(error)], "message": error.message, "id": error_id}
    return json.dumps(body, ensure_ascii=False).encode(errors="backslashreplace")
