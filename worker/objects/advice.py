"""What to do about a refusal, as far as the service gave a reason."""

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

_BY_KIND: Final[Mapping[type[ObjectError], str]] = {
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
_BY_CODE: Final[Mapping[str, str]] = {
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
#: Phrases in S3's own messages, in lower case; the first one found counts.
_BY_PHRASE: Final = (
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
#: Refusals whose reason may be in the service's own message.
_EXPLAINED: Final = (ObjectAccessDenied, ObjectStoreRefused)
_WRITING: Final = ("write", "start the upload of", "complete")


def advise(
    kind: type[ObjectError], action: str, error: Mapping[str, Any], headers: Mapping[str, str]
) -> str:
    """Choose what the user should do.

    Args:
        kind: the error that the refusal becomes.
        action: what was tried, as in "write part 3 of".
        error: the service's ``Code``, ``Message`` and, if given, ``Region``.
        headers: of its answer.
    """
    code, message = str(error.get("Code", "")), str(error.get("Message", "")).lower()
    region = error.get("Region") or headers.get("x-amz-bucket-region")
    found = (
        _BY_CODE.get(code)
        or _advise_by_message(kind, code, message)
        or _advise_by_kind(kind, action)
    )
    if region and (found is _REGION or issubclass(kind, _EXPLAINED)):
        return f"{found} (the bucket is in {region})"
    return found


def _advise_by_message(kind: type[ObjectError], code: str, message: str) -> str | None:
    if not issubclass(kind, _EXPLAINED):
        return None
    if code.startswith("KMS."):
        return _KMS
    return next((advice for phrase, advice in _BY_PHRASE if phrase in message), None)


def _advise_by_kind(kind: type[ObjectError], action: str) -> str:
    if kind is not ObjectAccessDenied:
        return _BY_KIND[kind]
    if action.startswith(_WRITING):
        return _WRITE_DENIED
    return _READ_DENIED if action in {"read", "look at"} else _BY_KIND[kind]
