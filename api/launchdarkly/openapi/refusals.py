"""Which refusals an operation can answer with, in one table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.launchdarkly.openapi.references import JSON, component

#: A UUID, as every refusal has one.
_ERROR_ID: Final = "7b2a1c5e-0d4f-4c8a-9e53-1f6d0b9a2c47"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way to be refused."""

    status: int
    code: str
    description: str
    message: str
    """An example of what the caller is told."""


INVALID: Final = Refusal(
    400, "invalid_request", "The request is wrong; the message says where.", "name: Field required"
)
UNAUTHORIZED: Final = Refusal(
    401, "unauthorized", "No access token, or one that is not known.", "invalid access token"
)
FORBIDDEN: Final = Refusal(
    403,
    "forbidden",
    "The access token's role does not allow this, or its scope does not hold it.",
    "access to the resource was denied",
)
NOT_FOUND: Final = Refusal(
    404, "not_found", "There is no such thing.", "invalid resource identifier"
)
NOT_ALLOWED: Final = Refusal(
    405, "method_not_allowed", "The path exists, but not for this method.", "method not allowed"
)
KEY_TAKEN: Final = Refusal(
    409, "key_exists", "The key is taken, or someone was faster.", "Duplicate segment key"
)
CONFLICT: Final = Refusal(
    409,
    "optimistic_locking_error",
    "Someone else is in the way; read again, then try again.",
    "patch[0]: test at /version failed; read it again",
)
IN_USE: Final = Refusal(
    409,
    "resource_in_use",
    "Rules of other segments refer to it; change them first, or send `force`.",
    "segment vip is used by rules of beta; change those rules first, or delete with "
    "?force=true, which leaves them in error",
)
TOO_SLOW: Final = Refusal(
    408,
    "request_timeout",
    "The body comes too slowly; the connection is closed.",
    "the request body comes too slowly: less than 20,480 bytes in 20 seconds",
)
TOO_LARGE: Final = Refusal(
    413, "request_too_large", "The body is too long.", "the request body is over 5,242,880 bytes"
)
MEDIA_TYPE: Final = Refusal(
    415,
    "unsupported_media_type",
    "The body is of a type that is not taken here.",
    "send application/json, not text/plain",
)
NO_SUCH_RANGE: Final = Refusal(
    416,
    "range_not_satisfiable",
    "No byte of the file is in the range; `Content-Range` says how many there are.",
    "no byte of the file is in the range: it has 28 bytes",
)
KEY_REUSED: Final = Refusal(
    422,
    "idempotency_key_reused",
    "The `Idempotency-Key` came before, with another request.",
    "this Idempotency-Key belongs to another request; use a new key for each start",
)
HEADERS_TOO_LARGE: Final = Refusal(
    431,
    "headers_too_large",
    "The target and the headers are too long together.",
    "the request's headers are over 65,536 bytes",
)
RATE_LIMITED: Final = Refusal(
    429,
    "rate_limited",
    "More requests in this window than a limit takes; `X-Ratelimit-Reset` says when it ends.",
    "API rate limit exceeded: more than 50 requests with this token in 10 seconds; "
    "wait for the next window",
)
BROKEN: Final = Refusal(
    500,
    "internal_error",
    "Something that should not happen did; the operator finds the id in the log.",
    "something went wrong; the operator finds it in the log by this id",
)
UNAVAILABLE: Final = Refusal(
    503,
    "service_unavailable",
    "A part that is needed does not answer, or not with certainty. Safe to retry.",
    "the store does not answer; retry",
)
ALL: Final = (
    *(INVALID, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, NOT_ALLOWED, KEY_TAKEN, CONFLICT, IN_USE),
    *(TOO_SLOW, HEADERS_TOO_LARGE),
    *(TOO_LARGE, MEDIA_TYPE, NO_SUCH_RANGE, KEY_REUSED, RATE_LIMITED, BROKEN, UNAVAILABLE),
)

#: Whatever is behind a token and needs the store.
_ALWAYS: Final = (UNAUTHORIZED, FORBIDDEN, RATE_LIMITED, HEADERS_TOO_LARGE, BROKEN, UNAVAILABLE)
_SEARCH: Final = (*_ALWAYS, INVALID)
_POST: Final = (*_SEARCH, TOO_SLOW, TOO_LARGE, MEDIA_TYPE)
_READ: Final = (*_ALWAYS, NOT_FOUND)
_QUERY: Final = (*_READ, INVALID)
_BODY: Final = (*_QUERY, TOO_SLOW, TOO_LARGE, MEDIA_TYPE)

