"""The terms of ASGI, and small functions over them: headers, bounded bodies."""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any, Final

from api.errors import TooLarge

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

#: Headers that frame the body; servers look for them in lower case.
_FRAMING: Final = frozenset({b"connection", b"content-length", b"transfer-encoding"})


class Disconnected(Exception):
    """The client disconnected; there is no one to answer."""


@lru_cache(128)
def spell(name: bytes) -> bytes:
    """Spell a header's name as it is written: ``Location``, not ``location``.

    Words begin with a capital, as in ``X-Ratelimit-Reset``; names that frame the body stay.
    HTTP says that case means nothing, but LaunchDarkly's Python client gives the headers of an
    answer as a plain dict, and the id of an import is only in ``headers["Location"]``.
    """
    return name if name in _FRAMING else name.title()


def header(scope: Scope, name: bytes) -> bytes | None:
    """Give the first header of this lower-case name."""
    for found, value in scope["headers"]:
        if found == name:
            return bytes(value)
    return None


def declared_length(scope: Scope) -> int | None:
    """Give the body's length in bytes, 0 without a body, ``None`` if it is not declared."""
    length = header(scope, b"content-length")
    if length is not None:
        return int(length)
    return 0 if header(scope, b"transfer-encoding") is None else None


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
    """Make a ``receive`` that gives a body read before, then whatever else comes."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
