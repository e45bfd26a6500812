"""A gate in front of an S3 server: parts of uploads pass when a test lets them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.support.servers.plain_http import NO_ROOTS

_LIMIT_S = 60.0


@dataclass(slots=True)
class Gate:
    """Forwards requests, and holds some parts back.

    Attributes:
        upstream: the server behind it.
        held: numbers of parts that wait.
        passed: numbers of parts that were forwarded, in order.
        refusing: answers to parts that are given in place of the server's, one each.
        round: how often the held ones were changed.
    """

    upstream: str
    held: frozenset[int] = frozenset()
    passed: list[int] = field(default_factory=list)
    refusing: list[tuple[int, bytes]] = field(default_factory=list)
    round: int = 0
    opened: threading.Condition = field(default_factory=threading.Condition)
    url: str = ""

    def hold(self, *numbers: int) -> None:
        """Hold these parts from now on; those that were held until now are lost."""
        with self.opened:
            self.held = frozenset(numbers)
            self.round += 1
            self.opened.notify_all()

    def admit(self, number: int) -> bool:
        """Wait while a part is held; whether it may pass."""
        with self.opened:
            if number not in self.held:
                return True
            began = self.round
            self.opened.wait_for(lambda: self.round > began, _LIMIT_S)
            return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients that are killed, or end early, are part of the game."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.gate = gate


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        gate = cast("_Server", self.server).gate
        number = int(parse_qs(urlsplit(self.path).query)["partNumber"][0])
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if not gate.admit(number):
            self.close_connection = True
            return
        if gate.refusing:
            self._answer(*gate.refusing.pop())
            return
        headers = {"Content-MD5": self.headers["Content-MD5"]}
        url = f"{gate.upstream}{self.path}"
        reply = httpx.put(url, content=content, headers=headers, verify=NO_ROOTS, timeout=30)
        gate.passed.append(number)
        self._answer(reply.status_code, reply.content)

    def do_HEAD(self) -> None:
        self._answer(403, b"")

    def log_message(self, *_: object) -> None:
        """Write no line for each request."""

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running_gate(upstream: str) -> Iterator[Gate]:
    """Run a gate that lets everything pass at first."""
    gate = Gate(upstream)
    with _Server(gate) as server:
        gate.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield gate
        finally:
            gate.hold()
            server.shutdown()
            thread.join()