#: Operations that are not here are taken for ones that read a body.
_OF: Final[Mapping[str, Iterable[Refusal]]] = {
    "getSegments": _QUERY,
    "postSegment": (*_BODY, KEY_TAKEN),
    "getSegment": _READ,
    "patchSegment": (*_BODY, CONFLICT),
    "deleteSegment": (*_QUERY, IN_USE),
    "updateBigSegmentContextTargets": _BODY,
    "updateBigSegmentTargets": _BODY,
    "getSegmentMembershipForContext": _QUERY,
    "getSegmentMembershipForUser": _QUERY,
    "createBigSegmentImport": (*_BODY, CONFLICT, KEY_REUSED),
    "createBigSegmentImportFromSource": (*_BODY, CONFLICT, KEY_REUSED),
    "lookUpSegmentMembershipForContext": _BODY,
    "lookUpSegmentMembershipForUser": _BODY,
    "getBigSegmentImport": _READ,
    "createBigSegmentExport": (*_BODY, CONFLICT, KEY_REUSED),
    "getBigSegmentExport": _READ,
    "downloadBigSegmentExport": (*_READ, NO_SUCH_RANGE),
    "getContextInstanceSegmentsMembershipByEnv": _BODY,
    "getExpiringTargetsForSegment": _READ,
    "patchExpiringTargetsForSegment": (*_BODY, CONFLICT),
    "getExpiringUserTargetsForSegment": _READ,
    "patchExpiringUserTargetsForSegment": (*_BODY, CONFLICT),
    "getProjects": _SEARCH,
    "postProject": (*_POST, KEY_TAKEN),
    "getProject": _READ,
    "patchProject": (*_BODY, CONFLICT),
    "deleteProject": (*_QUERY, CONFLICT),
    "getEnvironmentsByProject": _QUERY,
    "postEnvironment": (*_BODY, KEY_TAKEN),
    "getEnvironment": _READ,
    "patchEnvironment": (*_BODY, CONFLICT),
    "deleteEnvironment": _QUERY,
    "getTokens": _SEARCH,
    "postToken": _POST,
    "getToken": _READ,
    "patchToken": (*_BODY, CONFLICT),
    "deleteToken": _QUERY,
    "resetToken": (*_QUERY, TOO_LARGE, CONFLICT),
    "getAuditLogEntries": _SEARCH,
    "getAuditLogEntry": _READ,
    "postAuditLogEntries": _POST,
    "postAuditLogEntryCounts": _POST,
    "getCallerIdentity": (UNAUTHORIZED, RATE_LIMITED, HEADERS_TOO_LARGE, BROKEN, UNAVAILABLE),
    "getLinkedViews": _QUERY,
    "getMetrics": (UNAUTHORIZED, FORBIDDEN, RATE_LIMITED, HEADERS_TOO_LARGE, BROKEN),
    "getLiveness": (),
    "getReadiness": (),
}
_SECONDS: Final = {"type": "integer", "format": "int32", "minimum": 0}
_LIMITS: Final = {
    name: {
        "description": description,
        "schema": {"type": "integer", "format": "int64", "minimum": 0},
    }
    for name, description in {
        "X-Ratelimit-Global-Limit": "Requests that all tokens together may make in a window.",
        "X-Ratelimit-Global-Remaining": "How many of them are left.",
        "X-Ratelimit-Route-Limit": "Requests that this operation takes in a window.",
        "X-Ratelimit-Route-Remaining": "How many of them are left.",
        "X-Ratelimit-Auth-Token-Limit": "Requests that this token may make in a window.",
        "X-Ratelimit-Auth-Token-Remaining": "How many of them are left.",
        "X-Ratelimit-Reset": "When the window ends, in Unix milliseconds.",
        "X-Ratelimit-Auth-Token-Reset": "When the token's window ends, in Unix milliseconds.",
    }.items()
}
_HEADERS: Final[Mapping[int, Mapping[str, Any]]] = {
    416: {
        "Content-Range": {
            "description": "`bytes */` and how many bytes the file has.",
            "schema": {"type": "string"},
        }
    },
    429: _LIMITS,
    503: {"Retry-After": {"description": "Seconds to wait.", "schema": _SECONDS}},
}


def refusals_of(operation_id: str) -> dict[str, Any]:
    """The answers of an operation with a status of 400 and above, by status."""
    found = sorted(_OF.get(operation_id, _BODY), key=lambda one: one.status)
    return {str(one.status): _answer(one) for one in found}


def is_listed(operation_id: str) -> bool:
    """Whether the table says which refusals an operation has."""
    return operation_id in _OF


def error_schema() -> dict[str, Any]:
    """The body of every refusal."""
    return {
        "type": "object",
        "description": "Why a request was refused.",
        "required": ["code", "message", "id"],
        "properties": {
            "code": {"type": "string", "enum": sorted({one.code for one in ALL})},
            "message": {"type": "string", "description": "What happened and what to do."},
            "id": {
                "type": "string",
                "format": "uuid",
                "description": "Under which the operator finds the request in the log.",
            },
        },
    }


def _answer(refusal: Refusal) -> dict[str, Any]:
    example = {"code": refusal.code, "message": refusal.message, "id": _ERROR_ID}
    media = {"schema": component("Error"), "examples": {refusal.code: {"value": example}}}
    answer: dict[str, Any] = {"description": refusal.description, "content": {JSON: media}}
    if refusal.status in _HEADERS:
        answer["headers"] = dict(_HEADERS[refusal.status])
    return answer
