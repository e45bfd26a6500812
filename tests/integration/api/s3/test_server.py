"""The S3 stand-in over its own HTTP: framed bodies, cut bodies, foreign pages, kills."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.servers.objects import ObjectServer, running_stand_in
from tests.support.servers.plain_http import NO_ROOTS
from tests.support.servers.redis import wait_until

_FRAMED = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
_FRAMES = (
    b"5\r\n01234\r\n5;chunk-signature=ab\r\n56789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
)
_FOREIGN = "http://example.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def server(folder: Path) -> Iterator[ObjectServer]:
    with running_stand_in(folder) as server:
        assert httpx.put(f"{server.endpoint}/lists", verify=NO_ROOTS).status_code == 200
        yield server
        server.process.kill()  # a stop takes half a second


@pytest.fixture
def http(server: ObjectServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.endpoint}/lists", verify=NO_ROOTS) as client:
        yield client


def _pieces(folder: Path) -> set[str]:
    return {path.name for path in (folder / "pieces").iterdir()}


def _halves(content: bytes) -> Iterator[bytes]:
    yield content[:7]
    yield content[7:]


def test_body__in_chunks_or_s3s_frames_or_both__is_its_content(http: httpx.Client) -> None:
    # The second request on a connection is found only if the first one was read to its end.
    for body in (_FRAMES, _halves(_FRAMES)):
        reply = http.put("k", content=body, headers={**_FRAMED, "Content-Encoding": "aws-chunked"})
        assert reply.status_code == 200
        found = http.get("k")
        assert found.content == b"0123456789"
        assert "content-encoding" not in found.headers
    assert http.put("k", content=_halves(b"0123456789")).status_code == 200
    assert http.get("k").content == b"0123456789"


def test_body__cut__leaves_the_old_object_and_no_piece(
    server: ObjectServer, http: httpx.Client, folder: Path
) -> None:
    http.put("k", content=b"old")
    before = _pieces(folder)
    head = f"PUT /lists/k HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + b"new")
        wait_until(lambda: len(_pieces(folder)) == 2, "the new piece has begun")
    wait_until(lambda: _pieces(folder) == before, "it is gone")
    assert http.get("k").content == b"old"


@pytest.mark.parametrize("body", [b"not hex\r\n", b"5\r\n01"])
def test_body__frames_damaged__leaves_no_piece(
    http: httpx.Client, folder: Path, body: bytes
) -> None:
    try:
        reply = http.put("k", content=body, headers=_FRAMED)
    except httpx.RemoteProtocolError:
        pass  # the body ended early, as if its sender had gone
    else:
        assert reply.status_code == 400
    assert _pieces(folder) == set()


def test_refusal__before_the_body_was_read__leaves_the_connection_usable(
    http: httpx.Client,
) -> None:
    reply = http.put("k?acl", content=b"x" * 1_000_000)
    assert (reply.status_code, "<Code>NotImplemented<" in reply.text) == (501, True)
    assert http.put("k", content=b"x").status_code == 200


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"Host": "example.com"}),
        ("PUT", {"Origin": _FOREIGN}),
        ("OPTIONS", {"Origin": _FOREIGN, "Access-Control-Request-Method": "PUT"}),
    ],
)
def test_page__from_elsewhere__is_refused(
    http: httpx.Client, method: str, headers: dict[str, str]
) -> None:
    reply = http.request(method, "k", headers=headers)
    assert reply.status_code == 403
    assert http.get("k").status_code == 404


def test_page__of_this_machine__may_use_presigned_addresses(http: httpx.Client) -> None:
    origin = {"Origin": "http://localhost:3000"}
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-amz-a"}
    reply = http.options("k", headers=origin | asked)
    assert reply.status_code == 204
    assert reply.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert reply.headers["Access-Control-Allow-Headers"] == "x-amz-a"
    assert "PUT" in reply.headers["Access-Control-Allow-Methods"]


def test_bucket__in_the_host_name__is_found(server: ObjectServer, http: httpx.Client) -> None:
    http.put("k", content=b"x")
    host = {"Host": f"lists.localhost:{server.port}"}
    assert httpx.get(f"{server.endpoint}/k", headers=host).content == b"x"


@pytest.mark.parametrize("path", ["/%2e%2e/k", "/.hidden/k", "/a/k", "/a%2fb/k", "/lists/%ff"])
def test_name__that_no_bucket_or_key_has__is_refused(server: ObjectServer, path: str) -> None:
    for method in ("PUT", "GET"):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            host = "Host: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(f"{method} {path} HTTP/1.1\r\n{host}".encode())
            with connection.makefile("rb") as reply:
                assert b" 400 " in reply.readline()


def test_large_object__replaced_while_it_is_read__is_read_to_its_end(
    http: httpx.Client, folder: Path
) -> None:
    old = bytes(20_000_000)  # more than the buffers between the two hold
    http.put("k", content=old)
    with http.stream("GET", "k") as reply:
        parts = reply.iter_raw()
        read = len(next(parts))
        assert httpx.put(reply.url, content=b"new").status_code == 200
        read += sum(map(len, parts))
    assert read == len(old)
    assert http.get("k").content == b"new"
    wait_until(lambda: len(_pieces(folder)) == 1, "the old piece is gone")


def test_object__whose_piece_was_deleted_by_hand__is_told_and_not_looked_for_for_ever(
    http: httpx.Client, folder: Path
) -> None:
    http.put("k", content=b"old")
    (piece,) = (folder / "pieces").iterdir()
    piece.unlink()
    for reply in (http.get("k"), http.put("copy", headers={"x-amz-copy-source": "lists/k"})):
        assert reply.status_code == 500
        assert "pieces of lists/k are lost" in reply.text
    assert http.put("k", content=b"new").status_code == 200
    assert http.get("k").content == b"new"


def test_kill__between_requests__loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    with running_stand_in(folder) as server:
        httpx.put(f"{server.endpoint}/lists")
        httpx.put(f"{server.endpoint}/lists/k", content=b"x" * 1000)
        started = httpx.post(f"{server.endpoint}/lists/later?uploads").text
        server.process.kill()
        server.process.wait()
    (folder / "pieces" / "stray").write_bytes(b"of a request that was cut by the kill")
    with running_stand_in(folder) as server:
        assert httpx.get(f"{server.endpoint}/lists/k").content == b"x" * 1000
        upload = re.findall("<UploadId>(.*)</UploadId>", started)
        assert upload == re.findall(
            "<UploadId>(.*)</UploadId>", httpx.get(f"{server.endpoint}/lists?uploads").text
        )
        assert len(_pieces(folder)) == 1


def test_power_cut__that_took_a_piece__is_said_and_the_object_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    with running_stand_in(folder) as server:
        httpx.put(f"{server.endpoint}/lists")
        for key in ("whole", "short"):
            httpx.put(f"{server.endpoint}/lists/{key}", content=key.encode())
    (short,) = (path for path in (folder / "pieces").iterdir() if path.read_bytes() == b"short")
    short.write_bytes(b"")
    with running_stand_in(folder) as server:
        assert httpx.get(f"{server.endpoint}/lists/short").status_code == 404
        assert httpx.get(f"{server.endpoint}/lists/whole").content == b"whole"
        (line,) = map(json.loads, server.log.read_text().splitlines())
        assert (line["event"], line["object"]) == ("object.lost", "lists/short")
    assert len(_pieces(folder)) == 1


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1\r\n\r\n<script>", "a\x00b", "\u20ac"])
def test_header_in_a_link__that_no_header_can_have__is_refused(
    http: httpx.Client, value: str
) -> None:
    http.put("/k", content=b"x")

    reply = http.get("/k", params={"response-content-type": value})

    assert reply.status_code == 400
    assert "<Code>InvalidArgument</Code>" in reply.text
    assert "x-evil" not in reply.headers


@pytest.mark.parametrize("name", ["Host", "Origin"])
def test_name_of_a_host__that_cannot_be_read__is_refused(http: httpx.Client, name: str) -> None:
    assert http.get("/k", headers={name: "http://["}).status_code == 403


def test_length__of_more_digits_than_any__is_refused(server: ObjectServer) -> None:
    url = httpx.URL(server.endpoint)
    with socket.create_connection((url.host, url.port or 0), timeout=60) as connection:
        head = f"PUT /lists/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: {'9' * 5000}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 411")


def test_start__on_a_port_that_is_taken__is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "api.s3", "--port", str(port), "--folder", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.returncode == 1
    assert done.stderr == f"cannot serve {tmp_path} on port {port}: Address already in use\n"
