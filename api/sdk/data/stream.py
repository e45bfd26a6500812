"""The stream of data: everything, and then what changes.

Source: python-server-sdk 9.18.2. An SDK connects again when a stream ends, and after five minutes
without any byte; it takes the end of a stream for a failure, and waits a little longer each time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from api.access.token_directory import TokenDirectory
from api.http.streamed_answer import Pieces, StreamedAnswer
from api.sdk.data.environment_data import EnvironmentData
from api.sdk.data.messages import EVENTS, PING
from api.sdk.data.watching import DataStreams, DataSubscription
from worker.store import StoreError

#: Well within the five minutes of SDKs, and the 60 seconds of usual balancers.
_PING_S: Final = 15.0

#: Makes what is sent to whoever is to have some data, and has other data, or none.
Messages = Callable[[EnvironmentData, EnvironmentData | None], Pieces]


class DataStream(StreamedAnswer):
    """Sends events until the SDK key is revoked, the process stops or the client has gone."""

    def __init__(
        self,
        streams: DataStreams,
        subscription: DataSubscription,
        keys: TokenDirectory,
        first: EnvironmentData,
        *,
        messages: Messages,
        before: EnvironmentData | None = None,
        farewell: Pieces = (),
        ping_s: float = _PING_S,
    ) -> None:
        """Take the parts.

        Args:
            streams: Which the subscription belongs to.
            subscription: Closed at the end.
            keys: Say whether the SDK key is still valid.
            first: The data now.
            messages: In the form of the client's protocol.
            before: The data that the client has, if that is known.
            farewell: Sent at the end.
            ping_s: Seconds between two messages.
        """
        super().__init__(
            self._all_messages(),
            media_type=EVENTS,
            on_gone=subscription.end,
            on_end=lambda: streams.close(subscription),
            facts={"sdk_key": subscription.digest.hex()},
        )
        self._subscription = subscription
        self._keys = keys
        self._sent = first
        self._before = before
        self._make = messages
        self._farewell = farewell
        self._ping_s = ping_s

    async def _all_messages(self) -> AsyncIterator[Pieces]:
        # No data is kept longer than it is needed: a stream may last for weeks.
        before, self._before = self._before, None
        yield self._make(self._sent, before)
        del before
        while not self._subscription.ended:
            yield await self._next_message()
        yield self._farewell

    async def _next_message(self) -> Pieces:
        """Wait for something to send; nothing if the news is no other data."""
        subscription = self._subscription
        try:
            async with asyncio.timeout(self._ping_s):
                await subscription.news.wait()
        except TimeoutError:
            return [PING]
        subscription.news.clear()
        data, sent = subscription.data, self._sent
        if subscription.ended or data is None or data.tag == sent.tag:
            return []
        if not await self._may_have_more():
            subscription.end()
            return []
        self._sent = data
        return self._make(data, sent)

    async def _may_have_more(self) -> bool:
        """Whether the SDK key is certainly valid now."""
        digest = self._subscription.digest
        try:
            known = self._keys.find(digest) or await self._keys.ask(digest)
        except StoreError:
            return False  # the client connects again, and is told then
        return known is not None
