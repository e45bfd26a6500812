"""What Relay Proxies ask for, with an SDK key of their own: patches by page, then by stream.

Source: ld-relay 8.10.1. It polls until the answer is an empty array, opens the stream, polls once
more, and then applies what the stream sends. It waits three seconds for a whole page, and polls
again at once after a page whose patches do not follow from where it is; so there is no such page:
a relay of which it is not known what it holds is refused, and comes again ten seconds later.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.errors import Forbidden, Unauthorized, Unavailable
from api.rest.operations import SDK_KEY, operation
from api.sdk.relay.patches import RelayPatch, render_page
from api.sdk.relay.stream import EVENTS, RelayStream
from api.sdk.relay.streams import RelayStreams
from api.services.services import CallerOf, ServicesOf
from worker.store import EnvironmentRef, SdkKey

PATCHES: Final = "/sdk/big-segments/revisions"
STREAM: Final = "/big-segments"
#: The paths that take an SDK key.
RELAY_PATHS: Final = frozenset({PATCHES, STREAM})

_NOT_RELAY: Final = (
    "this SDK key is not one for Relay Proxies, which know segments by other generations than "
    "SDKs do: create one for the relay"
)
_REFUSES: Final = {
    Forbidden: "The SDK key is not one for Relay Proxies.",
    Unavailable: "The store does not answer; no worker keeps the environment's changes; or what "
    "the relay holds is not known, and it has to wait until it can begin anew.",
}

router = APIRouter(tags=["LaunchDarkly Relay Proxy"])


async def relay_streams_of(request: Request) -> RelayStreams:
    """Give the streams of the application that serves this request."""
    streams: RelayStreams = request.app.state.relay_streams
    return streams


RelayStreamsOf = Annotated[RelayStreams, Depends(relay_streams_of)]


@router.get(PATCHES, operation_id="pollRelayPatches", response_model=list[RelayPatch])
@operation(needs=SDK_KEY, refuses=_REFUSES)
async def poll_patches(
    services: ServicesOf,
    caller: CallerOf,
    streams: RelayStreamsOf,
    after: Annotated[
        str,
        Query(description="The `version` of the last patch that was applied, if there was one."),
    ] = "",
) -> Response:
    """Get the patches that follow a version: fewer than 5,000 changes, none at the end.

    Whoever has no version is sent all lists first, page by page, and then what has changed since.
    """
    env, _ = require_relay(caller)

    def read() -> bytes:
        return render_page(env, services.store().relay_pages.next_page(env, after))

    async with streams.page_turn:
        body = await run_in_threadpool(read)
    headers = {"Cache-Control": "private, no-store"}
    return Response(body, media_type="application/json", headers=headers)


@router.get(
    STREAM,
    operation_id="streamRelayPatches",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events without a name; the data of each is an array of "
            "patches, which follow those that were there when the stream was opened. A comment "
            "every 15 seconds if there is nothing to send.",
            "content": {EVENTS: {"schema": {"type": "string"}}},
        }
    },
)
@router.head(STREAM, include_in_schema=False)
@operation(needs=SDK_KEY, refuses=_REFUSES)
async def stream_patches(
    request: Request, services: ServicesOf, caller: CallerOf, streams: RelayStreamsOf
) -> Response:
    """Stream patches within a second of each change.

    The stream ends when the key is revoked, when the server stops, and when the relay has to poll
    again.
    """
    env, key = require_relay(caller)
    if request.method == "HEAD":
        return Response(media_type=EVENTS)
    subscription = streams.open_for(env, bytes.fromhex(key.id))
    try:
        # Read before the head of the answer is sent, so that nothing is missed after it.
        newest = await streams.read_newest(env)
        return RelayStream(services, streams, subscription, env, newest)
    except BaseException:
        streams.close(subscription)
        raise


def require_relay(caller: Caller) -> tuple[EnvironmentRef, SdkKey]:
    """Give the environment of the SDK key, if it is one for relays.

    Raises:
        Unauthorized: there is no SDK key.
        Forbidden: it is not one for relays.
    """
    key = caller.sdk_key
    if key is None:
        raise Unauthorized("send an SDK key for Relay Proxies in the Authorization header")
    if not key.relay:
        raise Forbidden(_NOT_RELAY)
    return EnvironmentRef(key.project, key.environment), key
