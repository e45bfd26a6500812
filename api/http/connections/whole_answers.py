"""Answers that are written whole: head and body in one write.

ASGI takes an answer in two messages, and uvicorn checks and writes each by itself: two calls
of the system, two wake-ups of the client, and more work than the look-up itself. With the
protocol of this module, which ``bigseg api`` has uvicorn use, a short answer that is ready
goes out as one write. Whoever serves the application another way loses nothing but speed.
"""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from api.http.asgi import Header, Scope
from api.http.connections.header_names import as_written
from api.http.connections.refusals import RefusingProtocol

#: Where a request's scope holds uvicorn's own state of the exchange.
_EXCHANGE: Final = "bigseg.exchange"
_START: Final = b"HTTP/1.1 200 OK\r\n"
_JSON: Final = b"content-type: application/json\r\ncontent-length: "


class WholeAnswersProtocol(RefusingProtocol):
    """Uvicorn's protocol, which lets the application write an answer by itself."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn's
        cycle.scope[_EXCHANGE] = cycle  # type: ignore[typeddict-unknown-key]  # an extension of ours
        super()._start_asgi_task(cycle, app)


def forbid_whole_answer(scope: Scope) -> None:
    """Have the request answered by ASGI's messages, for whoever has to see them."""
    scope.pop(_EXCHANGE, None)


class WholeAnswers:
    """Writes answers of status 200 and JSON; for one event loop."""

    __slots__ = ("_defaults", "_head")

    def __init__(self) -> None:
        self._defaults: list[Header] | None = None
        self._head = b""

    def write(self, scope: Scope, body: bytes, headers: tuple[Header, ...]) -> bool:
        """Write an answer, if that can be done at once.

        Args:
            scope: the request's.
            body: JSON.
            headers: beside those of every answer; names in lower case, values clean.

        Returns:
            Whether it was; else nothing was written, and ASGI's messages have to do.
        """
        cycle: RequestResponseCycle | None = scope.get(_EXCHANGE)
        # A connection that ends says so in its head, and a log of accesses wants its line.
        if cycle is None or not cycle.keep_alive or cycle.access_log or cycle.flow.write_paused:
            return False
        if cycle.disconnected:
            return True
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(self._whole(cycle.default_headers, body, headers))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _whole(self, defaults: list[Header], body: bytes, headers: tuple[Header, ...]) -> bytes:
        if defaults is not self._defaults:  # uvicorn makes another list with each second's date
            self._head = _START + _lines(defaults) + _JSON
            self._defaults = defaults
        return b"%b%d\r\n%b\r\n%b" % (self._head, len(body), _lines(headers), body)


def _lines(headers: list[Header] | tuple[Header, ...]) -> bytes:
    return b"".join([b"%b: %b\r\n" % (as_written(name), value) for name, value in headers])
