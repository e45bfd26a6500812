"""Server-sent events: ``progress`` when there is some, and ``end`` with the import as it ended.

Events have no id: each says all there is, so a client that connects again misses nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.bodies.models import WireModel
from api.errors import NotFound, Unavailable
from api.http.streamed_answer import Pieces, StreamedAnswer
from api.jobs.events.watching import ImportStreams, Subscription
from api.jobs.models import job_progress
from api.rest.operations import Refusals
from api.services.services import Services
from worker.store import JobState, StoreError

EVENTS: Final = "text/event-stream"
#: Well within the 60 seconds of usual balancers.
_PING_S: Final = 15.0
_PING: Final = b": still open\n\n"
#: A client connects again after that, and is asked for its token again.
_LIFETIME_S: Final = 600.0

REFUSES: Final[Refusals] = {
    NotFound: "The import does not exist, or is no longer on record.",
    Unavailable: "The store does not answer, or `BIGSEG_EVENT_STREAMS` streams are open.",
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events: `progress` with the import's `progress`, first and "
        "after each change; `end` with the import once it has ended, and nothing after it. A "
        "comment every 15 seconds if there is nothing to say.",
        # To some readers of the document the schema is that of each event, to others of all.
        "content": {EVENTS: {"schema": {}}},
    }
}


async def import_streams_of(request: Request) -> ImportStreams:
    """Give the streams of the application that serves this request."""
    streams: ImportStreams = request.app.state.import_streams
    return streams


def stream_import(
    services: Services,
    streams: ImportStreams,
    caller: Caller,
    state: JobState,
    represent: Callable[[JobState], WireModel],
) -> StreamedAnswer:
    """Stream an import's progress from a state that has just been read. For the event loop.

    The stream ends with the import, when the token is revoked or may do less, when the server
    stops, and after ten minutes.

    Args:
        services: The services.
        streams: Bound how many there are.
        caller: Who reads it.
        state: The import now.
        represent: Makes what the last event holds.

    Raises:
        Unavailable: as many are open as may be.
    """
    subscription = streams.open(state)
    return StreamedAnswer(
        _events(services, subscription, caller, represent),
        media_type=EVENTS,
        on_gone=subscription.end,
        on_end=lambda: streams.close(subscription),
        facts={"job": str(subscription.ref), "token": caller.token_id},
    )


async def _events(
    services: Services,
    subscription: Subscription,
    caller: Caller,
    represent: Callable[[JobState], WireModel],
) -> AsyncIterator[Pieces]:
    loop = asyncio.get_running_loop()
    ends_at, sent, sent_at = loop.time() + _LIFETIME_S, None, loop.time()
    while not subscription.ended and loop.time() < ends_at:
        state = subscription.state
        if not services.token_directory.still_allows(caller):
            return
        if state.ended_ms is not None:
            with suppress(StoreError):  # a client that gets no end asks again
                yield [_event("end", await run_in_threadpool(represent, state))]
            return
        if _mark(state) != sent:
            sent, sent_at = _mark(state), loop.time()
            yield [_event("progress", job_progress(state, services.clock()))]
        elif loop.time() >= sent_at + _PING_S:
            sent_at = loop.time()
            yield [_PING]
        await _wait_for_news(subscription, sent_at + _PING_S)


async def _wait_for_news(subscription: Subscription, until: float) -> None:
    """Wait for the next look at the import, which may find nothing new."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            await subscription.news.wait()
    subscription.news.clear()


def _mark(state: JobState) -> tuple[object, ...]:
    """What of a state is progress: not its pace, which is another one at each look."""
    found = state.progress
    return (state.status, found.stage, found.phase, found.share, found.bytes_done, found.rows_done)


def _event(name: str, data: WireModel) -> bytes:
    text = json.dumps(data.model_dump(mode="json"), separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode()
