"""The answer that does not end by itself: a datafile, and another one after every change.

Source: ``stream-connection.ts`` of flags-core 1.8.2. Messages are JSON, one a line. The client
connects again when a stream ends, and when no message has come for 90 seconds; it gives up at once
on 401, and on other refusals after 15 of them.
"""

import json
from typing import Final

from api.access.token_directory import TokenDirectory
from api.http.streamed_answer import Pieces
from api.streams.watched_answer import WatchedAnswer
from api.streams.watching import Subscription
from api.vercel.datafile.document import Datafile
from api.vercel.datafile.streams import DatafileStreams, PackedProject
from worker.store import SdkKey

#: Lines of JSON have a type of their own, of which generators of clients know nothing.
LINES: Final = "text/plain"

#: Bytes written at once; of a slow reader's datafile no more than about this is copied.
_PIECE_BYTES: Final = 256 * 1024


class DatafileStream(WatchedAnswer[PackedProject]):
    """Sends datafiles for one environment of flags."""

    ping = b'{"type":"ping"}\n'

    def __init__(
        self,
        streams: DatafileStreams,
        subscription: Subscription[PackedProject],
        keys: TokenDirectory,
        key: SdkKey,
        first: Datafile,
        *,
        primed: bytes | None,
    ) -> None:
        """Take the parts.

        Args:
            streams: which the subscription belongs to.
            subscription: closed at the end.
            keys: say whether the SDK key is still valid.
            key: the SDK key.
            first: the datafile now.
            primed: sent instead of it, to a client that has it.
        """
        super().__init__(streams, subscription, keys, media_type=LINES)
        self._environment = key.environment
        self._sent = first
        self._primed = primed

    def _first(self) -> Pieces:
        return [self._primed] if self._primed is not None else _pieces(self._sent)

    async def _following(self) -> Pieces | None:
        state = self.subscription.state
        datafile = None if state is None else state.datafile(self._environment)
        if datafile is None or datafile.head == self._sent.head:
            return None
        self._sent = datafile
        return _pieces(datafile)


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
