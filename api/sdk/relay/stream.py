"""The stream of patches: those that follow what a relay had when it opened it.

Source: ld-relay 8.10.1. The data of each event is a JSON array of patches; names and ids of events
are ignored, and so are comments. After five minutes without any byte it connects again, and after
the end of a stream it polls again, some seconds later.
"""

from typing import Final

from starlette.concurrency import run_in_threadpool

from api.http.streamed_answer import Pieces
from api.sdk.relay.patches import render_page
from api.sdk.relay.streams import RelayStreams
from api.services.services import Services
from api.streams.watched_answer import WatchedAnswer
from api.streams.watching import Subscription
from worker.store import EnvironmentRef, StoreError

EVENTS: Final = "text/event-stream"


class RelayStream(WatchedAnswer[str]):
    """Sends patches."""

    ping = b":\n\n"

    def __init__(
        self,
        services: Services,
        streams: RelayStreams,
        subscription: Subscription[str],
        env: EnvironmentRef,
        after: str,
    ) -> None:
        """Take the parts.

        Args:
            services: The services.
            streams: Which the subscription belongs to.
            subscription: Closed at the end.
            env: Whose patches are sent.
            after: The version of a relay that has all there was when the stream was opened.
        """
        super().__init__(streams, subscription, services.token_directory, media_type=EVENTS)
        self._services = services
        self._streams = streams
        self._env = env
        self._version = after

    def _first(self) -> Pieces:
        return [self.ping]

    async def _following(self) -> Pieces | None:
        """What follows; ends the stream if that cannot be said, so that the relay polls again."""
        try:
            async with self._streams.page_turn:
                found = await run_in_threadpool(self._read)
        except StoreError:
            found = None  # it is told when it polls
        if found is None:
            self.subscription.end()
            return None
        version, body = found
        if not body:
            return None
        self._version = version
        return [b"data:", body, b"\n\n"]

    def _read(self) -> tuple[str, bytes] | None:
        """Read and render what follows, in a thread: a large page takes some milliseconds."""
        pages = self._services.store().relay_pages
        page = pages.following(self._env, self._version)
        if page is None:
            return None
        return page.version, render_page(self._env, page) if page.patches else b""
