"""How fast a request's body must come: a client that stalls does not hold what waits for it."""

import asyncio
import time
from typing import TYPE_CHECKING, Final

from api.errors import RequestTimeout

if TYPE_CHECKING:
    from api.http.asgi import Message, Receive

#: Bytes for each second of a window. A modem sends three times as much.
LEAST_BYTES_S: Final = 1_024


class BodyPace:
    """Waits for the parts of one body, in windows of a few seconds.

    Only time spent waiting for the client counts, so that a slow store or bucket is never
    held against it.
    """

    __slots__ = ("_bytes", "_waited_s", "_window_s")

    def __init__(self, window_s: float) -> None:
        """Start the first window.

        Args:
            window_s: in each of these the body must come on by ``LEAST_BYTES_S`` for each
                second, or end.
        """
        self._window_s = window_s
        self._waited_s = 0.0
        self._bytes = 0

    async def next(self, receive: "Receive") -> "Message":
        """Wait for the next part.

        Cost: about 5 µs beside the wait.

        Raises:
            RequestTimeout: the client is too slow. After a burst, that takes two windows.
        """
        while True:
            started = time.monotonic()
            try:
                async with asyncio.timeout(self._window_s - self._waited_s):
                    message = await receive()
            except TimeoutError:
                self._turn()
                continue
            self._waited_s += time.monotonic() - started
            self._bytes += len(message.get("body", b""))
            if self._waited_s >= self._window_s and message.get("more_body"):
                self._turn()
            return message

    def _turn(self) -> None:
        """Judge the window that ends, and start the next."""
        least = int(LEAST_BYTES_S * self._window_s)
        if self._bytes < least:
            message = "the request body comes too slowly: less than"
            raise RequestTimeout(f"{message} {least:,} bytes in {self._window_s:g} seconds")
        self._waited_s, self._bytes = 0.0, 0
