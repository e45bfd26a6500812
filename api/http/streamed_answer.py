"""An answer of messages that does not end by itself: it holds its connection, and no thread."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

import structlog
from starlette.responses import Response

from api.http.asgi import Receive, Scope, Send
from api.http.connections.uvicorn_protocol import abort_connection, tell_when_gone

#: Seconds for a message, and bytes for each further one: whoever takes less is dropped.
_SEND_S: Final = 30.0
_LEAST_BYTES_S: Final = 64 * 1024

#: Where a request's scope holds the answer that was handed over.
_STREAM: Final = "bigseg.stream"
#: What the framework's own entries of a scope begin with.
_OF_FRAMEWORK: Final = ("fastapi", "starlette", "endpoint", "app", "router", "path_params", "state")

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
        """Answer, or have the front do it: the framework keeps 15 KiB for a request until then."""
        if not hand_over(scope, self):
            await self.send_all(scope, receive, send)

    async def send_all(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        told = tell_when_gone(scope, self._on_gone)
        gone = None if told else asyncio.create_task(self._end_with_client(receive))
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
            await (self._end_with_client(receive) if gone is None else gone)
        finally:
            if gone is not None:
                gone.cancel()
            self._on_end()

    async def _end_with_client(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._on_gone()


def expect_stream(scope: Scope) -> None:
    """Let an answer that streams be handed over, to :func:`handed_over`."""
    scope[_STREAM] = None


def hand_over(scope: Scope, answer: StreamedAnswer) -> bool:
    """Leave an answer to whoever has called the application; whether somebody waits for it."""
    if _STREAM not in scope:
        return False
    scope[_STREAM] = answer
    return True


def handed_over(scope: Scope) -> StreamedAnswer | None:
    """Take the answer that was left, once the application has returned.

    What the framework has put into the scope goes: a stream may last for weeks.
    """
    answer: StreamedAnswer | None = scope.pop(_STREAM, None)
    if answer is not None:
        for name in [name for name in scope if name.startswith(_OF_FRAMEWORK)]:
            del scope[name]
    return answer


async def _send(send: Send, pieces: Pieces) -> None:
    """Send one message.

    Raises:
        TimeoutError: the client is too slow.
    """
    async with asyncio.timeout(_SEND_S + sum(map(len, pieces)) / _LEAST_BYTES_S):
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
