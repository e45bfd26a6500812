"""One connection that writes whole shards as long as a build's fence stands.

The fence is a small key beside the list record that names the revision being built; see
``lua/list/prelude.lua``. A window of shards goes as::

    TIME   MULTI  RESTORE … REPLACE  (one a shard)  EXEC   WATCH fence  GET fence   TIME

The server runs the ``EXEC`` only if nobody has touched the fence since the ``WATCH`` of the
window before, whose ``GET`` has shown that it names this build. So a writer that was stopped
anywhere in between writes nothing. A script could look at the record itself, but it would copy
each payload to Lua and back, which costs the server as much as storing it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from redis.connection import Connection

from worker.store.errors import Fenced, StoreUnavailable
from worker.store.server.exchange import first_error, receive_replies, send_request

_MULTI: Final = b"*1\r\n$5\r\nMULTI\r\n"
_EXEC: Final = b"*1\r\n$4\r\nEXEC\r\n"
_OK: Final = b"+OK\r\n"
#: Between a shard's name and its payload, and after the payload.
_FOREVER: Final = b"$1\r\n0\r\n"
_REPLACE: Final = b"\r\n$7\r\nREPLACE\r\n"


def encode_shards(prefix: bytes, first: int, payloads: Sequence[bytes]) -> list[bytes]:
    """Encode the commands that store consecutive shards, in pieces to be joined.

    Args:
        prefix: What the names of these shards begin with.
        first: Number of the first shard.
        payloads: One a shard.
    """
    pieces: list[bytes] = []
    for index, payload in enumerate(payloads, first):
        name = b"%b%04x" % (prefix, index)
        pieces += (
            b"*5\r\n$7\r\nRESTORE\r\n$%d\r\n%b\r\n%b$%d\r\n"
            % (len(name), name, _FOREVER, len(payload)),
            payload,
            _REPLACE,
        )
    return pieces


@dataclass(frozen=True, slots=True)
class Sent:
    """When a window left, and when the server began it and was done: Unix seconds."""

    shards: int
    sent_s: float
    """By this process's clock."""
    begun_s: float
    """By the server's clock."""
    ended_s: float
    """By the server's clock."""


class FencedConnection:
    """Writes windows, one at a time; raises redis-py's errors, to be translated.

    After any error what was written is unknown, and the connection must be closed.
    """

    def __init__(
        self,
        connection: Connection,
        fence: str,
        value: str,
        what: str,
        clock_s: Callable[[], float],
    ) -> None:
        """Take over an open connection.

        Args:
            connection: Its owner gives it back after :meth:`end`, or drops it.
            fence: The key.
            value: What it holds while this build may write.
            what: Names the build in an error.
            clock_s: Tells Unix seconds.
        """
        self._connection = connection
        key, held = fence.encode(), value.encode()
        self._what = what
        self._clock_s = clock_s
        self._sent_s = 0.0
        self._watch = b"*2\r\n$5\r\nWATCH\r\n%b*2\r\n$3\r\nGET\r\n%b" % ((_bulk(key),) * 2)
        self._stands = _OK + _bulk(held)
        self._value = held
        self._watching = False
        self._may_write = False
        #: Of the window that is not answered, and its shards; none after a bare WATCH.
        self._expected: bytes | None = None
        self._shards = 0

    def open(self) -> None:
        """Watch the fence; cost: half a round trip, the rest is waited for by the next call."""
        self._send(self._stands, 0, self._watch)

    def write(self, pieces: Sequence[bytes], shards: int) -> int:
        """Write one window, and watch the fence for the next.

        Args:
            pieces: Of :func:`encode_shards`.
            shards: How many they are.

        Returns:
            Bytes of the pieces. Nothing is written for sure before :meth:`settle`.

        Raises:
            Fenced: the build may not write; nothing was sent.
        """
        if not self._watching and self._expected is None:
            self.open()
        self.settle()
        if not self._may_write:
            raise self._fenced()
        self._send(_replies(shards) + self._stands, shards, _MULTI, *pieces, _EXEC, self._watch)
        return sum(map(len, pieces))

    def settle(self) -> Sent | None:
        """Wait for the window that was sent last; only then is it written.

        Returns:
            When it was sent and begun; ``None`` if it was settled before.

        Raises:
            Fenced: the build may no longer write, and nothing of the window was written.
            StoreUnavailable: somebody touched the fence, which stands again.
        """
        expected, self._expected = self._expected, None
        if expected is None:
            return None
        count = self._shards + 4 if self._shards else 2
        replies = receive_replies(self._connection, expected, count)
        self._may_write = replies.others is None or self._judge(replies.others)
        self._watching = True
        return Sent(self._shards, self._sent_s, replies.begun_s, replies.ended_s)

    def end(self) -> None:
        """Settle, and give up the watch, so that the connection can serve others."""
        self.settle()
        if self._watching:
            # An empty transaction, for which no other right is needed; null if it was touched.
            send_request(self._connection, _MULTI, _EXEC)
            error = first_error(receive_replies(self._connection, _OK + b"*0\r\n", 2).others)
            if error is not None:
                raise error
            self._watching = False

    def _send(self, expected: bytes, shards: int, *pieces: bytes) -> None:
        self._sent_s = self._clock_s()
        send_request(self._connection, *pieces)
        self._expected, self._shards = expected, shards

    def _judge(self, replies: list[Any]) -> bool:
        """Whether the next window may be sent; raises what became of this one."""
        error = first_error(replies)
        if error is not None:
            raise error
        stands = bool(replies[-1] == self._value)
        if self._shards and replies[-3] is None:
            if stands:
                raise StoreUnavailable(f"{self._what} was opened again meanwhile; retry")
            raise self._fenced()
        return stands

    def _fenced(self) -> Fenced:
        return Fenced(f"{self._what} does not hold the list, or may not write any more")


@lru_cache(maxsize=256)
def _replies(shards: int) -> bytes:
    return b"%b%b*%d\r\n%b" % (_OK, b"+QUEUED\r\n" * shards, shards, _OK * shards)


def _bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)
