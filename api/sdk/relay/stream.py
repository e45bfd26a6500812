"""The stream of patches: those that follow what a relay had when it opened it.

Source: ld-relay 8.10.1. The data of each event is a JSON array of patches; names and ids of events
are ignored, and so are comments. After five minutes without any byte it connects again, and after
the end of a stream it polls again, some seconds later.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.concurrency import run_in_threadpool

from api.http.streamed_answer import Pieces, StreamedAnswer
from api.sdk.relay.patches import render_page
from api.sdk.relay.watching import RelayStreams, RelaySubscription
from api.services.services import Services
from worker.store import Page, StoreError

EVENTS: Final = "text/event-stream"
#: Well within the relay's five minutes, and the 60 seconds of usual balancers.
_PING_S: Final = 15.0
_PING: Final = b":\n\n"


class RelayStream(StreamedAnswer):
    """Sends patches until the SDK key is revoked, the process stops or the relay has gone."""

    def __init__(
        self,
        services: Services,
        streams: RelayStreams,
        subscription: RelaySubscription,
        after: str,
        *,
        ping_s: float = _PING_S,
    ) -> None:
        """Take the parts.

        Args:
            services: The services.
            streams: Which the subscription belongs to.
            subscription: Closed at the end.
            after: The version of a relay that has all there was when the stream was opened.
            ping_s: Seconds between two messages.
        """
        super().__init__(
            self._pages(),
            media_type=EVENTS,
            on_gone=subscription.end,
            on_end=lambda: streams.close(subscription),
            facts={"environment": subscription.env.environment},
        )
        self._services = services
        self._streams = streams
        self._subscription = subscription
        self._version = after
        self._ping_s = ping_s

    async def _pages(self) -> AsyncIterator[Pieces]:
        subscription = self._subscription
        yield [_PING]
        while not subscription.ended:
            try:
                async with asyncio.timeout(self._ping_s):
                    await subscription.news.wait()
            except TimeoutError:
                yield [_PING]
                continue
            subscription.news.clear()
            while (page := await self._next_page()) is not None and page.patches:
                self._version = page.version
                yield [b"data:", render_page(subscription.env, page), b"\n\n"]

    async def _next_page(self) -> Page | None:
        """What follows; ends the stream if that cannot be said, so that the relay polls again."""
        page = None
        try:
            if await self._is_allowed():
                async with self._streams.page_turn:
                    page = await run_in_threadpool(self._read)
        except StoreError:
            pass  # it is told when it polls
        if page is None:
            self._subscription.end()
        return page

    async def _is_allowed(self) -> bool:
        """Whether the SDK key is certainly valid now."""
        keys, digest = self._services.token_directory, self._subscription.digest
        return (keys.find(digest) or await keys.ask(digest)) is not None

    def _read(self) -> Page | None:
        pages = self._services.store().relay_pages
        return pages.following(self._subscription.env, self._version)
