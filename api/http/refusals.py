"""Refusals as JSON: ``{"code", "message", "id"}``, the form and codes of LaunchDarkly's."""

import json
from typing import Final

from api.errors import (
    RETRY_AFTER_S,
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
    RangeNotSatisfiable,
    RateLimited,
    RequestTimeout,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)

#: Source: the error table of LaunchDarkly's REST API; those of InUse, 408, 413, 415, 416, 422, 431
#: and 500 are not documented.
_CODES: Final[dict[type[ApiError], str]] = {
    InvalidRequest: "invalid_request",
    Unauthorized: "unauthorized",
    Forbidden: "forbidden",
    NotFound: "not_found",
    MethodNotAllowed: "method_not_allowed",
    KeyTaken: "key_exists",
    Conflict: "optimistic_locking_error",
    InUse: "resource_in_use",
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
    body = {"code": _CODES[type(error)], "message": error.message, "id": error_id}
    return json.dumps(body, ensure_ascii=False).encode(errors="backslashreplace")


def error_headers(error: ApiError) -> tuple[tuple[bytes, bytes], ...]:
    """Headers that go with a refusal."""
    if isinstance(error, Unavailable):
        return ((b"retry-after", b"%d" % RETRY_AFTER_S),)
    if isinstance(error, RangeNotSatisfiable):
        return ((b"content-range", b"bytes */%d" % error.size_bytes),)
    return ()
