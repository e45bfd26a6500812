"""The stand-in's HTTP: a thread a connection, kept open, and files sent by the system."""

import time
import traceback
from collections.abc import Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, cast
from urllib.parse import urlsplit

from api.s3.bodies import drain, open_body, open_transfer
from api.s3.documents import refusal_answer
from api.s3.errors import BodyCutError, S3Refusal
from api.s3.operations import answer
from api.s3.requests import Answer, Request, parse_target
from api.s3.stand_in import StandIn

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
#: What a page of this machine needs to use presigned URLs.
_PAGE_HEADERS: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE",
    "Access-Control-Expose-Headers": "ETag, Content-Range",
    "Access-Control-Max-Age": "3600",
}


class ObjectServer(ThreadingHTTPServer):
    """Serves a stand-in on the loopback; the system chooses the port if it is 0."""

    daemon_threads = True
    # A burst of workers must not be refused.
    request_queue_size = 128

    def __init__(self, stand_in: StandIn, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.stand_in = stand_in


class _Connection(BaseHTTPRequestHandler):
    """One connection; requests on it are answered one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    #: Seconds without a byte, between requests or within one.
    timeout = 60
    # Answers say no more of the server than S3's do.
    server_version = "bigseg"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a request of any method."""
        try:
            self._answer()
        except (BodyCutError, ConnectionError, TimeoutError):
            self.close_connection = True  # the client went away

    do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  # same

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Write no line for each request."""

    @property
    def _stand_in(self) -> StandIn:
        return cast("ObjectServer", self.server).stand_in

    def _answer(self) -> None:
        headers = _NamedHeaders(self.headers)
        try:
            transfer = open_transfer(headers, self.rfile)
        except S3Refusal as refusal:
            self.close_connection = True
            return self._send(refusal_answer(refusal))
        try:
            _require_local(headers)
            if self.command == "OPTIONS":
                reply = Answer(204)
            else:
                bucket, key, query = parse_target(self.path, headers.get("host"))
                body = open_body(headers, transfer)
                request = Request(self.command, bucket, key, query, headers, body, time.time())
                reply = answer(self._stand_in, request)
        except S3Refusal as refusal:
            reply = refusal_answer(refusal)
        except (BodyCutError, ConnectionError):
            raise
        except Exception:  # noqa: BLE001  # the client is told, the log has the reason
            traceback.print_exc()
            reply = refusal_answer(S3Refusal(500, "InternalError", "see the stand-in's log"))
        try:
            drain(transfer)
            self._send(reply)
        finally:
            self._stand_in.blobs.release(reply.slices)
        return None

    def _send(self, reply: Answer) -> None:
        self.send_response(reply.status)
        for name, value in {**self._page_headers(), **reply.headers}.items():
            self.send_header(name, value)
        if reply.status != 204:  # noqa: PLR2004  # has no body, not even an empty one
            self.send_header("Content-Length", str(reply.length_bytes))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        if reply.content:
            self.wfile.write(reply.content)
        for part in reply.slices:
            with part.path.open("rb", buffering=0) as file:
                sent = self.connection.sendfile(file, part.offset, part.size_bytes)
                if sent != part.size_bytes:
                    raise ConnectionAbortedError(f"{part.path.name} is short")

    def _page_headers(self) -> Mapping[str, str]:
        origin = self.headers.get("Origin")
        if origin is None:
            return {}
        asked = self.headers.get("Access-Control-Request-Headers", "*")
        allowed = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Headers": asked}
        return {**_PAGE_HEADERS, **allowed, "Vary": "Origin"}


class _NamedHeaders:
    """A message's headers, each of them once, as text."""

    def __init__(self, message: Message) -> None:
        self._message = message

    def get(self, name: str, default: str = "", /) -> str:
        return cast("str", self._message.get(name, default))

    def items(self) -> list[tuple[str, str]]:
        return self._message.items()


def _require_local(headers: _NamedHeaders) -> None:
    """Refuse what a web page from elsewhere sends, by itself or under a borrowed name.

    Raises:
        S3Refusal: the page or the name is not of this machine.
    """
    origin, host = headers.get("origin"), headers.get("host")
    if origin and _hostname(origin) not in _LOOPBACK:
        raise S3Refusal(403, "AccessDenied", f"pages of {origin[:80]} may not use the stand-in")
    name = _hostname(f"//{host}")
    if name not in _LOOPBACK and not name.endswith(".localhost"):
        raise S3Refusal(403, "AccessDenied", f"{name[:80]!r} is not a name of the stand-in")


def _hostname(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # a bracket without the other one
        return ""
