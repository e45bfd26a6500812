"""Refusals of what never becomes a request: bytes that are no HTTP, methods nobody knows.

Uvicorn answers these itself, before any application, as plain text. With the protocol of
this module, on which the one of ``whole_answers`` is built, they have the body that every
refusal has. It leans on two methods of uvicorn's protocol: ``data_received``, which hands
what its parser refuses to ``send_400_response``. A test asks over a socket, and so fails when
a release of uvicorn does it another way; until then callers get the right status anyway.
"""

import re
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.errors import ApiError, InvalidRequest, MethodNotAllowed
from api.header_names import as_written
from api.launchdarkly.errors import error_body
from api.services import new_id

#: A whole first line with a method that could be one; a parser knows only those it has.
_REQUEST_LINE: Final = re.compile(rb"\s*[A-Za-z-]{1,32} [!-~]{1,8192} HTTP/1\.[01]\r?\n")
#: What some resource takes: the parser refuses a method before the path is known.
_ALLOW: Final = b"allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST\r\n"


class RefusingProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with the refusals of this service; every one ends the connection."""

    _received = b""

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        self._received = data
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser could not take; uvicorn's words for it are left out."""
        del msg
        error = _refusal(self._received)
        body = error_body(error, new_id())
        defaults = b"".join(
            b"%b: %b\r\n" % (as_written(name), value)
            for name, value in self.server_state.default_headers
        )
        head = (
            STATUS_LINE[error.status] + defaults + (_ALLOW if error.status == _NOT_ALLOWED else b"")
        )
        self.transport.write(
            b"%bcontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (head, len(body), body)
        )
        self.transport.close()


_NOT_ALLOWED: Final = MethodNotAllowed.status


def _refusal(received: bytes) -> ApiError:
    if _REQUEST_LINE.match(received):
        method = received.split(maxsplit=1)[0]
        if method not in _KNOWN:
            return MethodNotAllowed("method not allowed: the server knows none of this name")
    return InvalidRequest("this is no HTTP/1.1 request; send one, and HTTPS where the port has it")


#: A request with one of these is refused for something else.
_KNOWN: Final = frozenset(
    {b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"TRACE", b"CONNECT"}
)
