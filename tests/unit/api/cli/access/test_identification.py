"""A token goes only over a connection whose server has proved itself first."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from api.cli.access.access import Access
from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, ExitStatus
from api.identity.proof import prove

_TOKEN = "token-of-the-directory"
_KEY = "k" * 64

#: Reads the head of a request and gives the answer, or ``None`` to close.
Answer = Callable[[str], bytes | None]


class _Server:
    """Answers on a port, and keeps all that it was sent."""

    def __init__(self, answer: Answer, port: int = 0) -> None:
        self.seen: list[str] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while head := connection.recv(65_536).decode("latin-1"):
                self.seen.append(head)
                reply = self._answer(head)
                if reply is None:
                    break
                connection.sendall(reply)
        connection.close()

    def stop(self) -> None:
        for opened in (self._listener, *self._connections):
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()


@contextmanager
def _serving(answer: Answer, port: int = 0) -> Iterator[_Server]:
    server = _Server(answer, port)
    try:
        yield server
    finally:
        server.stop()


def _json(body: object) -> bytes:
    text = json.dumps(body)
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


def _challenge(head: str) -> str:
    return parse_qs(urlsplit(head.split(" ")[1]).query)["challenge"][0]


def _bigseg(port: Callable[[], int], key: str = _KEY) -> Answer:
    """What a bigseg with this key answers on a port."""

    def answer(head: str) -> bytes:
        if head.startswith("GET /identity"):
            return _json({"proof": prove(key, _challenge(head), "127.0.0.1", port())})
        return _json({"seen": "it"})

    return answer


def _connect(port: int) -> Connection:
    access = Access(f"http://127.0.0.1:{port}", _TOKEN, "test", _KEY, Path("/d/.bigseg"))
    return Connection(access, environment={}, sleep=lambda _: None)


def test_token__server_that_knows_the_key__gets_it_on_the_proved_connection() -> None:
    with _serving(_bigseg(lambda: server.port)) as server, _connect(server.port) as connection:
        assert connection.get("/a") == {"seen": "it"}
        assert connection.get("/b") == {"seen": "it"}

    first, *others = server.seen
    assert first.startswith("GET /identity?challenge=")
    assert _TOKEN not in first
    assert [_TOKEN in head for head in others] == [True, True]


_OTHERS: dict[str, Callable[[], Answer]] = {
    "another key": lambda: _bigseg(lambda: 0, "x" * 64),
    "the proof of another port": lambda: _bigseg(lambda: 1),
    "a web page": lambda: lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    "any JSON": lambda: lambda _: _json([]),
    "a proof that is no text": lambda: lambda _: _json({"proof": 1}),
    "no such path": lambda: lambda _: b"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n",
    "a long answer": lambda: lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000,
    "not HTTP": lambda: lambda _: b"SSH-2.0-OpenSSH_9\r\n",
    "nothing": lambda: lambda _: None,
}


@pytest.mark.parametrize("other", _OTHERS)
def test_token__another_server_on_the_port__is_not_sent(other: str) -> None:
    with (
        _serving(_OTHERS[other]()) as server,
        _connect(server.port) as connection,
        pytest.raises(CommandError) as caught,
    ):
        connection.get("/a")

    assert caught.value.exit_status is ExitStatus.UNREACHABLE
    said = f"http://127.0.0.1:{server.port} is not the bigseg of /d/.bigseg (something else"
    assert str(caught.value).startswith(said)
    assert _TOKEN not in "".join(server.seen)
    assert all(head.startswith("GET /identity") for head in server.seen)


def test_token__server_replaced_after_its_proof__is_not_sent() -> None:
    found: list[_Server] = []

    def prove_once(head: str) -> bytes | None:
        if not head.startswith("GET /identity"):
            return None  # it dies before it reads on
        server = found[0]
        reply = _json({"proof": prove(_KEY, _challenge(head), "127.0.0.1", server.port)})
        server._listener.shutdown(socket.SHUT_RDWR)
        server._listener.close()
        return reply

    with _serving(prove_once) as server:
        found.append(server)
        with _connect(server.port) as connection:
            with pytest.raises(CommandError):
                connection.get("/a")
            with (
                _serving(lambda _: _json({"items": []}), server.port) as impostor,
                pytest.raises(CommandError) as caught,
            ):
                connection.get("/b")
    assert "is not the bigseg of" in str(caught.value)
    assert impostor.seen
    assert _TOKEN not in "".join(impostor.seen)


def test_token__proof_passed_on_from_the_real_server__is_of_no_use() -> None:
    with _serving(_bigseg(lambda: real.port)) as real:

        def pass_on(head: str) -> bytes:
            with socket.create_connection(("127.0.0.1", real.port)) as there:
                there.sendall(head.encode())
                return there.recv(65_536)

        with (
            _serving(pass_on) as between,
            _connect(between.port) as connection,
            pytest.raises(CommandError, match="is not the bigseg of"),
        ):
            connection.get("/a")

    assert _TOKEN not in "".join(real.seen + between.seen)


def test_token__proxy_in_the_environment__is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with _serving(_bigseg(lambda: server.port)) as server, _connect(server.port) as connection:
        assert connection.get("/a") == {"seen": "it"}
