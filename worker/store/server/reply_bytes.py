"""Replies of a server as the bytes that it sent, past the driver's parser."""

from typing import Any, Final, NoReturn

import numpy as np
from redis.exceptions import InvalidResponse

from worker.byte_columns import Bytes
from worker.store.server.raw_replies import receive_into

_FIRST_BYTES: Final = 256 * 1024


class ReplyBytes:
    """Collects what arrives on a connection of redis-py.

    Two of the driver's internals hand an error back to it; the tests on real servers hold them.
    """

    def __init__(self, connection: Any, spare: int) -> None:  # noqa: ANN401 - the driver's
        """Begin with an empty buffer.

        Args:
            connection: of redis-py; nothing else may read it meanwhile.
            spare: how many bytes, at least 1, follow those received in ``buffer``.
        """
        self._connection = connection
        self._spare = spare
        self.buffer: Bytes = np.zeros(_FIRST_BYTES + spare, np.uint8)
        self.size = 0

    def receive(self) -> None:
        """Wait for more bytes and append what has arrived.

        Raises:
            redis.RedisError: the driver's own, to be translated.
        """
        if self.size == len(self.buffer) - self._spare:
            self.buffer = np.concatenate((self.buffer, np.zeros_like(self.buffer)))
        self.size += receive_into(self._connection, self.buffer[self.size : -self._spare])

    def drop(self, size: int) -> None:
        """Remove bytes from the start."""
        self.size -= size
        self.buffer[: self.size] = self.buffer[size : size + self.size].copy()

    def starts_with_error(self) -> bool:
        """Whether the first reply is an error."""
        return self.size > 0 and self.buffer[0] == ord("-")

    def raise_error(self) -> NoReturn:
        """Give all bytes back to the driver, and have it read the error at their start.

        Raises:
            redis.RedisError: that error, as the driver names it.
        """
        self._connection._parser._reader.feed(self.buffer[: self.size].tobytes())  # noqa: SLF001 - it has no public way
        self._connection.read_response()
        raise InvalidResponse("the server's error reply could not be read")
