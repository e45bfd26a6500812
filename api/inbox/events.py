"""Which objects an event says were made, whichever service sends it.

S3 and what speaks like it (MinIO, Ceph), alone or in a message of Amazon SNS or SQS, EventBridge,
Cloudflare R2. Nothing in an event is fetched or followed.

Source: S3 user guide, "Event message structure" and "Using EventBridge"; Lambda developer guide,
"Using Lambda with Amazon SQS"; SNS developer guide,
"HTTP/HTTPS notification JSON format"; Cloudflare R2, "Event notifications".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import structlog

from api.bodies.json_values import read_json
from api.errors import InvalidRequest

#: S3's limit on a key, and more than any of them once it is URL-encoded.
_LONGEST: Final = 4_096
_MADE_BY_R2: Final = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
_CONFIRMATIONS: Final = frozenset({"SubscriptionConfirmation", "UnsubscribeConfirmation"})
_OF_SNS: Final = re.compile(
    r"https://sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?/[\x21-\x7e]{0,2000}", re.ASCII
)
#: SNS within SQS.
_MOST_WRAPPERS: Final = 2
_NO_EVENT: Final = (
    "not an event that is known: send those of S3, SNS, SQS, EventBridge, MinIO or R2 as they come"
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ObjectMade:
    """An object was made, or overwritten."""

    bucket: str
    key: str
    """As the bucket has it."""


def read_events(body: Any) -> Iterator[ObjectMade | None]:  # noqa: ANN401 - any JSON value
    """Yield what was made; ``None`` for each event that says nothing of that.

    Raises:
        InvalidRequest: it is in none of the forms.
    """
    for event in body if isinstance(body, list) else [body]:
        if not isinstance(event, dict):
            raise InvalidRequest(_NO_EVENT)
        if (inner := _unwrap(event)) is not event:
            yield from _read_event(inner)
        elif _text(event, "Type") in _CONFIRMATIONS:
            _log_confirmation(event)
            yield None
        else:
            yield from _read_event(event)


def _unwrap(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event in a message of SNS or SQS, or of SNS in one of SQS; else the very same object."""
    for _ in range(_MOST_WRAPPERS):
        is_sns = _text(event, "Type") == "Notification"
        text = _text(event, "Message") if is_sns else _text(event, "body") or _text(event, "Body")
        if not is_sns and not text:
            break
        inner = read_json(text.encode())
        event = inner if isinstance(inner, dict) else {}
    return event


def _read_event(event: Mapping[str, Any]) -> Iterator[ObjectMade | None]:
    if isinstance(event.get("Records"), list):
        for record in event["Records"]:
            # What SQS gives a function of Lambda has messages where S3 has what was made.
            inner = _unwrap(record) if isinstance(record, dict) else record
            if inner is not record:
                yield from _read_event(inner)
            else:
                yield _read_record(record)
    elif _text(event, "Event") == "s3:TestEvent":
        yield None
    elif isinstance(event.get("detail"), dict):
        detail = event["detail"]
        is_made = _text(event, "detail-type") == "Object Created"
        yield _made(_inner(detail, "bucket", "name"), _inner(detail, "object", "key"), is_made)
    elif "action" in event and isinstance(event.get("object"), dict):
        is_made = _text(event, "action") in _MADE_BY_R2
        yield _made(_text(event, "bucket"), _inner(event, "object", "key"), is_made)
    else:
        raise InvalidRequest(_NO_EVENT)


def _read_record(record: Any) -> ObjectMade | None:  # noqa: ANN401 - any JSON value
    if not isinstance(record, dict) or not isinstance(record.get("s3"), dict):
        return None
    is_made = _text(record, "eventName").removeprefix("s3:").startswith("ObjectCreated:")
    bucket = _inner(record["s3"], "bucket", "name")
    return _made(bucket, _decode(_inner(record["s3"], "object", "key")), is_made)


def _made(bucket: str, key: str, is_made: bool) -> ObjectMade | None:
    return ObjectMade(bucket, key) if is_made and bucket and key else None


def _decode(key: str) -> str:
    """Decode a key of S3's own events; empty if it is not one."""
    try:
        return unquote_to_bytes(key.replace("+", " ")).decode()
    except ValueError:
        return ""


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _inner(fields: Mapping[str, Any], outer: str, name: str) -> str:
    found = fields.get(outer)
    text = _text(found, name) if isinstance(found, dict) else ""
    return text if len(text) <= _LONGEST else ""


def _log_confirmation(event: Mapping[str, Any]) -> None:
    """Say how the operator confirms a subscription; that is never done here.

    Whoever may send events could otherwise have this process fetch what they like.
    """
    url = _text(event, "SubscribeURL")
    _log.warning(
        "subscription.unconfirmed",
        topic=_text(event, "TopicArn")[:256],
        url=url if _OF_SNS.fullmatch(url) else "not an address of Amazon SNS",
    )
