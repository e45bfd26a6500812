"""What a connection may take: bytes of a head, seconds, a body's pace, and a place."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from api.http.connections.uvicorn_protocol import MOST_HEAD_BYTES, MOST_UNSENT_BYTES
from tests.support.servers.api import SEGMENTS, TOKEN, Api, create_segment, running_api
from tests.support.servers.objects import ObjectServer
from tests.support.servers.redis import Server, wait_until
from tests.support.servers.wire import connected, has_ended, head, read_answer, send_all
from worker.objects import ObjectStore

MOST = 6
PLACES = [("GET", "/healthz"), ("GET", f"{SEGMENTS}/s/contexts/a"), ("POST", SEGMENTS)]


@pytest.fixture(scope="module")
def bounded(
    valkey_server: Server, s3_stand_in: ObjectServer, objects: ObjectStore
) -> Iterator[Api]:
    """An API process with times short enough for tests, and a few connections."""
    settings = {
        "S3_ENDPOINT": s3_stand_in.endpoint,
        "S3_BUCKET": objects.bucket,
        "CONNECTIONS": str(MOST),
        "HEAD_TIMEOUT_S": "0.6",
        "IDLE_TIMEOUT_S": "0.9",
        "BODY_TIMEOUT_S": "0.5",
    }
    with running_api(valkey_server.url, settings) as running:
        yield running


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_head__of_the_largest_size__is_read_and_one_byte_more_is_refused(
    api: Api, method: str, path: str
) -> None:
    counted = len(path) + len("Host") + len("test") + 4 + len("X") + 4
    for more, status in ((0, None), (1, 431)):
        with connected(api) as connection:
            send_all(
                connection, head(method, path, "X: " + "x" * (MOST_HEAD_BYTES - counted + more))
            )
            answer = read_answer(connection)
            if status is None:
                assert answer.status in {200, 401}
            else:
                message = answer.assert_refused(431, "headers_too_large")
                assert "65,536" in message


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 16_000_000, id="one header"),
        pytest.param(b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 1_000_000, id="many headers"),
        pytest.param(b"GET /" + b"x" * 4_000_000, id="target"),
        pytest.param(b"GET /healthz HTTP/1.1\r\n" + b"x" * 4_000_000, id="name"),
    ],
)
def test_head__of_megabytes__is_refused_before_its_end(api: Api, data: bytes) -> None:
    with connected(api) as connection:
        sender = threading.Thread(target=send_all, args=(connection, data))
        sender.start()
        read_answer(connection).assert_refused(431, "headers_too_large")
        sender.join()
    with api.client(None) as client:
        assert client.get("/healthz").status_code == 200


def test_head__too_large_after_a_request__is_refused_after_its_answer(api: Api) -> None:
    with connected(api) as connection:
        first = head("GET", "/readyz")
        send_all(connection, first + head("GET", "/healthz", "X: " + "x" * MOST_HEAD_BYTES))
        assert read_answer(connection).status == 200
        read_answer(connection).assert_refused(431, "headers_too_large")


def test_trailers__of_megabytes__end_the_connection(api: Api) -> None:
    lines = (
        "Transfer-Encoding: chunked",
        "Content-Type: application/json",
        f"Authorization: {TOKEN}",
    )
    with connected(api) as connection:
        send_all(connection, head("POST", SEGMENTS, *lines) + b"2\r\n{}\r\n0\r\nX: ")
        send_all(connection, b"x" * 4_000_000)
        assert has_ended(connection)


def test_head__a_byte_at_a_time__times_out_in_the_documented_shape(bounded: Api) -> None:
    for begun in (b"", b"\r\n", head("GET", "/healthz")[:-2]):
        started = time.monotonic()
        with connected(bounded) as connection:
            for byte in begun:
                connection.sendall(bytes([byte]))
            message = read_answer(connection).assert_refused(408, "request_timeout")
            assert time.monotonic() - started > 0.5
            assert "head" in message


def test_connection__idle_after_an_answer__is_closed_without_a_word(bounded: Api) -> None:
    with connected(bounded) as connection:
        connection.sendall(head("GET", "/healthz"))
        assert read_answer(connection).status == 200
        started = time.monotonic()
        connection.sendall(head("GET", "/healthz"))  # what is kept alive is used again
        assert read_answer(connection).status == 200
        assert has_ended(connection)
        assert time.monotonic() - started > 0.8


def test_answer__that_nobody_reads__ends_the_connection(bounded: Api) -> None:
    with bounded.client() as client:
        key = create_segment(client, big=False)
        change = [
            {"op": "replace", "path": "/included", "value": [f"{n:01000d}" for n in range(4_000)]}
        ]
        assert client.patch(f"{SEGMENTS}/{key}", json=change).status_code == 200
    with connected(bounded) as connection:
        asked = head("GET", f"{SEGMENTS}/{key}", f"Authorization: {TOKEN}")
        connection.sendall(asked * 4)  # more than the system keeps for a client
        wait_until(lambda: connection.recv(1, socket.MSG_PEEK) == b"H", "the answer begins")
        held = _open_files(bounded)
        wait_until(lambda: _open_files(bounded) < held, "the connection is given up")
        assert len(_rest(connection)) < 4 * 4_000_000


def test_page__that_nobody_reads__is_not_taken_by_the_system(bounded: Api) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        url = httpx.URL(bounded.url)
        connection.connect((url.host, url.port))
        connection.sendall(head("GET", "/static/swagger-ui-bundle.js"))

        most, until = 0, time.monotonic() + 0.5
        while time.monotonic() < until:
            most = max(most, _held_by_the_system(connection))

    assert 0 < most < 2 * MOST_UNSENT_BYTES


def _held_by_the_system(connection: socket.socket) -> int:
    """Bytes of the server that the client's side has not acknowledged."""
    ports = [f"{name[1]:04X}" for name in (connection.getpeername(), connection.getsockname())]
    for line in Path("/proc/net/tcp").read_text().splitlines():
        fields = line.split()
        if [field.partition(":")[2] for field in fields[1:3]] == ports:
            return int(fields[4].partition(":")[0], 16)
    return 0


