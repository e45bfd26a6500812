"""Small pieces of ASGI that the front is made of: types, answers, bounded bodies."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from api.errors import TooLarge

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


async def refuse_body(
    receive: Receive, send: Send, status: int, body: bytes, headers: tuple[Header, ...] = ()
) -> None:
    """Answer before the request's body was read, and end the connection.

    Reads and drops a bounded part of what the client still sends: closing at once would
    reset the connection before the client has seen the answer.
    """
    await send(_start(status, body, (*headers, (b"connection", b"close"))))
    await send({"type": "http.response.body", "body": body, "more_body": True})
    dropped = 0
    try:
        async with asyncio.timeout(_LINGER_S):
            while dropped < _LINGER_BYTES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    break
    except TimeoutError:
        pass  # long enough
    await send({"type": "http.response.body", "body": b""})


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


def _start(status: int, body: bytes, headers: tuple[Header, ...]) -> Message:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            *headers,
        ],
    }
