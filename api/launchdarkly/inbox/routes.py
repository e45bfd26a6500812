"""``POST /inbox/events``: the bucket says that there is something new in the inbox."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies.json_values import read_json
from api.bodies.media_types import read_media_type, require_json_type
from api.bodies.models import Int32, WireModel
from api.errors import InvalidRequest, TooLarge, UnsupportedMediaType
from api.inbox.events import ObjectMade, read_events
from api.launchdarkly.wire.links import PREFIX
from api.rest.operations import WRITE, document_body, operation
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import Inbox

router = APIRouter(prefix=f"{PREFIX}/inbox", tags=["Segments"])

#: Bytes of a body: SNS and EventBridge send 256 KiB at most, and a queue of R2 100 events.
BODY_BYTES: Final = 1024 * 1024
#: What SNS calls its JSON.
_TYPE_OF_SNS: Final = "text/plain"
_EVENT: Final = {
    "anyOf": [
        {"type": "object", "description": "An event of S3, SNS, EventBridge, MinIO or R2."},
        {"type": "array", "items": {"type": "object"}, "description": "Several of them."},
    ]
}


class TakenEvents(WireModel):
    """What became of the events."""

    accepted: Int32
    """About objects of the inbox that were made: they are looked at now."""
    ignored: Int32
    """About anything else, or about segments out of the token's scope."""


@router.post(
    "/events",
    operation_id="postInboxEvents",
    status_code=202,
    openapi_extra=document_body(
        "The event, as the service sends it.",
        json=_EVENT,
        others={_TYPE_OF_SNS: {"type": "string"}},
    ),
)
@operation(
    needs=WRITE,
    refuses={
        InvalidRequest: "It is not an event of a known form, or there is no inbox.",
        UnsupportedMediaType: "The body is neither JSON nor text.",
    },
)
async def post_events(request: Request, services: ServicesOf, caller: CallerOf) -> TakenEvents:
    """Take events of the bucket, so that new objects of the inbox are imported at once.

    An object is imported once, however many events say so, and without any event when the inbox
    is listed next. Events about other buckets, keys and actions are ignored and counted. A
    subscription of SNS is not confirmed by this: its address is in the log.
    """
    if services.settings.inbox is None:
        raise InvalidRequest("there is no inbox: set BIGSEG_INBOX")
    inbox = Inbox.parse(services.settings.inbox)
    if (media_type := read_media_type(request)) != _TYPE_OF_SNS:
        require_json_type(media_type)
    raw = await request.body()
    if len(raw) > BODY_BYTES:
        raise TooLarge(f"the body of events is over {BODY_BYTES:,} bytes")
    events = list(read_events(read_json(raw)))
    keys = [
        event.key
        for event in events
        if event is not None and _is_of(inbox, event) and _may_notify(caller, inbox, event.key)
    ]
    if keys:
        await run_in_threadpool(_note, services, inbox, keys)
    return TakenEvents(accepted=len(keys), ignored=len(events) - len(keys))


def _is_of(inbox: Inbox, event: ObjectMade) -> bool:
    return event.bucket == inbox.bucket and event.key.startswith(inbox.prefix)


def _may_notify(caller: CallerOf, inbox: Inbox, key: str) -> bool:
    segment = inbox.segment_of(key)
    return caller.scope.is_everything if segment is None else caller.scope.allows(*segment)


def _note(services: Services, inbox: Inbox, keys: list[str]) -> None:
    services.store().inbox.note([*dict.fromkeys(map(inbox.folder_of, keys))])
    services.work.tend()
