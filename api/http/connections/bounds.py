"""What a connection may take before anybody knows who calls: bytes, seconds, and a place.

Uvicorn reads heads of any size for any time and takes any number of connections. The
protocol of this module, which ``bigseg api`` has uvicorn use, bounds all three, and refuses
in the documented shape. How fast a body must come is ``api.http.asgi``'s to say.

Leans on these parts of uvicorn's protocol: the parser's callbacks, ``pipeline``,
``cycle.response_complete``, ``flow``, ``timeout_keep_alive``, ``app_state`` and
``server_state.default_headers``.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.errors import ApiError, HeadersTooLarge, RequestTimeout, Unavailable
from api.http.connections.places import ConnectionBounds, Places
from api.http.connections.refusals import refusal
from api.http.connections.whole_answers import WholeAnswersProtocol

#: Bytes of a request's target and header lines together, and of its trailers.
MOST_HEAD_BYTES: Final = 64 * 1024
#: Seconds in which a client that sends on may read its refusal; what it sends is dropped.
LINGER_S: Final = 1.0

#: Where the application leaves the places in the state of its life span.
_STATE: Final = "bigseg.connections"
#: What a line takes beside its name and value.
_OF_A_LINE: Final = 4


class BoundedConnection(HttpToolsProtocol):
    """Uvicorn's protocol with bounds.

    A request that goes beyond one is answered 431 or 408, and the connection ends. A new
    connection beyond the number takes the place of one that waits for a request; if none
    does, it is answered 503. Cost: about 1 µs a request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self._places: Places = self.app_state[_STATE]
        self._head_s = self._places.bounds.head_s
        self.timeout_keep_alive = self._places.bounds.idle_s
        self._reads_head = True
        self._idle = False  # answered, and no byte has come since
        self._since_s = 0.0  # when this idle time, or the head that is read, began
        self._head_bytes = 0
        self._unread_bytes = 0  # taken by the parser, which has not said what they are
        self._unsent_bytes = 0  # when last looked at
        self._refusal: ApiError | None = None
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, and allow a head's time."""
        super().connection_made(transport)
        self._since_s = self.loop.time()
        self._watch = self.loop.call_later(self._head_s, self._look)
        if not self._places.take(self):
            self._refuse(Unavailable("the server has as many connections as it takes; retry"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._places.leave(self)
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls back, unless the connection has been refused."""
        if self._refusal is not None:
            return
        if self._idle:
            self._idle = False
            self._since_s = self.loop.time()
        self._unread_bytes += len(data)
        super().data_received(data)
        if self._unread_bytes > MOST_HEAD_BYTES or self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(
                HeadersTooLarge(f"the request's headers are over {MOST_HEAD_BYTES:,} bytes")
            )

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._reads_head = True
        self._head_bytes = self._unread_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count a part of the target."""
        self._unread_bytes = 0
        self._head_bytes += len(url)
        if self._head_bytes <= MOST_HEAD_BYTES:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header line, or one of a trailer."""
        self._unread_bytes = 0
        self._head_bytes += len(name) + len(value) + _OF_A_LINE
        if self._head_bytes <= MOST_HEAD_BYTES:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Serve the request, if its head is within the bound."""
        if self._head_bytes <= MOST_HEAD_BYTES:
            self._head_bytes = self._unread_bytes = 0
            self._reads_head = False
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on."""
        self._unread_bytes = 0
        if not self._reads_head:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a body; what was answered before its end is over now."""
        self._unread_bytes = 0
        if not self._reads_head:
            super().on_message_complete()
            if not self._serves():
                self._wait_idle()

    def on_response_complete(self) -> None:
        """Wait for the next request, or say what was wrong with the one after this."""
        super().on_response_complete()
        self._wait_idle()
        if self._refusal is not None and not self._serves():
            self._end(self._refusal)

    @property
    def waits_since_s(self) -> float | None:
        """Since when it waits for a request; ``None``: it serves one, or sends the answer."""
        busy = self._serves() or self.transport.get_write_buffer_size()
        return None if busy else self._since_s

    def give_way(self) -> None:
        """End without a word."""
        self.transport.close()

    def _serves(self) -> bool:
        """Whether a request is being answered, or waits for that."""
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request
        return bool(self.pipeline) or (cycle is not None and not cycle.response_complete)

    def _wait_idle(self) -> None:
        self._idle, self._since_s = True, self.loop.time()

    def _look(self) -> None:
        """See what has taken too long; a timer for each request would cost more."""
        if self._has_stalled():
            self.transport.abort()
            return
        wait_s = self._head_s
        if self._refusal is None and not self._serves():
            most_s = self._places.bounds.idle_s if self._idle else self._head_s
            wait_s = min(wait_s, self._since_s + most_s - self.loop.time())
        if wait_s > 0:
            self._watch = self.loop.call_later(wait_s, self._look)
        elif self._idle:
            self.transport.close()
        else:
            message = f"the request's head took over {self._head_s:g} seconds"
            self._refuse(RequestTimeout(message))

    def _has_stalled(self) -> bool:
        """Whether the client has taken nothing since last looked at, though there is more."""
        unsent_bytes = self.transport.get_write_buffer_size()
        waits = self.flow.write_paused or self.transport.is_closing()
        stalled = waits and 0 < self._unsent_bytes <= unsent_bytes
        self._unsent_bytes = unsent_bytes if waits else 0
        return stalled

    def resume_writing(self) -> None:
        """Note that the client takes what is written."""
        self._unsent_bytes = 0
        super().resume_writing()

    def _refuse(self, error: ApiError) -> None:
        """Take nothing more from the client; tell it why when those before are answered."""
        self._refusal = error
        if not self._serves():
            self._end(error)
        elif self._reads_head:
            self.flow.pause_reading()
        else:  # a trailer, of the request that is being answered
            self.transport.close()

    def _end(self, error: ApiError) -> None:
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self.transport.write(refusal(error, self.server_state.default_headers))
        # Closed at once, it would be reset before a client that still writes sees why.
        self.loop.call_later(LINGER_S, self.transport.close)


class ApiProtocol(BoundedConnection, WholeAnswersProtocol):
    """The protocol of an API process."""


def left_for_protocol(bounds: ConnectionBounds) -> Mapping[str, Places]:
    """What an application's life span leaves in its state for the protocol."""
    return {_STATE: Places(bounds)}
