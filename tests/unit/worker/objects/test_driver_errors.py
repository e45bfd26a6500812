"""What the driver says becomes what this package says: transient or terminal, never its own."""

from typing import Any

import pytest
from botocore import exceptions as boto
from urllib3.exceptions import SSLError

from worker.errors import TerminalError, TransientError
from worker.objects import (
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
        (reply("InvalidObjectState", 403), ObjectArchived),
        (reply("ObjectNotInActiveTierError", 403), ObjectArchived),
        (reply("TokenRefreshRequired", 400), CredentialsRefused),
        (reply("InvalidSecurity", 403), CredentialsRefused),
        (reply("KMS.KeyUnavailableException", 500), ObjectStoreUnavailable),
        (reply("KMS.DependencyTimeoutException", 400), ObjectStoreUnavailable),
        (reply("NotImplemented", 501), ObjectStoreRefused),
        (reply("SomethingNew", 501), ObjectStoreRefused),
        (reply("MethodNotAllowed", 405), ObjectStoreRefused),
        (reply("PermanentRedirect", 301), ObjectStoreRefused),
        (reply("KMS.DisabledException", 400), ObjectAccessDenied),
        (reply("KMS.ThrottlingException", 400), ObjectStoreUnavailable),
        (reply("SlowDown", 503), ObjectStoreUnavailable),
        (reply("RequestTimeout", 400), ObjectStoreUnavailable),
        (reply("SomethingNew", 502), ObjectStoreUnavailable),
        (reply("SomethingNew", 429), ObjectStoreUnavailable),
        (reply("InternalError", 200), ObjectStoreUnavailable),
        (boto.ClientError({}, "GetObject"), ObjectStoreRefused),
        (reply("ExpiredToken", 400), CredentialsRefused),
        (reply("SignatureDoesNotMatch", 403), CredentialsRefused),
        (boto.NoCredentialsError(), CredentialsRefused),
        (boto.ProfileNotFound(profile="p"), CredentialsRefused),
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


@pytest.mark.parametrize(
    ("action", "error", "headers", "said"),
    [
        ("read", {"Code": "AccessDenied"}, {}, "the same of an object that is missing"),
        ("write", {"Code": "AccessDenied"}, {}, "BIGSEG_S3_ENCRYPTION"),
        ("write part 2 of", {"Code": "403"}, {}, "BIGSEG_S3_ENCRYPTION"),
        ("list", {"Code": "AccessDenied"}, {}, "the credentials and their policy"),
        ("read", {"Code": "InvalidObjectState"}, {}, "restore it first"),
        ("read", {"Code": "InvalidBucketName"}, {}, "correct the name of the bucket"),
        ("read", {"Code": "AccountProblem"}, {}, "wrong with the account itself"),
        ("read", {"Code": "KMS.NotFoundException"}, {}, "the KMS key that encrypts it is gone"),
        (
            "write",
            {
                "Code": "AccessDenied",
                "Message": "User: x is not authorized to perform: kms:GenerateDataKey on this",
            },
            {},
            "check that the KMS key is enabled",
        ),
        (
            "read",
            {
                "Code": "AccessDenied",
                "Message": "The ciphertext refers to a customer master key that does not exist",
            },
            {},
            "check that the KMS key is enabled",
        ),
        (
            "write",
            {
                "Code": "AccessDenied",
                "Message": "… with an explicit deny in a resource-based policy",
            },
            {},
            "change the resource-based policy that denies it",
        ),
        (
            "read",
            {
                "Code": "AccessDenied",
                "Message": "… because no identity-based policy allows the s3:GetObject action",
            },
            {},
            "allow s3:GetObject in the identity-based policy",
        ),
        (
            "read",
            {
                "Code": "InvalidRequest",
                "Message": "The object was stored using a form of Server Side Encryption.",
            },
            {},
            "SSE-C",
        ),
        (
            "read",
            {"Code": "AuthorizationHeaderMalformed", "Region": "eu-west-1"},
            {},
            "set BIGSEG_S3_REGION to the bucket's region (the bucket is in eu-west-1)",
        ),
        (
            "look at",
            {"Code": "403"},
            {"x-amz-bucket-region": "eu-west-1"},
            "(the bucket is in eu-west-1)",
        ),
        ("read", {"Code": "RequestTimeTooSkewed"}, {}, "set this host's clock"),
        ("read", {"Code": "ExpiredToken"}, {}, "they have expired"),
    ],
)
def test_driver_error__whose_reason_is_known__says_what_to_do(
    action: str, error: dict[str, str], headers: dict[str, str], said: str
) -> None:
    answer: Any = {
        "Error": {"Message": "", **error},
        "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": headers},
    }
    with pytest.raises(ObjectError) as caught, driver_errors(action, "b", "k"):
        raise boto.ClientError(answer, "PutObject")

    assert said in str(caught.value)


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
