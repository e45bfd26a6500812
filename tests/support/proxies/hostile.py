"""A proxy that forwards to an S3 server and spoils chosen replies: cuts, resets, stalls, lies."""

import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from tests.support.proxies.serving import serving

_RECEIVE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the next reply to a request with this method."""

    method: str = "GET"
    path_part: str = ""
    body_bytes: int | None = None
    """Body bytes that still come through before the ending; all when unset."""
    ending: Literal["close", "reset", "stall"] = "close"
    status: int | None = None
    """Answered instead of asking the server."""
    code: str | None = None
    """S3's word for the error in that answer; no word when unset."""
    body: str | None = None
    """That answer's body, in place of one that has only the code."""
    headers: tuple[str, ...] = ()
    """More lines of that answer's head."""
    etag: bytes | None = None
    """Put in place of the real one."""
    ignore_range: bool = False
    drop_reply: bool = False
    """The server does what was asked, and nobody hears of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    raw_head: bytes
    body: bytes

    @property
    def first_byte(self) -> int:
        """Where the asked range begins."""
        return int(self.headers["range"].removeprefix("bytes=").split("-")[0])


@dataclass(slots=True)
class HostileProxy:
    """Listens on ``port``; a new connection for each request."""

    upstream_port: int
    listener: socket.socket
    faults: deque[Fault] = field(default_factory=deque)
    """Each for one reply, in order."""
    rule: Callable[[Request], Fault | None] = lambda _: None
    """For every reply that no fault is for."""
    requests: list[Request] = field(default_factory=list)
    before_reply: Callable[[Request], None] = lambda _: None
    ending: threading.Event = field(default_factory=threading.Event)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def of_method(self, method: str) -> list[Request]:
        """The requests so far with this method."""
        return [request for request in self.requests if request.line.startswith(f"{method} ")]

    def serve(self) -> None:
        """Accept until the listener is closed."""
        while not self.ending.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        # A client that leaves early is part of the game.
        with client, suppress(ConnectionError):
            request = _received(client)
            if request is None:
                return
            self.requests.append(request)
            fault = self._fault_for(request)
            if fault.status is not None:
                body = f"<Error><Code>{fault.code}</Code></Error>" if fault.code else ""
                body = fault.body or body
                length = f"Content-Length: {len(body)}"
                body = "" if request.line.startswith("HEAD ") else body
                head = [f"HTTP/1.1 {fault.status} X", length, *fault.headers]
                client.sendall("\r\n".join([*head, "Connection: close", "", body]).encode())
                return
            reply = self._asked(request, fault)
            self.before_reply(request)
            if not fault.drop_reply:
                self._spoil(client, reply, fault)

    def _fault_for(self, request: Request) -> Fault:
        if self.faults:
            fault = self.faults[0]
            if request.line.startswith(f"{fault.method} ") and fault.path_part in request.line:
                return self.faults.popleft()
        return self.rule(request) or Fault()

    def _asked(self, request: Request, fault: Fault) -> bytes:
        head = re.sub(rb"(?i)\r\n(expect|connection): [^\r]*", b"", request.raw_head)
        if fault.ignore_range:
            head = re.sub(rb"(?i)\r\nrange: [^\r]*", b"", head)
        with socket.create_connection(("127.0.0.1", self.upstream_port)) as upstream:
            upstream.sendall(head + b"\r\nConnection: close\r\n\r\n" + request.body)
            return b"".join(iter(lambda: upstream.recv(_RECEIVE_BYTES), b""))

    def _spoil(self, client: socket.socket, reply: bytes, fault: Fault) -> None:
        head, _, body = reply.partition(b"\r\n\r\n")
        if fault.etag is not None:
            head = re.sub(rb"(?i)\r\netag: [^\r]*", b"\r\nETag: " + fault.etag, head)
        client.sendall(head + b"\r\n\r\n")
        client.sendall(body if fault.body_bytes is None else body[: fault.body_bytes])
        if fault.body_bytes is None:
            return
        if fault.ending == "reset":
            # Closing now sends RST, which may overtake what was just sent.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault.ending == "stall":
            # Until the client has had enough, or the test ends.
            client.settimeout(10)
            with suppress(TimeoutError):
                client.recv(1)


def _received(client: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(_RECEIVE_BYTES)
        if not more:
            return None
        data += more
    raw_head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = raw_head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (f.partition(": ") for f in fields)}
    if "expect" in headers:
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    pieces, missing = [body], int(headers.get("content-length", "0")) - len(body)
    while missing > 0:
        pieces.append(client.recv(_RECEIVE_BYTES))
        missing -= len(pieces[-1])
    return Request(line, headers, raw_head, b"".join(pieces))


@contextmanager
def running_hostile_proxy(upstream_port: int) -> Iterator[HostileProxy]:
    """Run a proxy in front of a local server; without faults it only forwards."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        serving(HostileProxy(upstream_port, listener)) as proxy,
    ):
        yield proxy