def _open_files(api: Api) -> int:
    """How many files the process has open; each connection is one."""
    return len(list(Path(f"/proc/{api.process.pid}/fd").iterdir()))


def _rest(connection: socket.socket) -> bytes:
    pieces = []
    with suppress(ConnectionResetError):
        while piece := connection.recv(1_000_000):
            pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("path", [f"{SEGMENTS}", f"{SEGMENTS}/s/targets"])
def test_body__a_byte_at_a_time__times_out_in_the_documented_shape(bounded: Api, path: str) -> None:
    lines = (f"Authorization: {TOKEN}", "Content-Type: application/json", "Content-Length: 5000")
    with connected(bounded) as connection:
        started = time.monotonic()
        connection.sendall(head("POST", path, *lines))
        stop = threading.Event()
        drip = threading.Thread(target=_drip, args=(connection, stop))
        drip.start()
        try:
            message = read_answer(connection).assert_refused(408, "request_timeout")
        finally:
            stop.set()
            drip.join()
        assert time.monotonic() - started > 0.4
        assert "512 bytes in 0.5 seconds" in message


def _drip(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.02):
        send_all(connection, b" ")


def test_upload__stalled__times_out_and_is_aborted_in_the_bucket(
    bounded: Api, objects: ObjectStore
) -> None:
    with bounded.client() as client:
        segment = create_segment(client)
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="l.csv"\r\n\r\n'
    content = part + b"abcdefg\n" * 1_200_000  # over one part of a multipart upload
    lines = (
        f"Authorization: {TOKEN}",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Length: 500000000",
    )
    with connected(bounded) as connection:
        connection.sendall(head("POST", f"{SEGMENTS}/{segment}/imports", *lines) + content)
        wait_until(lambda: segment in str(_unfinished(objects)), "its first part is taken")
        read_answer(connection).assert_refused(408, "request_timeout")
        assert has_ended(connection)
    assert segment not in str(_unfinished(objects))
    with bounded.client() as client:
        assert client.get(f"{SEGMENTS}/{segment}").json()["_importInProgress"] is False


def _unfinished(objects: ObjectStore) -> list[str]:
    client = objects._client  # what is not finished is no object, and has no method of ours
    found = client.list_multipart_uploads(Bucket=objects.bucket)
    return [one["Key"] for one in found.get("Uploads", [])]


def test_places__all_taken_by_idle_connections__one_of_them_goes(bounded: Api) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(connected(bounded)) for _ in range(MOST)]
        for connection in held:
            connection.sendall(head("GET", "/healthz"))
            assert read_answer(connection).status == 200
        with bounded.client(None) as client:
            for _ in range(3):
                assert httpx.get(f"{bounded.url}/healthz").status_code == 200
            assert client.get("/healthz").status_code == 200
        assert has_ended(held[0])


def test_places__all_taken_by_requests__a_new_connection_is_answered_503(bounded: Api) -> None:
    lines = (f"Authorization: {TOKEN}", "Content-Type: application/json", "Content-Length: 5000000")
    stop = threading.Event()
    with ExitStack() as stack:
        held = [stack.enter_context(connected(bounded)) for _ in range(MOST)]
        for connection in held:
            connection.sendall(head("POST", SEGMENTS, *lines))
        senders = [threading.Thread(target=_send_on, args=(one, stop)) for one in held]
        for sender in senders:
            sender.start()
        try:
            wait_until(lambda: _is_full(bounded), "a new connection is refused")
        finally:
            stop.set()
            for sender in senders:
                sender.join()
    wait_until(lambda: not _is_full(bounded), "there are places again")


def _send_on(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        send_all(connection, b" " * 1_000)


def _is_full(api: Api) -> bool:
    with connected(api) as connection:
        send_all(connection, head("GET", "/healthz"))
        answer = read_answer(connection)
        if answer.status == 200:
            return False
        answer.assert_refused(503, "service_unavailable")
        assert answer.headers["retry-after"] == "1"
        return True
