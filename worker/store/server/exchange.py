"""Requests sent in one piece whose replies are known beforehand: compared, not parsed.

Redis-py runs two Python functions for each reply. A transaction of 32 writes has 34 of them,
nearly always the same bytes, which are compared at once. Whatever differs is parsed.

Each request is between two ``TIME``, which tell when the server began it and when it was done.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import hiredis
from redis.connection import Connection, DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ExecAbortError, RedisError

from worker.store.server.raw_replies import receive_into

_RECEIVE_BYTES: Final = 16_384
_TIME: Final = b"*1\r\n$4\r\nTIME\r\n"
_TIME_REPLY: Final = re.compile(rb"\*2\r\n\$\d+\r\n(\d+)\r\n\$\d+\r\n(\d+)\r\n")
_MORE: Final = object()
#: Of a server that refuses a transaction only at its end; the cause follows.
_BECAUSE: Final = "Transaction discarded because of: "


@dataclass(frozen=True, slots=True)
class Replies:
    """What came back for one request."""

    begun_s: float
    """When the server began it, by its clock: Unix seconds."""
    ended_s: float
    """When it was done with it, by the same clock."""
    others: list[Any] | None
    """The replies, with errors as exceptions; ``None`` if they are as expected."""


def send_request(connection: Connection, *pieces: bytes) -> None:
    """Send whole commands; the replies to everything sent before must have been read.

    Skips the check of the server's role. Never reconnects: the caller drops a connection after
    any error.
    """
    request = b"".join((_TIME, *pieces, _TIME))
    connection.send_packed_command([request], check_health=False)


def receive_replies(connection: Connection, expected: bytes, count: int) -> Replies:
    """Read the replies to one request.

    Args:
        connection: Where it was sent; nothing else may be outstanding.
        expected: All replies, if it goes well.
        count: How many replies there are, however it goes.

    Raises:
        redis.ConnectionError: the connection is lost, and what was done is unknown.
        redis.TimeoutError: the same.
        redis.RedisError: the server does not tell the time.
    """
    received = _receive(connection)
    while True:
        begun = _TIME_REPLY.match(received)
        if begun is not None:
            start, stop = begun.end(), begun.end() + len(expected)
            ended = _TIME_REPLY.fullmatch(received, stop)
            if ended is not None and received.startswith(expected, start):
                return Replies(_seconds(*begun.groups()), _seconds(*ended.groups()), None)
            if not expected.startswith(received[start:stop]):
                break
        elif received.startswith(b"-"):
            break
        received += _receive(connection)
    reader = ReplyReader(connection)
    reader.feed(received)
    begin, *replies, end = reader.take(count + 2)
    for time in (begin, end):
        if isinstance(time, RedisError):
            raise time
    return Replies(_seconds(*begin), _seconds(*end), replies)


class ReplyReader:
    """Parses the replies on one connection, as many at a time as are asked for."""

    def __init__(self, connection: Connection) -> None:
        """Take over a connection on which nothing is outstanding."""
        self._connection = connection
        self._reader = hiredis.Reader(
            protocolError=RedisConnectionError, replyError=_error_of, notEnoughData=_MORE
        )

    def take(self, count: int) -> list[Any]:
        """Read so many replies, with errors as exceptions. Cost: 0.1 µs each.

        Raises:
            redis.ConnectionError: the connection is lost, and what was done is unknown.
            redis.TimeoutError: the same.
        """
        replies: list[Any] = []
        while True:
            replies += islice(iter(self._reader.gets, _MORE), count - len(replies))
            if len(replies) == count:
                return replies
            self._reader.feed(_receive(self._connection))

    def feed(self, received: bytes) -> None:
        """Take what was read before."""
        self._reader.feed(received)


def first_error(replies: list[Any] | None) -> RedisError | None:
    """The error that explains why a transaction failed, if it did.

    Args:
        replies: to its commands in order, those of ``EXEC`` as a list. An error while queueing
            comes before the ``EXECABORT`` that it leads to.
    """
    for reply in replies or ():
        if isinstance(reply, list):
            found = first_error(reply)
            if found is not None:
                return found
        elif isinstance(reply, RedisError):
            return _cause(reply)
    return None


def _seconds(seconds: bytes, microseconds: bytes) -> float:
    return int(seconds) + int(microseconds) / 1e6


def _cause(error: RedisError) -> RedisError:
    _, found, cause = str(error).partition(_BECAUSE)
    return _error_of(cause) if found and isinstance(error, ExecAbortError) else error


def _error_of(text: str) -> RedisError:
    error = DefaultParser.parse_error(text)  # type: ignore[no-untyped-call]
    return error if isinstance(error, RedisError) else RedisError(text)


def _receive(connection: Connection) -> bytes:
    buffer = bytearray(_RECEIVE_BYTES)
    count = receive_into(connection, buffer)
    return bytes(buffer[:count])
