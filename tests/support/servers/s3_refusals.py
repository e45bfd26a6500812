"""What S3 says when an object cannot be read: status and body, as the service sends them."""

from dataclasses import dataclass
from typing import Final

from tests.support.proxies.hostile import Fault

_USER: Final = "User: arn:aws:iam::123456789012:user/bigseg is not authorized to perform: "
_KEY_ARN: Final = "arn:aws:kms:us-east-1:123456789012:key/1f9d6a0e"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal of S3; to HEAD it sends the same without its body."""

    status: int
    body: str
    headers: tuple[str, ...] = ()

    def fault(self) -> Fault:
        """The answer, for a proxy to give to any request."""
        return Fault(status=self.status, body=self.body, headers=self.headers)


def _error(code: str, message: str, more: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>{more}"
        "<RequestId>4442587FB7D0A2F9</RequestId><HostId>host</HostId></Error>"
    )


def _denied(message: str) -> Refusal:
    return Refusal(403, _error("AccessDenied", message))


#: Of the process: another one, or the same one later, may be served.
OF_CREDENTIALS: Final = {
    "unknown key id": Refusal(
        403,
        _error(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            "<AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId>",
        ),
    ),
    "wrong secret": Refusal(
        403,
        _error(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            "<SignatureProvided>secret-signature</SignatureProvided>",
        ),
    ),
    "expired token": Refusal(
        400,
        _error(
            "ExpiredToken", "The provided token has expired.", "<Token-0>secret-token</Token-0>"
        ),
    ),
    "invalid token": Refusal(
        400,
        _error(
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
            "<Token-0>secret-token</Token-0>",
        ),
    ),
    "clock": Refusal(
        403,
        _error(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            "<ServerTime>2026-11-30T06:00:00Z</ServerTime>",
        ),
    ),
}

#: Of the object, its key or its bucket: waiting changes nothing.
OF_OBJECTS: Final = {
    "archived": Refusal(
        403,
        _error(
            "InvalidObjectState",
            "The operation is not valid for the object's storage class",
            "<StorageClass>DEEP_ARCHIVE</StorageClass>",
        ),
    ),
    "archived tier": Refusal(
        403,
        _error(
            "InvalidObjectState",
            "The operation is not valid for the object's access tier",
            "<StorageClass>INTELLIGENT_TIERING</StorageClass>"
            "<AccessTier>ARCHIVE_ACCESS</AccessTier>",
        ),
    ),
    "kms denied": _denied(
        f"{_USER}kms:Decrypt on resource: {_KEY_ARN} because no identity-based policy allows the "
        "kms:Decrypt action"
    ),
    "kms denied by its policy": _denied(
        f"{_USER}kms:Decrypt on this resource because the resource does not exist in this Region, "
        "no resource-based policies allow access, or a resource-based policy explicitly denies "
        "access"
    ),
    "kms key disabled": Refusal(400, _error("KMS.DisabledException", f"{_KEY_ARN} is disabled.")),
    "kms key to be deleted": Refusal(
        400, _error("KMS.KMSInvalidStateException", f"{_KEY_ARN} is pending deletion.")
    ),
    "customer key": Refusal(
        400,
        _error(
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters "
            "must be provided to retrieve the object.",
        ),
    ),
    "region of the signature": Refusal(
        400,
        _error(
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting "
            "'eu-west-1'",
            "<Region>eu-west-1</Region>",
        ),
        ("x-amz-bucket-region: eu-west-1",),
    ),
    "region of the endpoint": Refusal(
        301,
        _error(
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified "
            "endpoint. Please send all future requests to this endpoint.",
            "<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint><Bucket>b</Bucket>",
        ),
        ("x-amz-bucket-region: eu-west-1",),
    ),
    "denied by the bucket": _denied(
        f'{_USER}s3:GetObject on resource: "arn:aws:s3:::b/k" with an explicit deny in a '
        "resource-based policy"
    ),
    "denied by the organisation": _denied(
        f'{_USER}s3:GetObject on resource: "arn:aws:s3:::b/k" with an explicit deny in a service '
        "control policy"
    ),
    "not allowed": _denied(
        f'{_USER}s3:GetObject on resource: "arn:aws:s3:::b/k" because no identity-based policy '
        "allows the s3:GetObject action"
    ),
    "not allowed by the owner": _denied(
        f'{_USER}s3:GetObject on resource: "arn:aws:s3:::b/k" because no resource-based policy '
        "allows the s3:GetObject action"
    ),
    "missing and not listed": _denied(
        f'{_USER}s3:ListBucket on resource: "arn:aws:s3:::b" because no identity-based policy '
        "allows the s3:ListBucket action"
    ),
    "requester pays": _denied("Access Denied: the bucket is configured as Requester Pays"),
    "no reason": _denied("Access Denied"),
    "disabled": Refusal(403, _error("AllAccessDisabled", "All access to this object is disabled")),
}
