"""What SDKs fetch that use the second protocol: all data, or what has changed since a state.

Source: python-server-sdk 9.18.2 with a data system, which polls once and then streams, and
js-core's server SDK 9.13 with ``dataSystem``.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict
from starlette.concurrency import run_in_threadpool

from api.bodies.models import WireModel
from api.http.entity_tags import is_named
from api.rest.operations import SDK_KEY, operation
from api.sdk.data.messages import EVENTS
from api.sdk.data.routes import (
    REFUSES,
    STREAM_REFUSES,
    ReaderOf,
    StreamsOf,
    read_data,
    require_audience,
)
from api.sdk.data.stream import DataStream
from api.sdk.fdv2.transfers import GOODBYE, Transfers, polled
from api.services.services import CallerOf, ServicesOf

POLL: Final = "/sdk/poll"
STREAM: Final = "/sdk/stream"
#: The paths that take an SDK key.
FDV2_PATHS: Final = frozenset({POLL, STREAM})

router = APIRouter(tags=["LaunchDarkly SDKs"])


class TransferEvent(WireModel):
    """One step of a transfer."""

    model_config = ConfigDict(extra="forbid")

    event: str
    """`server-intent`, `put-object`, `delete-object` or `payload-transferred`."""
    data: dict[str, Any]


class TransferModel(WireModel):
    """What an SDK has to do to be in the state that the last event names."""

    model_config = ConfigDict(extra="forbid")

    events: list[TransferEvent]


async def transfers_of(request: Request) -> Transfers:
    """Give the transfers of the application that serves this request."""
    transfers: Transfers = request.app.state.transfers
    return transfers


TransfersOf = Annotated[Transfers, Depends(transfers_of)]
Basis = Annotated[
    str,
    Query(
        description="The `state` that the caller is in. All data is sent if this process does not "
        "know it, and without it."
    ),
]


@router.get(
    POLL,
    operation_id="pollSdkData",
    response_model=TransferModel,
    responses={304: {"description": "The caller is in this state, and has the answer before."}},
)
@operation(needs=SDK_KEY, refuses=REFUSES)
async def poll_data(
    services: ServicesOf,
    caller: CallerOf,
    reader: ReaderOf,
    basis: Basis = "",
    if_none_match: Annotated[
        str,
        Header(alias="If-None-Match", description="The `ETag` of the last answer."),
    ] = "",
) -> Response:
    """Get what leads from a state to the data as it is now."""
    audience, _ = require_audience(caller)
    data = await read_data(services, reader, audience)
    tag = f'"{data.tag}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    # Whoever is in another state has got this answer, and not done what it says.
    if basis == data.tag and is_named(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    before = data if basis == data.tag else reader.find(audience, basis)
    content = await run_in_threadpool(polled, data, before)
    return Response(content, media_type="application/json", headers=headers)


@router.get(
    STREAM,
    operation_id="streamSdkTransfers",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events without an end: a transfer from the basis to the "
            "data as it is now, and one for each change; a comment every 15 seconds if there is "
            "nothing to send; `goodbye` before the server ends the stream.",
            "content": {EVENTS: {"schema": {"type": "string"}}},
        }
    },
)
@router.head(STREAM, include_in_schema=False)
@operation(needs=SDK_KEY, refuses=STREAM_REFUSES)
async def stream_transfers(
    request: Request,
    services: ServicesOf,
    caller: CallerOf,
    reader: ReaderOf,
    streams: StreamsOf,
    transfers: TransfersOf,
    basis: Basis = "",
) -> Response:
    """Stream what leads from a state to the data as it is now, and then what changes in it.

    A change is sent within a second. The stream ends when the key is revoked, the environment is
    deleted or the server stops. A caller that takes data too slowly is disconnected.
    """
    audience, key = require_audience(caller)
    if request.method == "HEAD":
        return Response(media_type=EVENTS)
    # Before the read, so that no change is missed.
    subscription = streams.open_for(audience, bytes.fromhex(key.id))
    try:
        first = subscription.fresh_state or await read_data(services, reader, audience)
        before = first if basis == first.tag else reader.find(audience, basis)
        await run_in_threadpool(transfers.messages, first, before)
        return DataStream(
            streams,
            subscription,
            services.token_directory,
            first,
            messages=transfers.messages,
            before=before,
            farewell=[GOODBYE],
        )
    except BaseException:
        streams.close(subscription)
        raise
