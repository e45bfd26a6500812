"""Sends whole shards in windows: behind the fence, and at the pace that others leave."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from redis import Redis
from redis.connection import Connection
from redis.exceptions import NoPermissionError

from worker.store.lists.demand import Demand
from worker.store.lists.fenced_connection import FencedConnection, Sent, encode_shards
from worker.store.lists.pace import Delays, Pace, Window

#: A pool of fewer connections may have none left for the lease and for reading the base.
_POOL_FOR_TWO: Final = 6


@dataclass(frozen=True, slots=True)
class Clock:
    """The time, as a sender uses it."""

    monotonic_s: Callable[[], float] = time.monotonic
    unix_s: Callable[[], float] = time.time
    sleep_s: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast shards may be sent to one server; kept from one sender to the next."""

    pace: Pace
    demand: Demand | None
    """Who asks that server; ``None`` if that does not matter."""

    @classmethod
    def of(cls, node: Redis, limit_s: float) -> "Pacing":
        """Begin for a server.

        Args:
            node: Its client.
            limit_s: How long a look-up may wait for writers; 0 means as long as it takes.
        """
        return cls(Pace(limit_s), Demand(node) if limit_s > 0 else None)


class WindowSender:
    """Sends the windows of one build on one or two connections, and never reconnects.

    Raises redis-py's errors, to be translated, and after any error must be closed as broken.
    """

    def __init__(
        self, node: Redis, fence: str, target: str, what: str, *, pacing: Pacing, clock: Clock
    ) -> None:
        """Open the first connection.

        Args:
            node: The client of the server that holds the list.
            fence: The key of the fence.
            target: The revision that it names while shards may be written.
            what: Names the build in an error.
            pacing: How fast it may go.
            clock: The time.
        """
        self._pool = node.connection_pool
        self._fence = fence, target, what
        self._clock = clock
        self._demand, self._pace = pacing.demand, pacing.pace
        self._delays = Delays()
        self._connections: list[Connection] = []
        self._fenced: list[FencedConnection] = []
        self._turn = 0
        self._connect()

    @property
    def connection(self) -> Connection:
        """The first connection, for other calls once everything is settled."""
        return self._connections[0]

    def may_watch(self) -> bool:
        """Whether the user may do what the fence needs. Cost: two round trips."""
        try:
            self._fenced[0].open()
            self._fenced[0].end()
        except NoPermissionError:
            # WATCH may be allowed where GET is not, and the next user of this connection must not
            # find a watch on it.
            self.connection.disconnect()
            self.connection.connect()
            return False
        return True

    def send(self, prefix: bytes, first: int, payloads: Sequence[bytes]) -> Iterator[int]:
        """Send consecutive shards; yields the bytes of each window as it leaves.

        Args:
            prefix: What the names of these shards begin with.
            first: Number of the first.
            payloads: One a shard.
        """
        start = 0
        while start < len(payloads):
            window = self._pace.window
            stop = _end_of_window(payloads, start, window)
            fenced = self._next(window)
            self._note(fenced.settle())
            pieces = encode_shards(prefix, first + start, payloads[start:stop])
            size = fenced.write(pieces, stop - start)
            start = stop
            yield size
            self.pause_after(size)

    def pause_after(self, size: int) -> None:
        """Let others go first, as long as the pace says."""
        now_s = self._clock.monotonic_s()
        if self._demand is not None:
            self._pace.note_asked(self._demand.is_there(now_s))
        pause_s = self._pace.pause_after(size, now_s)
        if pause_s > 0:
            self._clock.sleep_s(pause_s)

    def settle(self) -> None:
        """Wait for every window; only then is it written."""
        for one in self._fenced:
            self._note(one.settle())

    def end(self) -> None:
        """Settle, and leave the connections as they were."""
        for one in self._fenced:
            one.end()

    def close(self, *, broken: bool) -> None:
        """Give the connections back; broken ones have replies or a watch left, and are closed."""
        for connection in self._connections:
            if broken:
                connection.disconnect()
            self._pool.release(connection)

    def _note(self, sent: Sent | None) -> None:
        if sent is not None:
            delay_s = self._delays.of(sent.sent_s, sent.begun_s)
            held_s = sent.ended_s - sent.begun_s
            now_s = self._clock.monotonic_s()
            self._pace.note_answer(delay_s + held_s, now_s, held_s=held_s, shards=sent.shards)

    def _next(self, window: Window) -> FencedConnection:
        """The connection whose turn it is; the second is opened when it is first needed."""
        if window.connections == 1 or self._pool.max_connections < _POOL_FOR_TWO:
            for other in self._fenced[1:]:
                self._note(other.settle())
            return self._fenced[0]
        turn, self._turn = self._turn, 1 - self._turn
        if turn == len(self._fenced):
            self._connect()
        return self._fenced[turn]

    def _connect(self) -> None:
        connection = self._pool.get_connection()
        self._connections.append(connection)
        self._fenced.append(FencedConnection(connection, *self._fence, self._clock.unix_s))


def _end_of_window(payloads: Sequence[bytes], start: int, window: Window) -> int:
    size = len(payloads[start])
    most = min(start + window.shards, len(payloads))
    for stop in range(start + 1, most):
        size += len(payloads[stop])
        if size > window.size_bytes:
            return stop
    return most
