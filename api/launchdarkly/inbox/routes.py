"""``POST /inbox/events``: the bucket says that there is something new in the inbox."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.bodies.json_values import read_json
from api.bodies.models import Int32, WireModel
from api.errors import InvalidRequest, TooLarge
from api.inbox.events import read_events
from api.launchdarkly.wire.links import PREFIX
from api.rest.operations import WRITE, document_body, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import Inbox

router = APIRouter(prefix=f"{PREFIX}/inbox", tags=["Segments"])

#: Bytes of a body: SNS and EventBridge send 256 KiB at most, and a queue of R2 100 events.
BODY_BYTES: Final = 1024 * 1024
_OBJECT: Final = {"type": "object"}


def _form(description: str, **fields: Mapping[str, Any]) -> dict[str, Any]:
    required, properties = list(fields), dict(fields)
    return {**_OBJECT, "description": description, "required": required, "properties": properties}


#: A message of SNS, whose text is such an event, is not among them: no schema says that.
_FORMS: Final = [
    _form("Of S3, MinIO or Ceph.", Records={"type": "array", "items": _OBJECT}),
    _form("Of EventBridge.", detail=_OBJECT),
    _form("Of Cloudflare R2.", action={"type": "string"}, object=_OBJECT),
]
_EVENT: Final = {
    "anyOf": [
        *_FORMS,
        {"type": "array", "items": {"anyOf": _FORMS}, "description": "Several of them."},
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
    dependencies=[RequireJson],
    openapi_extra=document_body(
        "The event, as the service sends it; also in a message of Amazon SNS or SQS.", json=_EVENT
    ),
)
@operation(
    needs=WRITE,
    refuses={InvalidRequest: "It is not an event of a known form, or there is no inbox."},
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
    raw = await request.body()
    if len(raw) > BODY_BYTES:
        raise TooLarge(f"the body of events is over {BODY_BYTES:,} bytes")
    events = list(read_events(read_json(raw)))
    made = [event for event in events if event and inbox.holds(event.bucket, event.key)]
    keys = [event.key for event in made if _may_notify(caller, inbox, event.key)]
    if keys:
        await run_in_threadpool(_note, services, inbox, keys)
    return TakenEvents(accepted=len(keys), ignored=len(events) - len(keys))


def _may_notify(caller: Caller, inbox: Inbox, key: str) -> bool:
    segment = inbox.segment_of(key)
    return caller.scope.is_everything if segment is None else caller.scope.allows(*segment)


def _note(services: Services, inbox: Inbox, keys: list[str]) -> None:
    services.store().inbox.note([*dict.fromkeys(map(inbox.folder_of, keys))])
    services.work.tend()
