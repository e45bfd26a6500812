"""Every error that a request can be refused with, independent of a dialect.

ApiError
├── InvalidRequest (terminal)        400  the request itself is wrong
├── Unauthorized (terminal)          401
├── Forbidden (terminal)             403  the caller may not do this, or not here
├── NotFound (terminal)              404
├── MethodNotAllowed (terminal)      405
├── KeyTaken (terminal)              409  a segment has this key
├── Conflict (terminal)              409  another process is changing the segment
├── InUse (terminal)                 409  something else refers to it
├── PreconditionFailed (terminal)    412  the resource is not as the request requires
├── RequestTimeout (terminal)        408  the request arrived too slowly
├── TooLarge (terminal)              413
├── UnsupportedMediaType (terminal)  415
├── RangeNotSatisfiable (terminal)   416  no byte of the file is in the range
├── KeyReused (terminal)             422  the idempotency key is another request's
├── HeadersTooLarge (terminal)       431
├── RateLimited (transient)          429  more requests than allowed
├── Unavailable (transient)          503  a required part does not answer
└── Broken (terminal)                500  something that should never happen did

A dialect turns one of these into its body; what the store and the objects raise is
translated here, in one table, and what the operator has to fix is logged.
"""

import uuid
from typing import ClassVar, Final, Self

import structlog

from worker.logs import describe_exception
from worker.objects import (
    DestinationNotAllowed,
    ObjectError,
    ObjectNotFound,
    ObjectStoreUnavailable,
    ObjectTooLarge,
    SourceNotAllowed,
    UploadLost,
)
from worker.store import (
    AuditEntryNotFound,
    DefinitionsNotFound,
    EditsSince,
    EnvironmentExists,
    EnvironmentNotFound,
    ErasureNotFound,
    ErasuresUnderWay,
    Fenced,
    ImportInProgress,
    ImportNotWaiting,
    ImportOver,
    JobNotFound,
    KeyInOtherList,
    LastProject,
    ListUnknown,
    OutOfMemory,
    ProjectExists,
    ProjectNotFound,
    RelayNotAdmitted,
    RelaysNotServed,
    ResourceChanged,
    RevisionDamaged,
    RevisionNotFound,
    ScheduleExists,
    ScheduleNotFound,
    SdkKeyNotFound,
    SdkPrefixTaken,
    SdkSetsLost,
    SegmentExists,
    SegmentNotFound,
    SegmentReferenced,
    SnapshotLost,
    StoreError,
    StoreUnavailable,
    TerminalError,
    TokenNotFound,
    TooManyErasures,
    TooManyLists,
    TooManySchedules,
    TooManySegments,
    TooManyTokens,
    TooManyWebhooks,
    TransientError,
    UnreadableRecord,
    WebhookNotFound,
)

#: Seconds a caller is asked to wait after a 503. Clients block that long, so it is short.
RETRY_AFTER_S: Final = 1

_log = structlog.get_logger(__name__)


class ApiError(Exception):
    """A refusal: what happened, to which id, and what to do."""

    status: ClassVar[int] = 500

    @property
    def message(self) -> str:
        """The text for the caller."""
        return str(self)


class InvalidRequest(ApiError, TerminalError):
    """The request itself is wrong."""

    status = 400


class Unauthorized(ApiError, TerminalError):
    """No token, or one that is not known."""

    status = 401


class Forbidden(ApiError, TerminalError):
    """The caller's role or scope does not allow it."""

    status = 403

    def __init__(self, message: str = "access to the resource was denied") -> None:
        """Say what LaunchDarkly documents, unless more helps."""
        super().__init__(message)


class NotFound(ApiError, TerminalError):
    """Nothing is there."""

    status = 404


class MethodNotAllowed(ApiError, TerminalError):
    """The path exists, but not for this method."""

    status = 405


class KeyTaken(ApiError, TerminalError):
    """A resource with this key exists already."""

    status = 409


class Conflict(ApiError, TerminalError):
    """Another process is in the way; try again when it is over."""

    status = 409


class InUse(ApiError, TerminalError):
    """Something else refers to what was to be deleted."""

    status = 409


class PreconditionFailed(ApiError, TerminalError):
    """The resource is no longer in the state that the request requires."""

    status = 412


class RequestTimeout(ApiError, TerminalError):
    """The request arrived too slowly."""

    status = 408


class TooLarge(ApiError, TerminalError):
    """The body is longer than allowed."""

    status = 413


class UnsupportedMediaType(ApiError, TerminalError):
    """The body is of a type that this operation does not take."""

    status = 415


