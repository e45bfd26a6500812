"""What to do about a refusal, as far as the service has said why."""

from collections.abc import Mapping
from typing import Any, Final

from worker.objects.errors import (
    BucketMissing,
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

_OF_KIND: Final[Mapping[type[ObjectError], str]] = {
    ObjectStoreUnavailable: "try again",
    UploadLost: "write the object again",
    ObjectNotFound: "check the key",
    ObjectArchived: "restore it first",
    ObjectChanged: "the list changed while it was read; import it again",
    ObjectTooLarge: "split the list",
    BucketMissing: "create the bucket or correct BIGSEG_S3_BUCKET",
    ObjectAccessDenied: "check the credentials and their policy",
    ObjectStoreRefused: "check the object store's settings",
}
_KMS: Final = "check that the KMS key is enabled and that its policy lets these credentials use it"
_REGION: Final = "set BIGSEG_S3_REGION to the bucket's region"
_OF_CODE: Final[Mapping[str, str]] = {
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _REGION,
    "301": _REGION,
    "307": _REGION,
    "AllAccessDisabled": "access to the bucket was disabled by its owner or by the service",
    "ExpiredToken": "renew the credentials: they have expired",
    "InvalidAccessKeyId": "correct AWS_ACCESS_KEY_ID: the service does not know it",
    "InvalidToken": "renew the credentials: their session token is not valid",
    "RequestTimeTooSkewed": "set this host's clock",
    "SignatureDoesNotMatch": "correct AWS_SECRET_ACCESS_KEY",
}
_SSE_C: Final = "it is encrypted with a customer-provided key (SSE-C): store it without one"
#: What stands in S3's own sentences, in lower case; the first that is found counts.
_OF_WORDS: Final = (
    ("kms:", _KMS),
    ("customer master key", _KMS),
    ("kms key", _KMS),
    ("form of server side encryption", _SSE_C),
    ("explicit deny", "change the policy that denies it"),
    ("policy allows", "allow it in the policy of these credentials"),
)
_READ_DENIED: Final = (
    "check the credentials and their policy (S3 also says this of a missing object to a caller "
    "who may not list the bucket)"
)
_WRITE_DENIED: Final = (
    "check the credentials and their policy; where the bucket's policy demands encryption, set "
    "BIGSEG_S3_ENCRYPTION"
)
#: Refusals whose reason may stand in the service's own sentence.
_SAID_WHY: Final = (ObjectAccessDenied, ObjectStoreRefused)
_WRITING: Final = ("write", "start the upload of", "complete")


def advice(
    kind: type[ObjectError], action: str, error: Mapping[str, Any], headers: Mapping[str, str]
) -> str:
    """Say what to do.

    Args:
        kind: what the refusal was taken for.
        action: what was tried, as in "write part 3 of".
        error: what the service said: ``Code``, ``Message`` and, where it knew, ``Region``.
        headers: of its answer.
    """
    code, message = str(error.get("Code", "")), str(error.get("Message", "")).lower()
    region = error.get("Region") or headers.get("x-amz-bucket-region")
    found = _OF_CODE.get(code) or _of_words(kind, code, message) or _of_kind(kind, action)
    if region and (found is _REGION or issubclass(kind, _SAID_WHY)):
        return f"{found} (the bucket is in {region})"
    return found


def _of_words(kind: type[ObjectError], code: str, message: str) -> str | None:
    if not issubclass(kind, _SAID_WHY):
        return None
    if code.startswith("KMS."):
        return _KMS
    return next((said for words, said in _OF_WORDS if words in message), None)


def _of_kind(kind: type[ObjectError], action: str) -> str:
    if kind is not ObjectAccessDenied:
        return _OF_KIND[kind]
    if action.startswith(_WRITING):
        return _WRITE_DENIED
    return _READ_DENIED if action in {"read", "look at"} else _OF_KIND[kind]
