"""One request and its answer: how fast the body must come, and how an answer is sent.

A client that stalls does not hold what waits for it, and a refusal before the body's end closes
the connection.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Final

from api.errors import RequestTimeout
from api.http.asgi import Header, Message, Receive, Scope, Send, declared_length, header
from api.http.connections.header_names import keep_spelling

#: Bytes for each second of a window. A modem sends three times as much.
LEAST_BYTES_S: Final = 1_024

#: What is still read of a refused body, so that a client that writes before it reads gets
#: to see the refusal.
_LINGER_BYTES: Final = 64 * 1024 * 1024
_LINGER_S: Final = 10.0
#: A client that was too slow has had its time.
_SLOW_LINGER_S: Final = 1.0
_TOO_SLOW: Final = RequestTimeout.status
_FIRST_REFUSAL: Final = 400
_CLOSE: Final[tuple[Header, ...]] = ((b"connection", b"close"),)


async def answer(send: Send, status: int, body: bytes, headers: Sequence[Header] = ()) -> None:
    """Send a whole JSON answer."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                *((keep_spelling(name), value) for name, value in headers),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


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

    async def next(self, receive: Receive) -> Message:
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
                self._end_window()
                continue
            self._waited_s += time.monotonic() - started
            self._bytes += len(message.get("body", b""))
            if self._waited_s >= self._window_s and message.get("more_body"):
                self._end_window()
            return message

    def _end_window(self) -> None:
        """Refuse a body that was too slow in this window, or start the next."""
        least = int(LEAST_BYTES_S * self._window_s)
        if self._bytes < least:
            message = "the request body comes too slowly: less than"
            raise RequestTimeout(f"{message} {least:,} bytes in {self._window_s:g} seconds")
        self._waited_s, self._bytes = 0.0, 0


class Exchange:
    """One request and its answer; a refusal before the body's end closes the connection.

    The rest of the body may be long. A bounded part of it is read and dropped first: a
    connection closed at once is reset before a client that writes first sees the refusal.
    """

    __slots__ = (
        *("_expects", "_pace", "_receive", "_refused", "_send", "_unread"),
        *("headers", "status"),
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, pace: BodyPace) -> None:
        self._receive = receive
        self._pace = pace
        self._send = send
        self._unread = declared_length(scope) != 0
        self._expects = header(scope, b"expect") is not None
        self._refused = False
        self.status = 0
        self.headers: tuple[Header, ...] = ()
        """Headers to add to the answer's own."""

    async def receive(self) -> Message:
        """As ASGI's ``receive``.

        Raises:
            RequestTimeout: the body comes too slowly.
        """
        # After the body's end a caller waits for the client's disconnection only.
        paced = self._unread
        message = await (self._pace.next(self._receive) if paced else self._receive())
        return self._seen(message)

    def _seen(self, message: Message) -> Message:
        self._expects = False
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        """As ASGI's ``send``."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._refused = self._unread and self.status >= _FIRST_REFUSAL
            added = (*self.headers, *(_CLOSE if self._refused else ()))
            headers = (*message.get("headers", ()), *added)
            message = {
                **message,
                "headers": [(keep_spelling(name), value) for name, value in headers],
            }
        elif self._refused and not message.get("more_body"):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _linger(self) -> None:
        # A client that waits for 100 Continue sends nothing more.
        if self._expects:
            return
        dropped = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S if self.status != _TOO_SLOW else _SLOW_LINGER_S):
                while self._unread and dropped < _LINGER_BYTES:
                    message = self._seen(await self._receive())
                    dropped += len(message.get("body", b""))
