"""Look-ups' answers that are written whole look like any other answer on the wire."""

import socket
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.support.servers.api import SEGMENTS, TOKEN, Api, create_segment, include

END = b"\r\n\r\n"


@pytest.fixture(scope="module")
def path(client: httpx.Client) -> str:
    key = create_segment(client)
    include(client, key, "alice")
    return f"{SEGMENTS}/{key}/contexts/alice"


@pytest.fixture
def connection(api: Api) -> Iterator[socket.socket]:
    url = httpx.URL(api.url)
    with closing(socket.create_connection((url.host, url.port or 80), timeout=60)) as connection:
        yield connection


def _request(path: str, *lines: str, version: str = "1.1") -> bytes:
    head = (f"GET {path} HTTP/{version}", "Host: test", f"Authorization: {TOKEN}", *lines)
    return "\r\n".join(head).encode() + END


def _answer(connection: socket.socket) -> tuple[dict[bytes, bytes], bytes]:
    """Read one answer to the end of its body; give its headers by lower-case name."""
    read = b""
    while END not in read:
        read += connection.recv(4_096)
    head, _, body = read.partition(END)
    status, *lines = head.split(b"\r\n")
    assert status == b"HTTP/1.1 200 OK"
    headers = dict(line.lower().split(b": ", 1) for line in lines)
    assert len(headers) == len(lines)
    while len(body) < int(headers[b"content-length"]):
        body += connection.recv(4_096)
    return headers, body


def test_answer__written_whole__has_what_every_answer_has(
    connection: socket.socket, path: str
) -> None:
    connection.sendall(_request(path))
    headers, body = _answer(connection)

    assert body == b'{"userKey":"alice","included":true,"excluded":false}'
    assert int(headers[b"content-length"]) == len(body)
    assert headers[b"content-type"] == b"application/json"
    assert headers.keys() >= {b"date", b"x-ratelimit-reset", b"x-ratelimit-auth-token-remaining"}


def test_answers__one_after_the_other_and_sent_at_once__all_arrive(
    connection: socket.socket, path: str
) -> None:
    for _ in range(3):
        connection.sendall(_request(path, "Content-Type: application/json", "Content-Length: 4"))
        connection.sendall(b"null")
        assert b'"included":true' in _answer(connection)[1]
    connection.sendall(_request(path) + _request(path.removesuffix("alice") + "bob"))
    bodies = _answer(connection)[1]
    while bodies.count(b"}") < 2:
        bodies += connection.recv(4_096)
    assert bodies.index(b'"alice"') < bodies.index(b'"bob"')


@pytest.mark.parametrize(("lines", "version"), [(("Connection: close",), "1.1"), ((), "1.0")])
def test_answer__on_a_connection_that_ends__says_so_and_ends_it(
    connection: socket.socket, path: str, lines: tuple[str, ...], version: str
) -> None:
    connection.sendall(_request(path, *lines, version=version))
    headers, body = _answer(connection)

    assert headers[b"connection"] == b"close"
    assert b'"included":true' in body
    assert connection.recv(1) == b""
