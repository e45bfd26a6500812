"""The answer that does not end by itself: a datafile, and another one after every change.

Source: ``stream-connection.ts`` of flags-core 1.8.2. Messages are JSON, one a line. The client
connects again when a stream ends, and when no message has come for 90 seconds; it gives up at once
on 401, and on other refusals after 15 of them.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

from api.access.token_directory import TokenDirectory
from api.http.streamed_answer import Pieces, StreamedAnswer
from api.vercel.datafile.document import Datafile
from api.vercel.datafile.watching import Streams, Subscription
from worker.store import StoreError

#: Lines of JSON have a type of their own, of which generators of clients know nothing.
LINES: Final = "text/plain"

#: Well within the client's 90 seconds, and the 60 of usual balancers.
_PING_S: Final = 15.0
_PING: Final = b'{"type":"ping"}\n'
#: Bytes written at once; of a slow reader's datafile no more than about this is copied.
_PIECE_BYTES: Final = 256 * 1024


class DatafileStream(StreamedAnswer):
    """Sends messages until the SDK key is revoked, the process stops or the client has gone."""

    def __init__(
        self,
        streams: Streams,
        subscription: Subscription,
        keys: TokenDirectory,
        first: Datafile,
        *,
        primed: bytes | None,
        ping_s: float = _PING_S,
    ) -> None:
        """Take the parts.

        Args:
            streams: which the subscription belongs to.
            subscription: closed at the end.
            keys: say whether the SDK key is still valid.
            first: the datafile now.
            primed: sent instead of it, to a client that has it.
            ping_s: seconds between two messages.
        """
        super().__init__(
            self._messages_of(first, primed),
            media_type=LINES,
            on_gone=subscription.end,
            on_end=lambda: streams.close(subscription),
            facts={"sdk_key": subscription.key.id},
        )
        self._subscription = subscription
        self._keys = keys
        self._sent = first
        self._ping_s = ping_s

    async def _messages_of(self, first: Datafile, primed: bytes | None) -> AsyncIterator[Pieces]:
        yield [primed] if primed is not None else _pieces(first)
        while not self._subscription.ended:
            yield await self._next_message()

    async def _next_message(self) -> Pieces:
        """Wait for something to send; nothing if the news is no other datafile."""
        subscription = self._subscription
        try:
            async with asyncio.timeout(self._ping_s):
                await subscription.news.wait()
        except TimeoutError:
            return [_PING]
        subscription.news.clear()
        datafile = subscription.datafile()
        if subscription.ended or datafile is None or datafile.head == self._sent.head:
            return []
        if not await self._may_have_more():
            subscription.end()
            return []
        self._sent = datafile
        return _pieces(datafile)

    async def _may_have_more(self) -> bool:
        """Whether the SDK key is certainly valid now."""
        digest = self._subscription.digest
        try:
            known = self._keys.find(digest) or await self._keys.ask(digest)
        except StoreError:
            return False  # the client connects again, and is told then
        return known is not None


def primed_message(datafile: Datafile) -> bytes:
    """Say that the client has this datafile."""
    names = ("revision", "projectId", "environment")
    head = json.loads(datafile.head)
    message = {"type": "primed", **{name: head[name] for name in names}}
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _pieces(datafile: Datafile) -> Pieces:
    """A message with a datafile; its content is in the memory once, for all streams."""
    before, after = b'{"type":"datafile","data":%b,' % datafile.head[:-1], b"}}\n"
    if datafile.size_bytes <= _PIECE_BYTES:
        return [before + datafile.content + after]
    content = memoryview(datafile.content)
    starts = range(0, len(content), _PIECE_BYTES)
    return [before, *(content[start : start + _PIECE_BYTES] for start in starts), after]