class RangeNotSatisfiable(ApiError, TerminalError):
    """No byte of the file is in the range that was asked for."""

    status = 416

    def __init__(self, size_bytes: int) -> None:
        """State the file's size."""
        super().__init__(f"no byte of the file is in the range: it has {size_bytes:,} bytes")
        self.size_bytes = size_bytes


class KeyReused(ApiError, TerminalError):
    """The request carries the idempotency key of another one."""

    status = 422


class HeadersTooLarge(ApiError, TerminalError):
    """The target and the headers are longer than allowed."""

    status = 431


class RateLimited(ApiError, TransientError):
    """More requests than allowed. Safe to retry in the next window."""

    status = 429

    total: int = 0
    """Requests that the limit allows in a window."""
    resets_ms: int = 0
    """Unix milliseconds at which the window ends; 0: unknown."""

    @classmethod
    def of_limit(cls, message: str, *, total: int, resets_ms: int) -> Self:
        """The refusal by a limit."""
        error = cls(message)
        error.total, error.resets_ms = total, resets_ms
        return error


class Unavailable(ApiError, TransientError):
    """A required part does not answer, or cannot be certain. Safe to retry."""

    status = 503


class Broken(ApiError, TerminalError):
    """Something that should never happen did; the operator finds it in the log."""

    status = 500


_TRANSLATIONS: Final[tuple[tuple[type[Exception], type[ApiError]], ...]] = (
    (ProjectNotFound, NotFound),
    (EnvironmentNotFound, NotFound),
    (SegmentNotFound, NotFound),
    (JobNotFound, NotFound),
    (ErasureNotFound, NotFound),
    (AuditEntryNotFound, NotFound),
    (TokenNotFound, NotFound),
    (SdkKeyNotFound, NotFound),
    (WebhookNotFound, NotFound),
    (DefinitionsNotFound, NotFound),
    (ScheduleNotFound, NotFound),
    (SegmentExists, KeyTaken),
    (ScheduleExists, KeyTaken),
    (ProjectExists, KeyTaken),
    (EnvironmentExists, KeyTaken),
    (ResourceChanged, Conflict),
    (SdkPrefixTaken, Conflict),
    (SdkSetsLost, Unavailable),
    (LastProject, Conflict),
    (SegmentReferenced, InUse),
    (TooManyTokens, InvalidRequest),
    (TooManyWebhooks, InvalidRequest),
    (TooManySegments, InvalidRequest),
    (TooManyLists, InvalidRequest),
    (TooManyErasures, InvalidRequest),
    (ErasuresUnderWay, Unavailable),
    (TooManySchedules, InvalidRequest),
    (ImportInProgress, Conflict),
    (ImportNotWaiting, InvalidRequest),
    (ImportOver, Conflict),
    (RevisionNotFound, NotFound),
    (RevisionDamaged, Conflict),
    (SnapshotLost, Conflict),
    (EditsSince, Conflict),
    (Fenced, Conflict),
    (ListUnknown, Unavailable),
    (OutOfMemory, Unavailable),
    (StoreUnavailable, Unavailable),
    (RelaysNotServed, Unavailable),
    (RelayNotAdmitted, Unavailable),
    (UnreadableRecord, Unavailable),
    (KeyInOtherList, InvalidRequest),
    (SourceNotAllowed, InvalidRequest),
    (DestinationNotAllowed, InvalidRequest),
    (ObjectTooLarge, TooLarge),
    (ObjectNotFound, NotFound),
    (ObjectStoreUnavailable, Unavailable),
    (UploadLost, Unavailable),
)


def translate_error(error: StoreError | ObjectError) -> ApiError:
    """Translate an error of the store or of the objects for the caller.

    One that is not in the table means a fault in the set-up (a refused command, a missing
    bucket): 500.
    """
    for cause, refusal in _TRANSLATIONS:
        if isinstance(error, cause):
            return refusal(str(error))
    return Broken(str(error))


#: The answer to a fault of bigseg itself.
BROKEN: Final = Broken("something went wrong; the operator finds it in the log by this id")


def log_failure(exc: Exception, error_id: str) -> None:
    """Log a fault of bigseg itself."""
    _log.error("request.failed", error_id=error_id, **describe_exception(exc))


def log_refusal(error: ApiError, error_id: str) -> None:
    """Log a refusal that the operator has to fix, such as missing credentials; ignore others."""
    if isinstance(error, Broken):
        _log.error("request.failed", error_id=error_id, error=error.message)


def new_id() -> str:
    """Make a random UUID: the id of a refusal, or of a job."""
    return str(uuid.uuid4())
