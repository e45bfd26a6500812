"""``python -m tests.support.servers.collecting``: what requests leave for the garbage collector.

Serves the API in this process, with its own server program, protocol and settings. Reads one JSON
object from standard input: ``requests`` by name, each a whole one as text, and how many ``times``
each is sent. Prints, as JSON, how many objects in reference cycles the collector finds after those
of each name. Reference counts free everything else.
"""

import gc
import json
import socket
import sys
import threading
import time
from functools import partial
from typing import Self

from uvicorn import Config, Server

from api.http.connections.uvicorn_protocol import ApiProtocol
from api.main import create_app
from api.metrics.tally import Tally

_WARM = 10
_HEAD_END = b"\r\n\r\n"


def main() -> None:
    """Serve, send, count."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = partial(create_app, Tally.alone())
    config = Config(app, factory=True, http=ApiProtocol, ws="none", access_log=False)
    server = Server(config)
    counts: dict[str, int] = {}

    def send() -> None:
        while not server.started:
            time.sleep(0.01)
        given = json.load(sys.stdin)
        port = listening.getsockname()[1]
        for name, request in given["requests"].items():
            counts[name] = _collected(port, request.encode(), given["times"])
        server.should_exit = True

    threading.Thread(target=send, daemon=True).start()
    server.run([listening])
    json.dump(counts, sys.stdout)


def _collected(port: int, request: bytes, times: int) -> int:
    with _Client(port) as client:
        client.send(request, _WARM)
        gc.collect()
        gc.disable()
        client.send(request, times)
        # A request's last steps come after its answer.
        client.send(b"GET /healthz HTTP/1.1\r\nHost: test" + _HEAD_END, 1)
        found = gc.collect()
        gc.enable()
        return found


class _Client:
    """Sends over one connection, and over another one when that is closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = socket.create_connection(("127.0.0.1", port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def send(self, request: bytes, times: int) -> None:
        for _ in range(times):
            self._connection.sendall(request)
            if b"connection: close" in self._read_answer().lower():
                self._connection.close()
                self._connection = socket.create_connection(("127.0.0.1", self._port))

    def _read_answer(self) -> bytes:
        read = b""
        while _HEAD_END not in read:
            read += self._connection.recv(65_536)
        head, _, body = read.partition(_HEAD_END)
        lengths = [
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ]
        while len(body) < sum(lengths):
            body += self._connection.recv(65_536)
        return head


if __name__ == "__main__":
    main()
