"""Receivers of webhooks, as tests run them: they keep what they get, and answer as told."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    headers: dict[str, str]
    body: str

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed_by(self, secret: str) -> bool:
        """Verify as the specification says, independently of what signed."""
        key = base64.b64decode(secret.split("_", 1)[1])
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.{self.body}"
        digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
        given = self.headers["webhook-signature"].split(" ")
        return any(
            hmac.compare_digest(f"v1,{base64.b64encode(digest).decode()}", one) for one in given
        )


@dataclass
class Receiver:
    """A server on 127.0.0.1."""

    port: int
    received: list[Received] = field(default_factory=list)
    answer: Callable[[int], int] = lambda _: 200
    """The status for the request of this number, from 0; it may wait."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run a receiver that answers 200 until it is told otherwise."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            got = Received(
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length).decode(),
            )
            with lock:
                number = len(receiver.received)
                receiver.received.append(got)
            status = receiver.answer(number)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", receiver.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
