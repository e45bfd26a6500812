"""An answer of messages that does not end by itself: it holds its connection, and no thread."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

import structlog
from starlette.responses import Response

from api.http.asgi import Receive, Scope, Send
from api.http.connections.uvicorn_protocol import abort_connection

#: Seconds for a message, and bytes for each further one: whoever takes less is dropped.
_SEND_S: Final = 30.0
_LEAST_BYTES_S: Final = 64 * 1024

Pieces = Sequence[bytes | memoryview]
"""One message; none of its pieces is copied until it is sent."""

_log = structlog.get_logger(__name__)


class StreamedAnswer(Response):
    """Sends messages until there are no more or the client has gone."""

    def __init__(
        self,
        messages: AsyncIterator[Pieces],
        *,
        media_type: str,
        on_gone: Callable[[], None],
        on_end: Callable[[], None],
        facts: Mapping[str, str],
    ) -> None:
        """Take the parts.

        Args:
            messages: what is sent.
            media_type: of the answer.
            on_gone: called when the client has gone: no message is to come after that.
            on_end: called at the end, whatever the reason.
            facts: logged about a slow reader.
        """
        self.media_type = media_type
        super().__init__(headers={"Cache-Control": "private, no-store"})
        del self.headers["Content-Length"]
        self._messages = messages
        self._on_gone = on_gone
        self._on_end = on_end
        self._facts = facts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        gone = asyncio.create_task(self._end_with_client(receive))
        try:
            head = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **head})
            async for pieces in self._messages:
                await _send(send, pieces)
                del pieces  # the next one may be weeks away
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            _log.info("stream.dropped", reason="slow reader", **self._facts)
            abort_connection(scope)
            await gone
        finally:
            gone.cancel()
            self._on_end()

    async def _end_with_client(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._on_gone()


async def _send(send: Send, pieces: Pieces) -> None:
    """Send one message.

    Raises:
        TimeoutError: the client is too slow.
    """
    async with asyncio.timeout(_SEND_S + sum(map(len, pieces)) / _LEAST_BYTES_S):
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
