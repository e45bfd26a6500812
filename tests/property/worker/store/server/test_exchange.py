"""Replies are understood however the network cuts them, and whatever went wrong."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from redis.connection import Connection
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker.store.server.exchange import Replies, first_error, receive_replies, send_request

_TIME = b"*2\r\n$10\r\n1700000000\r\n$3\r\n250\r\n"
_LATER = b"*2\r\n$10\r\n1700000001\r\n$3\r\n750\r\n"
_ABORTED = b"-EXECABORT Transaction discarded because of previous errors.\r\n"
_QUEUED = b"+OK\r\n+QUEUED\r\n+QUEUED\r\n"
_GOOD = b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n+OK\r\n$2\r\nr1\r\n"
_ASKED = b"*1\r\n$4\r\nTIME\r\n"
_COUNT = 6
#: What went wrong in the transaction, and the error that explains it.
_FAILURES: Sequence[tuple[bytes, type[RedisError] | None]] = (
    (b"+OK\r\n+QUEUED\r\n-OOM command not allowed\r\n" + _ABORTED, OutOfMemoryError),
    (b"+OK\r\n-MOVED 1 127.0.0.1:7\r\n+QUEUED\r\n" + _ABORTED, MovedError),
    (b"-NOPERM no\r\n-NOPERM no\r\n-NOPERM no\r\n-ERR EXEC without MULTI\r\n", NoPermissionError),
    (
        _QUEUED + b"-EXECABORT Transaction discarded because of: OOM command not allowed\r\n",
        OutOfMemoryError,
    ),
    (
        _QUEUED + b"-EXECABORT Transaction discarded because of: READONLY You can't write\r\n",
        ReadOnlyError,
    ),
    (b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n-ERR Bad data format\r\n", ResponseError),
    (b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*-1\r\n", None),
)

cuts = st.lists(st.integers(1, 40), max_size=30)


@contextmanager
def _pair() -> Iterator[tuple[Any, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0.2)
    connection: Any = Connection(protocol=2)
    connection._sock = ours
    with ours, theirs:
        yield connection, theirs
        connection._sock = None


def _received(text: bytes, sizes: Sequence[int]) -> Replies:
    """Receive a reply in pieces: each is there only when the one before was taken."""
    with _pair() as (connection, theirs):
        pieces, start = [], 0
        for size in sizes:
            pieces.append(text[start : start + size])
            start += size
        pieces.append(text[start:])
        waiting = [piece for piece in pieces if piece]

        class Sock:
            def recv_into(self, buffer: bytearray) -> int:
                theirs.sendall(waiting.pop(0))
                sock: socket.socket = ours
                return sock.recv_into(buffer)

        ours = connection._sock
        connection._sock = Sock()
        replies = receive_replies(connection, _GOOD, _COUNT)
        assert not waiting, "nothing is left for the next request"
        return replies


@given(sizes=cuts)
def test_replies__as_expected_in_any_pieces__are_not_parsed(sizes: list[int]) -> None:
    replies = _received(_TIME + _GOOD + _LATER, sizes)
    assert replies.others is None
    assert replies.begun_s == pytest.approx(1_700_000_000.00025, abs=1e-6)
    assert replies.ended_s - replies.begun_s == pytest.approx(1.0005, abs=1e-6)
    assert first_error(replies.others) is None


@given(sizes=cuts, failure=st.sampled_from(_FAILURES))
def test_replies__other_than_expected_in_any_pieces__give_the_cause(
    sizes: list[int], failure: tuple[bytes, type[RedisError] | None]
) -> None:
    text, cause = failure
    replies = _received(_TIME + text + b"+OK\r\n$2\r\nr1\r\n" + _LATER, sizes)
    assert replies.others is not None
    assert len(replies.others) == _COUNT
    assert replies.others[-1] == b"r1"
    error = first_error(replies.others)
    assert (type(error) if error else None) == cause


def test_replies__time_is_forbidden__is_the_error() -> None:
    with pytest.raises(NoPermissionError):
        _received(b"-NOPERM no TIME\r\n" + _GOOD + b"-NOPERM no TIME\r\n", [])


def test_replies__none_in_time_or_connection_lost__is_told() -> None:
    with _pair() as (connection, theirs):
        send_request(connection, b"*1\r\n", b"$4\r\nPING\r\n")
        assert theirs.recv(100) == _ASKED + b"*1\r\n$4\r\nPING\r\n" + _ASKED
        with pytest.raises(RedisTimeoutError):
            receive_replies(connection, _GOOD, _COUNT)
        theirs.sendall(_TIME + _GOOD[:20])
        theirs.close()
        with pytest.raises(RedisConnectionError):
            receive_replies(connection, _GOOD, _COUNT)
    with pytest.raises(RedisConnectionError):
        receive_replies(connection, _GOOD, _COUNT)
