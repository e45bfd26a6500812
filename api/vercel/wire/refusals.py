"""Refusals as JSON: ``{"error": {"code", "message", …}}``, the form of Vercel's.

Vercel's client gives a refusal's status and text; its command line and Terraform's provider read
``code`` and ``message``.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

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
from worker.errors import TerminalError


class SegmentInUse(ApiError, TerminalError):
    """Other segments or flags name the one that was to be deleted.

    Source: Vercel's command line looks for this code, and its own mock answers 400.
    """

    status = 400

    def __init__(self, message: str, used_by: Mapping[str, Any]) -> None:
        """State who refers to it."""
        super().__init__(message)
        self.used_by = used_by


class DatafileIncomplete(ApiError, TerminalError):
    """A client could not evaluate flags with the datafile, and would not notice."""

    status = 409


class DatafileTooLarge(ApiError, TerminalError):
    """The datafile is larger than allowed."""

    status = 409


#: Source: ``bad_request``, ``forbidden``, ``not_found``, ``method_unknown``, ``rate_limited`` and
#: ``internal_server_error`` are Vercel's generic codes, ``SEGMENT_IN_USE`` is what its command
#: line looks for; the others are not documented.
CODES: Final[dict[type[ApiError], str]] = {
    InvalidRequest: "bad_request",
    SegmentInUse: "SEGMENT_IN_USE",
    DatafileIncomplete: "datafile_incomplete",
    DatafileTooLarge: "datafile_too_large",
    Unauthorized: "unauthorized",
    Forbidden: "forbidden",
    NotFound: "not_found",
    MethodNotAllowed: "method_unknown",
    RequestTimeout: "request_timeout",
    KeyTaken: "conflict",
    Conflict: "conflict",
    InUse: "conflict",
    PreconditionFailed: "precondition_failed",
    TooLarge: "request_too_large",
    UnsupportedMediaType: "unsupported_media_type",
    RangeNotSatisfiable: "range_not_satisfiable",
    KeyReused: "idempotency_key_reused",
    RateLimited: "rate_limited",
    HeadersTooLarge: "headers_too_large",
    Broken: "internal_server_error",
    Unavailable: "service_unavailable",
}

_MS: Final = 1_000


def error_body(error: ApiError, error_id: str) -> bytes:
    """The body of a refusal.

    Args:
        error: what was refused.
        error_id: a UUID under which the operator finds it in the log.
    """
    fault = {
        "code": CODES[type(error)],
        "message": error.message,
        "id": error_id,
        **_additions(error),
    }
    return json.dumps({"error": fault}, ensure_ascii=False).encode(errors="backslashreplace")


def _additions(error: ApiError) -> Mapping[str, Any]:
    """Give what some refusals say in addition."""
    if isinstance(error, SegmentInUse):
        return {"usedBy": error.used_by}
    if isinstance(error, RateLimited) and error.resets_ms:
        reset_s = error.resets_ms // _MS
        limit = {"remaining": 0, "reset": reset_s, "resetMs": error.resets_ms}
        return {"limit": {**limit, "total": error.total}}
    return {}
