"""The least that can be asked of an ASGI server: one constant answer, of a look-up's size."""

from collections.abc import Awaitable, Callable
from typing import Any

_BODY = b'{"userKey":"00000000-0000-4000-8000-000000000000","included":true,"excluded":false}'
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(_BODY)).encode()),
    ],
}
_END = {"type": "http.response.body", "body": _BODY}


async def app(
    scope: dict[str, Any],
    _receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer every request alike."""
    if scope["type"] == "http":
        await send(_START)
        await send(_END)
