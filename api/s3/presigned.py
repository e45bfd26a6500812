"""Presigned URLs: how long they hold. Their signatures are not verified."""

from datetime import UTC, datetime, timedelta

from api.s3.errors import S3Refusal
from api.s3.requests import Request


def require_unexpired(request: Request) -> None:
    """Refuse a presigned request that comes too late, as S3 does.

    Source: Amazon S3 API reference, "Authenticating Requests: Using Query Parameters".

    Raises:
        S3Refusal: it has expired, or does not say when it does.
    """
    signed, valid_s = request.query.get("X-Amz-Date"), request.query.get("X-Amz-Expires")
    if signed is None or valid_s is None:
        return
    try:
        begin = datetime.strptime(signed, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        end = begin + timedelta(seconds=int(valid_s))
    except (ValueError, OverflowError) as exc:
        text = "X-Amz-Date or X-Amz-Expires cannot be read"
        raise S3Refusal(400, "AuthorizationQueryParametersError", text) from exc
    if request.now_s > end.timestamp():
        raise S3Refusal(403, "AccessDenied", "Request has expired")
