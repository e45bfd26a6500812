"""Refusals of what never becomes a request: bytes that are not HTTP, and unknown methods."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from api.errors import ApiError, InvalidRequest, MethodNotAllowed, new_id
from api.http.asgi import Header, spell
from api.http.dialects import Dialect, Dialects
from api.http.refusals import error_headers

#: A whole first line with a method that could be one; a parser knows only those it has.
_REQUEST_LINE: Final = re.compile(rb"\s*[A-Za-z-]{1,32} [!-~]{1,8192} HTTP/1\.[01]\r?\n")
#: What some resource takes: the parser refuses a method before the path is known.
_ALLOW: Final[Header] = (b"allow", b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
#: The target of what looks like a first line, for the dialect of its refusal.
_TARGET: Final = re.compile(rb"\s*[A-Za-z-]{1,32} ([!-~]{1,8192})")
#: A request with one of these is refused for another reason.
_KNOWN: Final = frozenset(
    {b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"TRACE", b"CONNECT"}
)


def refuse_unparsed(
    received: bytes, target: bytes, headers: list[Header], dialects: Dialects
) -> bytes:
    """Make the answer to bytes that no parser could read as a request.

    Args:
        received: the last of them.
        target: what the parser has read of the request's target.
        headers: of every answer.
        dialects: of which one words it.
    """
    line = _TARGET.match(received)
    dialect = dialects.of_path(target or (line[1] if line else b""))
    if _REQUEST_LINE.match(received) and received.split(maxsplit=1)[0] not in _KNOWN:
        error = MethodNotAllowed("method not allowed: there is no method of this name")
        return render_refusal(error, [*headers, _ALLOW], dialect)
    message = "not an HTTP/1.1 request; send one, over TLS if the port expects it"
    return render_refusal(InvalidRequest(message), headers, dialect)


def render_refusal(error: ApiError, headers: list[Header], dialect: Dialect) -> bytes:
    """Make a whole answer, head and body, that ends its connection."""
    body = dialect.render_error(error, new_id())
    lines = [
        *headers,
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        *error_headers(error),
    ]
    status = HTTPStatus(error.status)
    start = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    return start + render_headers(lines) + b"\r\n" + body


def render_headers(headers: Iterable[Header]) -> bytes:
    """Make the lines of a head."""
    return b"".join([b"%b: %b\r\n" % (spell(name), value) for name, value in headers])
