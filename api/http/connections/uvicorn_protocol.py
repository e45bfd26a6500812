"""Bounds on a connection before its caller is known, and how its answers are written.

Everything that depends on uvicorn's internals is here, but for the spelling of names in
``header_names.py``, and ``pyproject.toml`` bounds uvicorn's version for it: the methods that are
overridden and the attributes that are read. The unit test of uvicorn's internals names each.

Uvicorn reads heads of any size for any time, takes any number of connections, refuses what is no
HTTP as plain text, and writes an answer's head and body one after the other: two system calls, two
wake-ups of the client, and more work than the look-up itself. The protocol of this module bounds
the first three, refuses in the documented shape, lets a short answer that is ready go out as one
write, and has a look-up answered without a scope, a task and a state of uvicorn's if its answerer
takes it. Whoever serves the application another way loses only this.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.errors import ApiError, HeadersTooLarge, RequestTimeout, Unavailable
from api.http.asgi import Header, Scope
from api.http.connections.direct_exchange import DirectAnswerer, DirectExchange
from api.http.connections.refusals import refuse_unparsed, render_headers, render_refusal
from api.http.connections.slots import ConnectionBounds, ConnectionSlots
from api.http.dialects import Dialects

#: Bytes of a request's target and header lines together, and of its trailers.
MOST_HEAD_BYTES: Final = 64 * 1024
#: Seconds in which a client that sends on may read its refusal; what it sends is dropped.
LINGER_S: Final = 1.0
#: Bytes that the system takes for a connection beyond what is on its way to the client. Without
#: this it took 2.9 MB for each client that read nothing; how much is on its way is not limited.
MOST_UNSENT_BYTES: Final = 128 * 1024

#: Where the application leaves its parts in the state of its life span.
_SLOTS: Final = "bigseg.connections"
_ANSWERER: Final = "bigseg.direct"
_ANSWERS: Final = "bigseg.answers"
_DIALECTS: Final = "bigseg.dialects"
_STOPPING: Final = "bigseg.stopping"
#: Where a request's scope holds uvicorn's own state of the exchange.
_EXCHANGE: Final = "bigseg.exchange"
#: Where it holds what ends its connection at once.
_ABORT: Final = "bigseg.abort"
#: Where it holds what is called when its client has gone.
_GONE: Final = "bigseg.gone"
#: Bytes of a header line apart from its name and value.
_LINE_BYTES: Final = 4
_START: Final = b"HTTP/1.1 200 OK\r\n"
_CLOSE: Final = b"connection: close\r\n"
_JSON: Final = b"content-type: application/json\r\ncontent-length: "


class ApiProtocol(HttpToolsProtocol):
    """Uvicorn's protocol for an API process.

    A request that goes beyond a bound is answered 431 or 408, and the connection ends. A new
    connection beyond the number takes the slot of one that waits for a request; if none
    does, it is answered 503. Cost: about 1 µs a request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self._slots: ConnectionSlots = self.app_state[_SLOTS]
        self._dialects: Dialects = self.app_state[_DIALECTS]
        self._head_s = self._slots.bounds.head_s
        self.timeout_keep_alive = self._slots.bounds.idle_s
        self._received = b""
        self._reads_head = True
        self._target = b""  # the first part of it that came
        self._idle = False  # answered, and no byte has come since
        self._since_s = 0.0  # when this idle time, or the head that is read, began
        self._head_bytes = 0
        self._unread_bytes = 0  # taken by the parser, which has not said what they are
        self._unsent_bytes = 0  # at the last check
        self._refusal: ApiError | None = None
        self._answers: WholeAnswers = self.app_state[_ANSWERS]
        # A log of accesses wants its line, and another root changes paths.
        usual = not self.access_log and not self.root_path and self.limit_concurrency is None
        self._answerer: DirectAnswerer | None = self.app_state[_ANSWERER] if usual else None
        self._exchange_scope: Scope | None = None  # of the request that is being answered
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Claim a slot, and allow a head's time."""
        super().connection_made(transport)
        _bound_unsent(transport)
        self._since_s = self.loop.time()
        self._timer = self.loop.call_later(self._head_s, self._check_times)
        if not self._slots.claim(self):
            self._refuse(Unavailable("the server has as many connections as it takes; retry"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the slot."""
        self._slots.release(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._exchange_scope is not None and _GONE in self._exchange_scope:
            self._exchange_scope[_GONE]()
        self._end_exchange()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End once what is open is answered; what would not end by itself is told."""
        self.app_state[_STOPPING]()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls back, unless the connection has been refused."""
        if self._refusal is not None:
            return
        if self._idle:
            self._idle = False
            self._since_s = self.loop.time()
        self._received = data
        self._unread_bytes += len(data)
        super().data_received(data)
        if self._unread_bytes > MOST_HEAD_BYTES or self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(
                HeadersTooLarge(f"the request's headers are over {MOST_HEAD_BYTES:,} bytes")
            )

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser could not read; uvicorn's message is left out.

        A complete request before it keeps its answer: its sender would take a 400 for the
        refusal of what was done.
        """
        del msg
        before: RequestResponseCycle | None = self.cycle
        if before is not None and not before.response_complete:
            if not before.more_body:
                before.keep_alive = False  # ends the connection after its answer
                return
            if before.response_started:
                self.transport.close()
                return
        headers = self.server_state.default_headers
        self.transport.write(refuse_unparsed(self._received, self._target, headers, self._dialects))
        self.transport.close()

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._reads_head, self._target = True, b""
        self._head_bytes = self._unread_bytes = 0
        # The scope is made when the application is to have it.
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_url(self, url: bytes) -> None:
        """Count a part of the target."""
        self._target = self._target or url
        if self._fits_head(len(url)):
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header line, or one of a trailer."""
        self._unread_bytes = 0  # as _fits_head does, without a call for each line
        self._head_bytes += len(name) + len(value) + _LINE_BYTES
        if self._head_bytes <= MOST_HEAD_BYTES:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Serve the request, if its head is within the bound."""
        if self._head_bytes <= MOST_HEAD_BYTES:
            self._head_bytes = self._unread_bytes = 0
            self._reads_head = False
            exchange = self._begin_directly()
            if exchange is None or not exchange.taken:
                self.scope = self._make_scope(self.headers)
                if exchange is not None:
                    self.scope.update(exchange.additions)  # type: ignore[typeddict-item]  # ours
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
                self._become_idle()

    def on_response_complete(self) -> None:
        """Wait for the next request, or say what was wrong with the one after this.

        Does what uvicorn's does, but for its timer of idle connections: the timer of this class
        ends those, and another one for each answer would cost as much as parsing a request.
        """
        self._end_exchange()
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
        self._become_idle()
        if self._refusal is not None and not self._serves():
            self._end(self._refusal)

    def resume_writing(self) -> None:
        """Note that the client takes what is written."""
        self._unsent_bytes = 0
        super().resume_writing()

    @property
    def waits_since_s(self) -> float | None:
        """Since when it has waited for a request; ``None`` while it serves one or sends."""
        busy = self._serves() or self.transport.get_write_buffer_size()
        return None if busy else self._since_s

    def give_way(self) -> None:
        """Close without an answer."""
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn's
        cycle.scope[_EXCHANGE] = cycle  # type: ignore[typeddict-unknown-key]  # an extension of ours
        cycle.scope[_ABORT] = self.transport.abort  # type: ignore[typeddict-unknown-key]  # ours, too
        self._exchange_scope = cycle.scope  # type: ignore[assignment]  # uvicorn's type of it
        super()._start_asgi_task(cycle, app)

    def answer_directly(self, exchange: DirectExchange, body: bytes, lines: bytes) -> None:
        """Write an answer of status 200 and end the exchange."""
        exchange.response_complete = True
        if not exchange.disconnected and not self.transport.is_closing():
            if not exchange.keep_alive:
                lines += _CLOSE
            head = self.server_state.default_headers
            self.transport.write(self._answers.render(head, body, lines))
            if not exchange.keep_alive:
                self.transport.close()
        self.on_response_complete()

    def pass_on(self, exchange: DirectExchange) -> None:
        """Have the application serve the request after all."""
        scope = self._make_scope(exchange.headers)
        path = exchange.path.decode("ascii")
        scope.update(
            method="GET",
            path=unquote(path) if "%" in path else path,
            raw_path=exchange.path,
            query_string=b"",
            **exchange.additions,
        )
        cycle = self._make_cycle(scope, exchange)
        exchange.response_complete = True
        if self.cycle is exchange:  # type: ignore[comparison-overlap]  # see _begin_directly
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def _begin_directly(self) -> DirectExchange | None:
        """Have a request answered without ASGI, if it is of the kind and nothing is before it."""
        parser = self.parser
        if (
            self._answerer is None
            or self._serves()
            or self.flow.write_paused
            or parser.get_method() != b"GET"
            or parser.get_http_version() != "1.1"
            or not parser.should_keep_alive()
        ):
            return None
        exchange = DirectExchange(self, self.url, self.headers)
        exchange.taken = self._answerer.begin(exchange)
        if exchange.taken:
            self.cycle = exchange  # type: ignore[assignment]  # it has what uvicorn looks at
        return exchange

    def _make_scope(self, headers: list[Header]) -> Any:  # noqa: ANN401 - uvicorn's
        """Make uvicorn's scope of a request without what the request's line says."""
        before = self.scope, self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        scope = self.scope
        self.scope, self.url, self.headers, self.expect_100_continue = before
        scope["headers"] = headers
        return scope

    def _make_cycle(self, scope: Any, exchange: DirectExchange) -> RequestResponseCycle:  # noqa: ANN401 - uvicorn's
        """Make uvicorn's state of an exchange whose request has come as a whole."""
        cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=exchange.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        cycle.disconnected = exchange.disconnected
        cycle.message_event.set()
        return cycle

    def _end_exchange(self) -> None:
        """Take uvicorn's state out of the scope that it holds: a reference cycle otherwise."""
        if self._exchange_scope is not None:
            forbid_whole_answer(self._exchange_scope)
            self._exchange_scope.pop(_ABORT, None)
            self._exchange_scope.pop(_GONE, None)
            self._exchange_scope = None

    def _fits_head(self, size_bytes: int) -> bool:
        self._unread_bytes = 0
        self._head_bytes += size_bytes
        return self._head_bytes <= MOST_HEAD_BYTES

    def _serves(self) -> bool:
        """Whether a request is being answered, or waits for that."""
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request
        return bool(self.pipeline) or (cycle is not None and not cycle.response_complete)

    def _become_idle(self) -> None:
        self._idle, self._since_s = True, self.loop.time()

    def _check_times(self) -> None:
        """End what has taken too long; a timer for each request would cost more."""
        if self._has_stalled():
            self.transport.abort()
            return
        wait_s = self._head_s
        if self._refusal is None and not self._serves():
            most_s = self._slots.bounds.idle_s if self._idle else self._head_s
            wait_s = min(wait_s, self._since_s + most_s - self.loop.time())
        if wait_s > 0:
            self._timer = self.loop.call_later(wait_s, self._check_times)
        elif self._idle:
            self.transport.close()
        else:
            message = f"the request's head took over {self._head_s:g} seconds"
            self._refuse(RequestTimeout(message))

    def _has_stalled(self) -> bool:
        """Whether the client has taken nothing since the last check, though there is more."""
        unsent_bytes = self.transport.get_write_buffer_size()
        waits = self.flow.write_paused or self.transport.is_closing()
        stalled = waits and 0 < self._unsent_bytes <= unsent_bytes
        self._unsent_bytes = unsent_bytes if waits else 0
        return stalled

    def _refuse(self, error: ApiError) -> None:
        """Take nothing more from the client; say why once earlier requests are answered."""
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
        dialect = self._dialects.of_path(self._target)
        self.transport.write(render_refusal(error, self.server_state.default_headers, dialect))
        # Closed at once, it would be reset before a client that still writes sees why.
        self.loop.call_later(LINGER_S, self.transport.close)


def _bound_unsent(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in {socket.AF_INET, socket.AF_INET6}:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MOST_UNSENT_BYTES)


def connection_state(
    bounds: ConnectionBounds,
    answerer: DirectAnswerer | None,
    dialects: Dialects,
    stopping: Callable[[], None],
) -> Mapping[str, object]:
    """Make what an application's life span leaves in its state for the protocol.

    Args:
        bounds: on connections.
        answerer: answers what it can without the application.
        dialects: word the refusals.
        stopping: called, maybe often, when the server is asked to end.
    """
    return {
        _SLOTS: ConnectionSlots(bounds),
        _ANSWERER: answerer,
        _ANSWERS: WholeAnswers(),
        _DIALECTS: dialects,
        _STOPPING: stopping,
    }


class WholeAnswers:
    """Writes answers of status 200 and JSON, head and body at once; for one event loop."""

    __slots__ = ("_defaults", "_head")

    def __init__(self) -> None:
        self._defaults: list[Header] | None = None
        self._head = b""

    def write(self, scope: Scope, body: bytes, lines: bytes) -> bool:
        """Write an answer, if that can be done at once.

        Args:
            scope: the request's.
            body: JSON.
            lines: of the head, in addition to those of every answer.

        Returns:
            Whether it was; if not, nothing was written, and ASGI's messages have to do.
        """
        cycle: RequestResponseCycle | None = scope.get(_EXCHANGE)
        # A connection that ends says so in its head, and a log of accesses wants its line.
        if cycle is None or not cycle.keep_alive or cycle.access_log or cycle.flow.write_paused:
            return False
        if cycle.disconnected:
            return True
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(self.render(cycle.default_headers, body, lines))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def render(self, defaults: list[Header], body: bytes, lines: bytes) -> bytes:
        """Make the whole answer.

        Args:
            defaults: uvicorn's headers of every answer.
            body: JSON.
            lines: of the head, in addition to those.
        """
        if defaults is not self._defaults:  # uvicorn makes another list with each second's date
            self._head = _START + render_headers(defaults) + _JSON
            self._defaults = defaults
        return b"%b%d\r\n%b\r\n%b" % (self._head, len(body), lines, body)


def forbid_whole_answer(scope: Scope) -> None:
    """Have the request answered by ASGI's messages, for applications that wrap the answer."""
    scope.pop(_EXCHANGE, None)


def abort_connection(scope: Scope) -> None:
    """End the connection of a request at once; what is written and not yet taken is lost."""
    abort: Callable[[], None] | None = scope.get(_ABORT)
    if abort is not None:
        abort()


def tell_when_gone(scope: Scope, call: Callable[[], None]) -> bool:
    """Have something called once the client of a request has gone, also if that was before.

    Returns:
        Whether it will be; if not, ASGI's messages have to tell.
    """
    cycle: RequestResponseCycle | None = scope.get(_EXCHANGE)
    if cycle is None:
        return False
    scope[_GONE] = call
    if cycle.disconnected:
        call()
    return True
