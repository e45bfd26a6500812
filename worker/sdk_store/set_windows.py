"""Adds a reference to the sets of very many contexts, in transactions that the canary fences.

A window of contexts goes as::

    WATCH canary   HMGET canary name writer   MULTI   SADD … (one a context)   HINCRBY canary writes

and its ``EXEC`` is sent, together with the next window, when the ``HMGET`` has shown that the sets
are still these and still this worker's. The server runs it only if nobody has touched the canary
since. So it always has commands to read, and a writer that was stopped anywhere writes nothing.
A script looks at the canary, too, but with it a set costs the server a third more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from redis import Redis

from worker.byte_columns import Bytes
from worker.sdk_store.hashed_keys import HASH_CHARS, HashedKeys
from worker.store.errors import SdkSetsLost
from worker.store.server import ReplyReader, driver_errors, first_error

_MULTI: Final = b"*1\r\n$5\r\nMULTI\r\n"
_EXEC: Final = b"*1\r\n$4\r\nEXEC\r\n"
_HASH: Final = b"=" * HASH_CHARS


@dataclass(frozen=True, slots=True)
class Fence:
    """The canary, and what it has to say."""

    key: str
    name: str
    writer: str


def add_in_windows(
    client: Redis, fence: Fence, prefix: str, ref: str, hashes: Iterable[HashedKeys]
) -> Iterator[int]:
    """Add a reference to the sets of contexts.

    The next window is hashed and encoded while the server works on those before.

    Args:
        client: The server that SDKs read.
        fence: The canary.
        prefix: What the names of the sets begin with.
        ref: The reference.
        hashes: Of one window each.

    Yields:
        How many calls have changed the sets, after each window.

    Raises:
        SdkSetsLost: the sets are not these any more, or not this worker's; the window was not
            written.
        StoreUnavailable: no answer. What was written is unknown.
        OutOfMemory: the server takes no more; the window was not written.
    """
    what = f"write sets of {ref} for SDKs"
    pool = client.connection_pool
    with driver_errors(what):
        connection = pool.get_connection()
    done = False
    try:
        yield from _Windows(connection, fence, what).send(_Encoder(prefix, ref), hashes)
        done = True
    finally:
        if not done:
            # It is in a transaction, or has unread replies.
            connection.disconnect()
        pool.release(connection)


class _Windows:
    """Sends windows on one connection; after any error it must be closed."""

    def __init__(self, connection: Any, fence: Fence, what: str) -> None:  # noqa: ANN401 - a driver's connection of any class
        self._connection = connection
        self._replies = ReplyReader(connection)
        self._what = what
        key = fence.key.encode()
        self._held = [fence.name.encode(), fence.writer.encode()]
        self._begin = _command(b"WATCH", key) + _command(b"HMGET", key, b"name", b"writer") + _MULTI
        self._count = _command(b"HINCRBY", key, b"writes", b"1")

    def send(self, encoder: "_Encoder", hashes: Iterable[HashedKeys]) -> Iterator[int]:
        """Send all; gives the count after each window."""
        running = waiting = 0
        for some in hashes:
            window = self._begin + encoder.encode(some) + self._count
            yield from self._run(running, waiting, window)
            running, waiting = waiting, len(some) + 1
        yield from self._run(running, waiting, b"")
        yield from self._run(waiting, 0, b"")

    def _run(self, running: int, waiting: int, window: bytes) -> Iterator[int]:
        """Take the result of the window that runs, and run the one that waits.

        Args:
            running: Commands of the first.
            waiting: Of the second.
            window: Sent after it, to wait in its place.
        """
        if running:
            done = self._take(1 + running + 1)
            if done is None:
                raise self._lost()
            yield done[-1]
        if waiting:
            if self._take(2) != self._held:
                raise self._lost()
            window = _EXEC + window
        if window:
            with driver_errors(self._what):
                # Skips the role check: a replica refuses the window itself.
                self._connection.send_packed_command([window], check_health=False)

    def _take(self, count: int) -> list[Any] | None:
        """Read replies, and give the last one, which is a list if it is any."""
        with driver_errors(self._what):
            replies = self._replies.take(count)
            last: list[Any] | None = replies[-1]
            error = None if _are_numbers(last) else first_error(replies)
            if error is not None:
                raise error
        return last

    def _lost(self) -> SdkSetsLost:
        return SdkSetsLost(f"{self._what}: they are gone, or another worker keeps them")


class _Encoder:
    """Encodes ``SADD`` of one reference to many sets whose names are equally long."""

    def __init__(self, prefix: str, ref: str) -> None:
        parts = _command(b"SADD", prefix.encode() + _HASH, ref.encode()).split(_HASH)
        self._start, self._end = (np.frombuffer(part, np.uint8) for part in parts)

    def encode(self, hashes: HashedKeys) -> bytes:
        """One command a context. Cost: about 0.2 µs each."""
        first = len(self._start)
        last = first + HASH_CHARS
        commands: Bytes = np.empty((len(hashes), last + len(self._end)), np.uint8)
        commands[:, :first] = self._start
        commands[:, first:last] = np.frombuffer(hashes.encoded(), np.uint8).reshape(-1, HASH_CHARS)
        commands[:, last:] = self._end
        return commands.tobytes()


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n%b" % (len(words), b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words))


def _are_numbers(reply: Any) -> bool:  # noqa: ANN401 - a reply
    """Whether a transaction has done all that was queued: had one failed, its error is there."""
    return isinstance(reply, list) and {*map(type, reply)} == {int}
