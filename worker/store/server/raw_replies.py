"""Bytes from a connection of redis-py, past its parser, with errors as the driver's own.

The only place that reads the driver's socket. It may be used only while no reply is left in the
driver's own buffer, which is so for a connection fresh from its pool.
"""

from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker.byte_columns import Bytes


def receive_into(connection: Any, buffer: bytearray | Bytes) -> int:  # noqa: ANN401 - the driver's
    """Wait for bytes and write them to the start of a buffer; gives how many came.

    Raises:
        redis.ConnectionError: the connection is lost, and what was done is unknown.
        redis.TimeoutError: the same.
    """
    sock = connection._sock  # noqa: SLF001 - it has no public way
    if sock is None:
        raise RedisConnectionError("the connection is closed")
    try:
        count: int = sock.recv_into(buffer)
    except TimeoutError as exc:
        raise RedisTimeoutError("no reply in time") from exc
    except OSError as exc:
        raise RedisConnectionError(f"the connection broke: {exc.errno}") from exc
    if not count:
        raise RedisConnectionError("the server closed the connection")
    return count
