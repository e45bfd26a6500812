"""What the driver says becomes what this package says: transient or terminal, never its own."""

from typing import Any

import pytest
from botocore import exceptions as boto
from urllib3.exceptions import SSLError

from worker.errors import TerminalError, TransientError
from worker.objects import (
    BucketMissing,
    ObjectAccessDenied,
    ObjectChanged,
    ObjectError,
    ObjectNotFound,
    ObjectStoreRefused,
    ObjectStoreUnavailable,
    ObjectTooLarge,
    UploadLost,
    errors,
)
from worker.objects.driver_errors import driver_errors, reply_error


def reply(code: str, status: int) -> boto.ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "said"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return boto.ClientError(answer, "GetObject")


def translated(exc: BaseException, key: str | None = "k") -> ObjectError:
    with pytest.raises(ObjectError) as caught, driver_errors("read", "b", key):
        raise exc
    assert caught.value.__cause__ is exc
    return caught.value


@pytest.mark.parametrize(
    ("exc", "kind"),
    [
        (reply("NoSuchKey", 404), ObjectNotFound),
        (reply("404", 404), ObjectNotFound),
        (reply("NoSuchBucket", 404), BucketMissing),
        (reply("NoSuchUpload", 404), UploadLost),
        (reply("PreconditionFailed", 412), ObjectChanged),
        (reply("InvalidRange", 416), ObjectChanged),
        (reply("EntityTooLarge", 400), ObjectTooLarge),
        (reply("AccessDenied", 403), ObjectAccessDenied),
        (reply("SomethingNewAboutAccess", 403), ObjectAccessDenied),
        (reply("InvalidObjectState", 400), ObjectStoreRefused),
        (reply("SlowDown", 503), ObjectStoreUnavailable),
        (reply("RequestTimeout", 400), ObjectStoreUnavailable),
        (reply("SomethingNew", 502), ObjectStoreUnavailable),
        (reply("SomethingNew", 429), ObjectStoreUnavailable),
        (reply("InternalError", 200), ObjectStoreUnavailable),
        (boto.ClientError({}, "GetObject"), ObjectStoreRefused),
        (boto.NoCredentialsError(), ObjectAccessDenied),
        (boto.ProfileNotFound(profile="p"), ObjectAccessDenied),
        (boto.CredentialRetrievalError(provider="p", error_msg="m"), ObjectStoreUnavailable),
        (boto.EndpointConnectionError(endpoint_url="u"), ObjectStoreUnavailable),
        (boto.ConnectTimeoutError(endpoint_url="u"), ObjectStoreUnavailable),
        (boto.ReadTimeoutError(endpoint_url="u"), ObjectStoreUnavailable),
        (boto.ConnectionClosedError(endpoint_url="u"), ObjectStoreUnavailable),
        (boto.ResponseStreamingError(error="e"), ObjectStoreUnavailable),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), ObjectStoreUnavailable),
        (boto.ParamValidationError(report="r"), ObjectStoreRefused),
        (SSLError("bad record"), ObjectStoreUnavailable),
        (ConnectionResetError("reset"), ObjectStoreUnavailable),
    ],
)
def test_driver_error__of_every_kind__translated_with_its_address(
    exc: BaseException, kind: type[ObjectError]
) -> None:
    error = translated(exc)
    assert type(error) is kind
    assert "cannot read s3://b/k: " in str(error)


def test_driver_error__404_of_a_bucket__bucket_missing() -> None:
    assert type(translated(reply("404", 404), key=None)) is BucketMissing


def test_driver_error__not_the_drivers__passes() -> None:
    with pytest.raises(LookupError), driver_errors("read", "b"):
        raise LookupError


def test_reply_error__one_key_of_a_batch__translated() -> None:
    assert type(reply_error("AccessDenied", "no", "delete", "b", "k")) is ObjectAccessDenied
    assert type(reply_error("InternalError", "no", "delete", "b", "k")) is ObjectStoreUnavailable
    assert type(reply_error("New", "no", "delete", "b", "k")) is ObjectStoreRefused


def test_errors__whole_tree__each_is_transient_or_terminal_and_drawn() -> None:
    tree = errors.__doc__ or ""
    for kind in ObjectError.__subclasses__():
        transient = issubclass(kind, TransientError)
        assert transient != issubclass(kind, TerminalError)
        assert f"{kind.__name__} ({'transient' if transient else 'terminal'})" in tree
