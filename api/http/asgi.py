"""Small pieces of ASGI that the front is made of: types, answers, bounded bodies."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from api.errors import RequestTimeout, TooLarge
from api.http.body_pace import BodyPace
from api.http.connections.header_names import as_written

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

#: What is still read of a refused body, so that a client that writes before it reads gets
#: to see the refusal.
_LINGER_BYTES: Final = 64 * 1024 * 1024
_LINGER_S: Final = 10.0
#: A client that was too slow has had its time.
_SLOW_LINGER_S: Final = 1.0
_TOO_SLOW: Final = RequestTimeout.status
_FIRST_REFUSAL: Final = 400
_CLOSE: Final[tuple[Header, ...]] = ((b"connection", b"close"),)


class Disconnected(Exception):
    """The client went away; nobody is left to be answered."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this lower-case name."""
    for found, value in scope["headers"]:
        if found == name:
            return bytes(value)
    return None


def declared_length(scope: Scope) -> int | None:
    """The body's length in bytes, 0 without a body, ``None`` when it is not said."""
    length = header(scope, b"content-length")
    if length is not None:
        return int(length)
    return 0 if header(scope, b"transfer-encoding") is None else None


async def answer(send: Send, status: int, body: bytes, headers: tuple[Header, ...] = ()) -> None:
    """Send a whole JSON answer."""
    await send(_start(status, body, headers))
    await send({"type": "http.response.body", "body": body})


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """Read a whole body into memory.

    Raises:
        TooLarge: it is longer than the limit; the rest was not read.
        Disconnected: the client went away.
    """
    pieces: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        piece = message.get("body", b"")
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            raise TooLarge(f"the request body is over {limit_bytes:,} bytes")
        pieces.append(piece)
        if not message.get("more_body"):
            return b"".join(pieces)


def replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives a body read before, then whatever else comes."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


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
        """What the answer's headers are to hold besides its own."""

    async def receive(self) -> Message:
        """As ASGI's ``receive``.

        Raises:
            RequestTimeout: the body comes too slowly.
        """
        # What is asked for after the body's end is whether the client has gone.
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
            message = {**message, "headers": [(as_written(name), value) for name, value in headers]}
        elif self._refused and not message.get("more_body"):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _linger(self) -> None:
        # A client that waits to be told to go on sends nothing more.
        if self._expects:
            return
        dropped = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S if self.status != _TOO_SLOW else _SLOW_LINGER_S):
                while self._unread and dropped < _LINGER_BYTES:
                    message = self._seen(await self._receive())
                    dropped += len(message.get("body", b""))


def _start(status: int, body: bytes, headers: tuple[Header, ...]) -> Message:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            *((as_written(name), value) for name, value in headers),
        ],
    }
