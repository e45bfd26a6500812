"""CORS: which pages of other sites may read the API's answers.

The outermost application, and only if origins are set. A token never comes from a
cookie here, so nothing is ever allowed "with credentials".
"""

from collections.abc import Sequence
from typing import Final

from api.http.asgi import Asgi, Header, Message, Receive, Scope, Send, header
from api.http.connections.uvicorn_protocol import forbid_whole_answer

#: The rules do not require POST to be listed, but a reader of the answer expects it.
_METHODS: Final = b"OPTIONS, GET, POST, PUT, PATCH, DELETE"
#: Source: the overview of LaunchDarkly's REST API; the last four are also accepted.
_HEADERS: Final = (
    b"Accept, Content-Type, Content-Length, Accept-Encoding, Authorization, "
    b"LD-API-Version, X-HTTP-Method-Override, Idempotency-Key, If-Match"
)
_MAX_AGE_S: Final = b"300"
_ANY: Final = "*"


class Cors:
    """Answers preflights without a token and adds the headers to every other answer."""

    def __init__(self, app: Asgi, *, origins: Sequence[str], exposed: Sequence[str]) -> None:
        """Wrap an application.

        Args:
            app: what answers.
            origins: who may read; ``*`` means everybody.
            exposed: headers that pages may read in addition to those they always may.
        """
        self._app = app
        self._any = _ANY in origins
        self._origins = frozenset(origin.lower().encode() for origin in origins)
        self._exposed: Header = (
            b"access-control-expose-headers",
            ", ".join(exposed).encode(),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        allowed = self._allowed(header(scope, b"origin"))
        if allowed is not None and _is_preflight(scope):
            await send(_preflight(self._headers(allowed)))
            await send({"type": "http.response.body", "body": b""})
            return
        added = self._headers(allowed) + (() if allowed is None else (self._exposed,))

        forbid_whole_answer(scope)  # its head could not be added to

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        await self._app(scope, receive, send_readable)

    def _allowed(self, origin: bytes | None) -> bytes | None:
        if origin is None:
            return None
        if self._any:
            return _ANY.encode()
        return origin if origin.lower() in self._origins else None

    def _headers(self, allowed: bytes | None) -> tuple[Header, ...]:
        # A cache must not give one site's answer to another; with `*` they are all alike.
        vary: tuple[Header, ...] = () if self._any else ((b"vary", b"Origin"),)
        if allowed is None:
            return vary
        return ((b"access-control-allow-origin", allowed), *vary)


def _is_preflight(scope: Scope) -> bool:
    return (
        scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None
    )


def _preflight(headers: tuple[Header, ...]) -> Message:
    return {
        "type": "http.response.start",
        "status": 204,
        "headers": [
            *headers,
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _HEADERS),
            (b"access-control-max-age", _MAX_AGE_S),
        ],
    }
