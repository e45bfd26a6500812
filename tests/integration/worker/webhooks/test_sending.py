"""One delivery over a real connection: bounded in time, never to an address unchecked."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import pytest
import trustme

from tests.support.servers.receivers import Receiver, running_receiver
from worker.receiver_addresses import AllowedReceivers
from worker.webhooks.sending import Sender

LOCAL: Final = AllowedReceivers.parse(["127.0.0.1"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@contextmanager
def _serving(*pieces: bytes, pause_s: float = 0.0) -> Iterator[int]:
    """Answer one connection with pieces of bytes, whatever it asks; give the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                for piece in pieces:
                    connection.sendall(piece)
                    if over.wait(pause_s):
                        return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.close()
        thread.join(30)


@pytest.mark.parametrize(
    ("pieces", "pause_s", "fault"),
    [
        ((b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 100), 0.05, "no answer within 0.5 s"),
        ((), 0.0, "the connection ended before an answer"),
        ((b"SSH-2.0-OpenSSH_9.6\r\n",), 0.0, "not HTTP"),
        ((b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000,), 0.0, "not HTTP"),
        ((b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n",), 0.0, "answered 302"),
    ],
    ids=["trickling", "silent", "another_protocol", "endless_header", "redirect"],
)
def test_send__receiver_that_does_not_take_it__says_why_in_time(
    pieces: tuple[bytes, ...], pause_s: float, fault: str
) -> None:
    limit_s = 0.5 if pause_s else 30
    with _serving(*pieces, pause_s=pause_s) as port:
        answer = Sender(LOCAL, limit_s).send(f"http://127.0.0.1:{port}/", {}, "{}")
    assert answer.fault is not None
    assert any(part in answer.fault for part in fault.split("|")), answer.fault


@pytest.mark.parametrize(
    ("asked", "rest_s"),
    [
        (b"7", 7),
        (b"9" * 400, 3_600),
        (b"Wed, 01 Jul 2026 12:00:30 GMT", 30),
        (b"Fri, 31 Dec 9999 23:59:59 GMT", 3_600),
        (b"Wed, 01 Jul 2026 11:00:00 GMT", 0),
        (b"-5", 0),
        (b"soon \xf6", 0),
    ],
    ids=["seconds", "huge", "date", "far", "past", "negative", "nonsense"],
)
def test_send__receiver_asks_to_be_left_alone__says_for_how_long(asked: bytes, rest_s: int) -> None:
    head = b"HTTP/1.1 503 x\r\nDate: Wed, 01 Jul 2026 12:00:00 GMT\r\nRetry-After: " + asked
    with _serving(head + b"\r\nContent-Length: 0\r\n\r\n") as port:
        answer = Sender(LOCAL, 5).send(f"http://127.0.0.1:{port}/", {}, "{}")
    assert (answer.status, answer.rest_s) == (503, rest_s)


def test_send__path_with_parameters_and_an_ipv6_address__arrives_as_it_was_given() -> None:
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    got: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while not b"".join(got).endswith(b"{}"):
                got.append(connection.recv(65_536))
            connection.sendall(b"HTTP/1.1 429 Slow\r\nRetry-After: 7200\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    url = f"http://[::1]:{port}/a;v=1/b;w=2?x=1;y&z=%20"
    answer = Sender(AllowedReceivers.parse(["::1"]), 30).send(url, {}, "{}")
    thread.join(30)
    listener.close()
    head = b"".join(got)
    assert head.startswith(b"POST /a;v=1/b;w=2?x=1;y&z=%20 HTTP/1.1\r\n")
    assert f"host: [::1]:{port}\r\n".encode() in head.lower()
    assert (answer.status, answer.rest_s) == (429, 3_600)


def test_send__endless_body__is_not_read() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"
    with _serving(head, *[b"x" * 1_000] * 100, pause_s=0.02) as port:
        assert Sender(LOCAL, 5).send(f"http://127.0.0.1:{port}/", {}, "{}").fault is None


def test_send__name_that_leads_inside_only_the_second_time__is_never_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: what is connected to is what was checked, so there is no second time."""
    asked: list[str] = []

    def rebind(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "93.184.215.14"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    url = f"https://rebound.example:{receiver.port}/hook"
    answer = Sender(AllowedReceivers(), 0.5).send(url, {}, "{}")
    assert answer.fault is not None
    assert "leads to this machine" in answer.fault
    assert asked == ["rebound.example"]
    assert receiver.received == []


def test_send__over_tls__proves_the_name_and_not_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.internal").configure_cert(server)
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with suppress(OSError), server.wrap_socket(connection, server_side=True) as secure:
                request = b""
                while not request.endswith(b"{}"):  # the body comes by itself
                    request += secure.recv(65_536)
                requests.append(request)
                secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    requests: list[bytes] = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listener.getsockname()[1]

    def resolve(_host: str, port: int, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    sender = Sender(LOCAL, 30)
    authority.configure_trust(sender._context)
    url = f"https://hooks.internal:{port}/hook"
    assert sender.send(url, {}, "{}").status == 204
    assert f"host: hooks.internal:{port}".encode() in requests[0].lower()
    other = sender.send(f"https://other.internal:{port}/hook", {}, "{}")
    assert other.fault is not None
    assert other.fault.startswith("its certificate is not valid")
    assert names == ["hooks.internal", "other.internal"]
    thread.join(30)
    listener.close()
