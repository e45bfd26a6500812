"""Raw connections to an API process, for what no HTTP client would send."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.servers.api import Api

_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    def assert_refused(self, status: int, code: str) -> str:
        """Hold a refusal against the documented shape; give its message."""
        assert self.status == status, self.body
        assert self.headers["content-type"] == "application/json"
        body: dict[str, Any] = json.loads(self.body)
        assert set(body) == {"code", "message", "id"}
        assert body["code"] == code
        return str(body["message"])


@contextmanager
def connected(api: Api) -> Iterator[socket.socket]:
    """Give a connection on which every wait ends in time."""
    url = httpx.URL(api.url)
    with closing(socket.create_connection((url.host, url.port or 80), _LIMIT_S)) as connection:
        yield connection


def head(method: str, path: str, *lines: str) -> bytes:
    """The head of a request."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: test", *lines, "", "")).encode()


def send_all(connection: socket.socket, data: bytes) -> None:
    """Send, also what the server no longer wants."""
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(data)


def read_answer(connection: socket.socket) -> Answer:
    """Read one answer with a length, and nothing of what follows it."""
    top = b""
    while not top.endswith(b"\r\n\r\n"):
        top += _more(connection, 1)
    status, *lines = top[:-4].decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body, length = b"", int(headers["content-length"])
    while len(body) < length:
        body += _more(connection, length - len(body))
    return Answer(int(status.split()[1]), headers, body)


def has_ended(connection: socket.socket) -> bool:
    """Wait for the server to end the connection."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def _more(connection: socket.socket, most: int) -> bytes:
    more = connection.recv(most)
    assert more, "the connection ended within an answer"
    return more
