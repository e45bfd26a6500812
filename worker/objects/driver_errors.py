"""The one table that turns errors of botocore and S3 into those of this package."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from worker.objects.advice import advise
from worker.objects.errors import (
    BucketMissing,
    CredentialsRefused,
    ObjectAccessDenied,
    ObjectArchived,
    ObjectChanged,
    ObjectError,
    ObjectNotFound,
    ObjectStoreRefused,
    ObjectStoreUnavailable,
    ObjectTooLarge,
    UploadLost,
)

# What a request, or reading its body, may raise. A body's TLS errors come straight from urllib3.
_DRIVER_ERRORS = (ClientError, BotoCoreError, HTTPError, OSError)

_BY_CODE: Mapping[str, type[ObjectError]] = {
    # A reply to HEAD has no body, so its code is the status.
    "404": ObjectNotFound,
    "NotFound": ObjectNotFound,
    "NoSuchKey": ObjectNotFound,
    "NoSuchBucket": BucketMissing,
    "NoSuchUpload": UploadLost,
    "412": ObjectChanged,
    "PreconditionFailed": ObjectChanged,
    # Ranges are made from the size that was seen, so one outside the object means it shrank.
    "416": ObjectChanged,
    "InvalidRange": ObjectChanged,
    "EntityTooLarge": ObjectTooLarge,
    "401": CredentialsRefused,
    "403": ObjectAccessDenied,
    "AccessDenied": ObjectAccessDenied,
    "AllAccessDisabled": ObjectAccessDenied,
    "ExpiredToken": CredentialsRefused,
    "InvalidAccessKeyId": CredentialsRefused,
    "InvalidSecurity": CredentialsRefused,
    "InvalidToken": CredentialsRefused,
    "RequestTimeTooSkewed": CredentialsRefused,
    "SignatureDoesNotMatch": CredentialsRefused,
    "TokenRefreshRequired": CredentialsRefused,
    # These come with statuses below 500.
    "BadDigest": ObjectStoreUnavailable,
    "ConditionalRequestConflict": ObjectStoreUnavailable,
    "IncompleteBody": ObjectStoreUnavailable,
    "OperationAborted": ObjectStoreUnavailable,
    "RequestTimeout": ObjectStoreUnavailable,
    "RequestTimeoutException": ObjectStoreUnavailable,
    "SlowDown": ObjectStoreUnavailable,
    "Throttling": ObjectStoreUnavailable,
    "ThrottlingException": ObjectStoreUnavailable,
    "TooManyRequests": ObjectStoreUnavailable,
    "KMS.DependencyTimeoutException": ObjectStoreUnavailable,
    "KMS.KMSInternalException": ObjectStoreUnavailable,
    "KMS.KeyUnavailableException": ObjectStoreUnavailable,
    "KMS.ThrottlingException": ObjectStoreUnavailable,
    # S3 may report a failed completion inside a reply with status 200.
    "InternalError": ObjectStoreUnavailable,
    "ServiceUnavailable": ObjectStoreUnavailable,
    # Comes with status 403, for an object that is in an archive.
    "InvalidObjectState": ObjectArchived,
    "ObjectNotInActiveTierError": ObjectArchived,
    "NotImplemented": ObjectStoreRefused,
}

_TRANSIENT_STATUSES = frozenset({408, 429})
#: Not implemented, and not of this version of HTTP: no other try changes that.
_REFUSING_STATUSES = frozenset({501, 505})

#: First match wins; anything else that botocore raises is about the request or the settings.
_BY_TYPE: tuple[tuple[tuple[type[BaseException], ...], type[ObjectError]], ...] = (
    ((boto.NoCredentialsError, boto.PartialCredentialsError), CredentialsRefused),
    ((boto.ProfileNotFound,), CredentialsRefused),
    ((boto.CredentialRetrievalError, boto.MetadataRetrievalError), ObjectStoreUnavailable),
    ((boto.HTTPClientError, boto.ConnectionError), ObjectStoreUnavailable),
    ((boto.IncompleteReadError, boto.FlexibleChecksumError), ObjectStoreUnavailable),
    ((HTTPError, OSError), ObjectStoreUnavailable),
    ((BotoCoreError,), ObjectStoreRefused),
)


def s3_address(bucket: str, key: str | None) -> str:
    """Write a bucket and a key as people know them, ``s3://bucket/key``."""
    return f"s3://{bucket}" if key is None else f"s3://{bucket}/{key}"


@contextmanager
def driver_errors(action: str, bucket: str, key: str | None = None) -> Iterator[None]:
    """Turn what the driver raises inside the block into this package's errors.

    Args:
        action: what is being done, as in "read", for the message.
        bucket: the bucket it is done to.
        key: the object's key, or unset for the bucket itself.

    Raises:
        ObjectError: the error of the table, with the driver's as its cause.
    """
    try:
        yield
    except _DRIVER_ERRORS as exc:
        kind, text = _classify(exc)
        if kind is ObjectNotFound and key is None:
            kind = BucketMissing
        error, headers = _read_answer(exc)
        where, do = s3_address(bucket, key), advise(kind, action, error, headers)
        raise kind(f"cannot {action} {where}: {text}; {do}") from exc


def is_answer(cause: BaseException | None) -> bool:
    """Whether the service itself answered with this error, rather than not answering at all."""
    return isinstance(cause, ClientError)


def reply_error(code: str, text: str, action: str, bucket: str, key: str) -> ObjectError:
    """Make the error for one key of a batch, whose code is inside a successful reply."""
    kind = _classify_code(code, 0)
    do = advise(kind, action, {"Code": code, "Message": text}, {})
    return kind(f"cannot {action} {s3_address(bucket, key)}: {code} {text}; {do}")


def _read_answer(exc: BaseException) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """The error that the service sent, and the headers of its answer, if there was one."""
    if not isinstance(exc, ClientError):
        return {}, {}
    headers = exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return cast("Mapping[str, Any]", exc.response.get("Error", {})), headers


def _classify(exc: BaseException) -> tuple[type[ObjectError], str]:
    if isinstance(exc, ClientError):
        error = exc.response.get("Error", {})
        code = str(error.get("Code", "unknown"))
        status = int(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return _classify_code(
            code, status
        ), f"{code} ({status}) {error.get('Message', '')}".rstrip()
    kind = next(kind for types, kind in _BY_TYPE if isinstance(exc, types))
    return kind, f"{type(exc).__name__}: {exc}"


def _classify_code(code: str, status: int) -> type[ObjectError]:
    known = _BY_CODE.get(code)
    if known is not None:
        return known
    if code.startswith("KMS."):
        return ObjectAccessDenied
    first_server_error = 500
    if status in _REFUSING_STATUSES:
        return ObjectStoreRefused
    if status >= first_server_error or status in _TRANSIENT_STATUSES:
        return ObjectStoreUnavailable
    return _BY_CODE.get(str(status), ObjectStoreRefused)
