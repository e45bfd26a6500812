"""What to do about a refusal, as far as the service gave a reason."""

import re
from collections.abc import Mapping
from typing import Any, Final

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

_BY_KIND: Final[Mapping[type[ObjectError], str]] = {
    ObjectStoreUnavailable: "try again",
    UploadLost: "write the object again",
    ObjectNotFound: "check the key",
    ObjectArchived: "restore it first",
    ObjectChanged: "the list changed while it was read; import it again",
    ObjectTooLarge: "split the list",
    BucketMissing: "create the bucket or correct BIGSEG_S3_BUCKET",
    CredentialsRefused: "give the process credentials that the service knows",
    ObjectAccessDenied: "check the credentials and their policy",
    ObjectStoreRefused: "check the object store's settings",
}
_KMS: Final = "check that the KMS key is enabled and that its policy lets these credentials use it"
_REGION: Final = "set BIGSEG_S3_REGION to the bucket's region"
_ACCOUNT: Final = "ask the service's support: something is wrong with the account itself"
_BY_CODE: Final[Mapping[str, str]] = {
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _REGION,
    "301": _REGION,
    "307": _REGION,
    "AccountProblem": _ACCOUNT,
    "NotSignedUp": _ACCOUNT,
    "AllAccessDisabled": "access to the bucket was disabled by its owner or by the service",
    "ExpiredToken": "renew the credentials: they have expired",
    "InvalidAccessKeyId": "correct AWS_ACCESS_KEY_ID: the service does not know it",
    "InvalidBucketName": "correct the name of the bucket: none may be called so",
    "InvalidToken": "renew the credentials: their session token is not valid",
    "RequestTimeTooSkewed": "set this host's clock",
    "SignatureDoesNotMatch": "correct AWS_SECRET_ACCESS_KEY",
    "TokenRefreshRequired": "renew the credentials: their session token has to be refreshed",
    "KMS.DisabledException": "enable the KMS key that encrypts it",
    "KMS.KMSInvalidStateException": "enable the KMS key that encrypts it, or cancel its deletion",
    "KMS.NotFoundException": "the KMS key that encrypts it is gone, or in another account or "
    "region; encrypt the object with a key that exists",
}
_SSE_C: Final = "it is encrypted with a customer-provided key (SSE-C): store it without one"
_PAYS: Final = "copy it to a bucket of your own: the requester would have to pay for this one"
#: Phrases in S3's own messages, in lower case; the first one found counts.
_BY_PHRASE: Final = (
    ("kms:", _KMS),
    ("customer master key", _KMS),
    ("kms key", _KMS),
    ("form of server side encryption", _SSE_C),
    ("requester pays", _PAYS),
)
#: How S3 says which policy is meant. Source: IAM user guide, "Troubleshoot access denied error
#: messages".
_DENIED_BY: Final = re.compile(r"explicit deny in an? ([\w ()-]*?(?:policy|boundary))\b")
_NOT_ALLOWED: Final = re.compile(
    r"\bno ([\w ()-]*?(?:policy|boundary)) allows the (s3:\w+) action", re.IGNORECASE
)
_LISTING: Final = "s3:ListBucket"
_READ_DENIED: Final = (
    "check the credentials and their policy: they need s3:GetObject for it, and s3:ListBucket for "
    "its bucket, because without that S3 says the same of an object that is missing"
)
_WRITE_DENIED: Final = (
    "check the credentials and their policy; where the bucket's policy demands encryption, set "
    "BIGSEG_S3_ENCRYPTION"
)
#: Refusals whose reason may be in the service's own message.
_EXPLAINED: Final = (ObjectAccessDenied, ObjectStoreRefused)
_READING: Final = frozenset({"read", "look at"})
_WRITING: Final = ("write", "start the upload of", "complete")


def advise(
    kind: type[ObjectError], action: str, error: Mapping[str, Any], headers: Mapping[str, str]
) -> str:
    """Choose what the user should do.

    Args:
        kind: the error that the refusal becomes.
        action: what was tried, as in "write part 3 of".
        error: the service's ``Code``, ``Message`` and, if given, ``Region`` and ``StorageClass``.
        headers: of its answer.
    """
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    region = error.get("Region") or headers.get("x-amz-bucket-region")
    found = (
        _BY_CODE.get(code)
        or _advise_by_message(kind, action, code, message)
        or _advise_by_kind(kind, action)
    )
    if region and (found is _REGION or issubclass(kind, _EXPLAINED)):
        return f"{found} (the bucket is in {region})"
    if kind is ObjectArchived and (archive := error.get("AccessTier") or error.get("StorageClass")):
        return f"{found} (it is in {archive})"
    return found


def _advise_by_message(kind: type[ObjectError], action: str, code: str, message: str) -> str | None:
    if not issubclass(kind, _EXPLAINED):
        return None
    if code.startswith("KMS."):
        return _KMS
    lower = message.lower()
    known = next((advice for phrase, advice in _BY_PHRASE if phrase in lower), None)
    return known or _advise_by_policy(action, message)


def _advise_by_policy(action: str, message: str) -> str | None:
    if denying := _DENIED_BY.search(message):
        return f"change the {denying[1]} that denies it"
    lacking = _NOT_ALLOWED.search(message)
    if lacking is None:
        return None
    if lacking[2] == _LISTING and action in _READING:
        # S3 asks for this right only where it finds no object.
        return (
            f"check the key: there is no such object; allow {_LISTING} in the {lacking[1]}, and "
            "S3 will say so"
        )
    return f"allow {lacking[2]} in the {lacking[1]}"


def _advise_by_kind(kind: type[ObjectError], action: str) -> str:
    if kind is not ObjectAccessDenied:
        return _BY_KIND[kind]
    if action.startswith(_WRITING):
        return _WRITE_DENIED
    return _READ_DENIED if action in _READING else _BY_KIND[kind]
