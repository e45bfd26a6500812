"""Refusals of what never becomes a request: bytes that are not HTTP, and unknown methods.

Uvicorn answers these itself, before any application, as plain text. With the protocol of
this module, on which the one of ``whole_answers`` is built, they have the body that every
refusal has. It leans on uvicorn's protocol: ``data_received`` hands what the parser refuses to
``send_400_response``, and ``cycle`` is the latest request. Tests ask over a socket, and so fail
when a release of uvicorn works differently.
"""

import re
from typing import Final

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api.errors import ApiError, InvalidRequest, MethodNotAllowed
from api.http.asgi import Header
from api.http.connections.header_names import as_written
from api.http.refusals import error_body, error_headers
from api.services.services import new_id

#: A whole first line with a method that could be one; a parser knows only those it has.
_REQUEST_LINE: Final = re.compile(rb"\s*[A-Za-z-]{1,32} [!-~]{1,8192} HTTP/1\.[01]\r?\n")
#: What some resource takes: the parser refuses a method before the path is known.
_ALLOW: Final[Header] = (b"allow", b"DELETE, GET, HEAD, OPTIONS, PATCH, POST")
#: A request with one of these is refused for something else.
_KNOWN: Final = frozenset(
    {b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"TRACE", b"CONNECT"}
)


class RefusingProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with the refusals of this service; every one ends the connection."""

    _received = b""

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        self._received = data
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser could not read; uvicorn's message is left out.

        A complete request before it keeps its answer: told 400, its sender would believe that
        what was done had been refused.
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
        error = _fault_of(self._received)
        allow = (_ALLOW,) if isinstance(error, MethodNotAllowed) else ()
        self.transport.write(refusal(error, [*self.server_state.default_headers, *allow]))
        self.transport.close()


def refusal(error: ApiError, headers: list[Header]) -> bytes:
    """A whole answer, head and body, that ends its connection."""
    body = error_body(error, new_id())
    lines = [
        *headers,
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        *error_headers(error),
    ]
    head = b"".join([b"%b: %b\r\n" % (as_written(name), value) for name, value in lines])
    return STATUS_LINE[error.status] + head + b"\r\n" + body


def _fault_of(received: bytes) -> ApiError:
    if _REQUEST_LINE.match(received):
        method = received.split(maxsplit=1)[0]
        if method not in _KNOWN:
            return MethodNotAllowed("method not allowed: there is no method of this name")
    return InvalidRequest("not an HTTP/1.1 request; send one, over TLS if the port expects it")
