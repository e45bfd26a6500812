"""Requests sent in one piece whose replies are known beforehand: compared, not parsed.

Redis-py takes 2 to 3 microseconds a reply. A transaction of 32 writes has 34 of them, nearly
always the same bytes; comparing those costs nothing. Whatever differs is parsed.
"""

from typing import Any, Final

import hiredis
from redis.connection import Connection, DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ExecAbortError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

_RECEIVE_BYTES: Final = 16_384
_MORE: Final = object()
#: Of a server that refuses a transaction only at its end; the cause follows.
_BECAUSE: Final = "Transaction discarded because of: "


def send_request(connection: Connection, request: bytes) -> None:
    """Send whole commands; the reply to everything sent before must have been read.

    Skips the check of the server's role. Never reconnects: the caller drops a connection after
    any error.
    """
    connection.send_packed_command([request], check_health=False)  # type: ignore[no-untyped-call]


def receive_replies(connection: Connection, expected: bytes, count: int) -> list[Any] | None:
    """Read the replies to one request.

    Args:
        connection: Where it was sent; nothing else may be outstanding.
        expected: All replies, if it goes well.
        count: How many replies there are, however it goes.

    Returns:
        ``None`` if they are as expected; otherwise the replies, with errors as exceptions.

    Raises:
        redis.ConnectionError: the connection is lost, and what was done is unknown.
        redis.TimeoutError: the same.
    """
    received = _receive(connection)
    while received != expected:
        if not expected.startswith(received):
            return _parse(connection, received, count)
        received += _receive(connection)
    return None


def first_error(replies: list[Any]) -> RedisError | None:
    """The error that explains why a transaction failed, if it did.

    Args:
        replies: to its commands in order, those of ``EXEC`` as a list. An error while queueing
            comes before the ``EXECABORT`` that it leads to.
    """
    for reply in replies:
        if isinstance(reply, list):
            found = first_error(reply)
            if found is not None:
                return found
        elif isinstance(reply, RedisError):
            return _cause(reply)
    return None


def _cause(error: RedisError) -> RedisError:
    _, found, cause = str(error).partition(_BECAUSE)
    return _error_of(cause) if found and isinstance(error, ExecAbortError) else error


def _error_of(text: str) -> RedisError:
    error = DefaultParser.parse_error(text)  # type: ignore[no-untyped-call]
    return error if isinstance(error, RedisError) else RedisError(text)


def _receive(connection: Connection) -> bytes:
    sock = connection._sock  # noqa: SLF001 - redis-py reads replies one by one only
    if sock is None:
        raise RedisConnectionError("the connection is closed")
    try:
        received: bytes = sock.recv(_RECEIVE_BYTES)
    except TimeoutError as exc:
        raise RedisTimeoutError("no reply in time") from exc
    except OSError as exc:
        raise RedisConnectionError(f"the connection broke: {exc.errno}") from exc
    if not received:
        raise RedisConnectionError("the server closed the connection")
    return received


def _parse(connection: Connection, received: bytes, count: int) -> list[Any]:
    reader = hiredis.Reader(
        protocolError=RedisConnectionError, replyError=_error_of, notEnoughData=_MORE
    )
    reader.feed(received)
    replies: list[Any] = []
    while len(replies) < count:
        reply = reader.gets()
        if reply is _MORE:
            reader.feed(_receive(connection))
        else:
            replies.append(reply)
    return replies
