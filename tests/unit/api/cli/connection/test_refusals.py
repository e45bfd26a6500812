"""Servers that are not the API, and TLS that does not fit: one sentence each, and status 3."""

import http.server
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme

from api.cli.access.access import Access
from api.cli.connection.connection import Connection
from api.cli.connection.refusals import refusal
from api.cli.errors import CommandError, ExitStatus, UsageError

_NOW = datetime.now(UTC)


@contextmanager
def _serving(body: bytes, kind: str, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that does not speak TLS is meant."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _fail(url: str, environment: Mapping[str, str] | None = None) -> str:
    access = Access(url, "t", "BIGSEG_URL")
    with pytest.raises(CommandError) as caught:
        _list(access, environment or {})
    assert caught.value.exit_status is ExitStatus.UNREACHABLE
    message = str(caught.value)
    assert url in message
    assert "\n" not in message
    return message


def _list(access: Access, environment: Mapping[str, str]) -> None:
    with Connection(access, environment=environment, sleep=lambda _: None, limit_s=10) as opened:
        opened.get_all("/api/v2/projects")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"<html>hello</html>", "text/html; charset=utf-8", "it answered 200 with text/html"),
        (b"{}", "application/json", "it answered JSON without `items`"),
        (b"[1, 2]", "application/json", "it answered other JSON"),
        (b"[" * 100_000, "application/json", "it answered 200 with application/json"),
        (b"\xff\xfe", "application/json", "it answered 200 with application/json"),
    ],
)
def test_server__that_is_something_else__is_named(body: bytes, kind: str, said: str) -> None:
    with _serving(body, kind) as port:
        message = _fail(f"http://127.0.0.1:{port}")

    assert f"is not a bigseg API: {said}" in message


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _context(
    authority: trustme.CA, *, expired: bool = False, name: str = "127.0.0.1"
) -> ssl.SSLContext:
    ends = _NOW + timedelta(-1 if expired else 9)
    certificate = authority.issue_cert(name, not_before=_NOW - timedelta(9), not_after=ends)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_tls__that_does_not_fit__is_one_sentence_each(
    authority: trustme.CA, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    trusting = {"BIGSEG_CA_FILE": str(file)}
    with _serving(b"{}", "application/json") as port:
        assert "does not speak TLS: write http://" in _fail(f"https://127.0.0.1:{port}")
    with _serving(b"{}", "application/json", _context(authority)) as port:
        assert "write https:// if it speaks TLS" in _fail(f"http://127.0.0.1:{port}")
        unknown = _fail(f"https://127.0.0.1:{port}")
        assert "is not trusted" in unknown
        assert "BIGSEG_CA_FILE or SSL_CERT_FILE" in unknown
        for variable in ("BIGSEG_CA_FILE", "SSL_CERT_FILE"):
            trusted = _fail(f"https://127.0.0.1:{port}", {variable: str(file)})
            assert "is not a bigseg API" in trusted
    with _serving(b"{}", "application/json", _context(authority, expired=True)) as port:
        assert "has expired" in _fail(f"https://127.0.0.1:{port}", trusting)
    with _serving(b"{}", "application/json", _context(authority, name="other.example")) as port:
        assert "is for another name" in _fail(f"https://127.0.0.1:{port}", trusting)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_ca_file__that_cannot_be_used__is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(UsageError, match=f"BIGSEG_CA_FILE: {file}"):
        _list(Access("https://127.0.0.1:9", "t", "x"), {"BIGSEG_CA_FILE": str(file)})


@pytest.mark.parametrize(
    ("status", "code", "exit_status"),
    [
        (400, "invalid_request", ExitStatus.FAILED),
        (401, "unauthorized", ExitStatus.REFUSED),
        (403, "forbidden", ExitStatus.REFUSED),
        (404, "not_found", ExitStatus.NOT_FOUND),
        (409, "key_exists", ExitStatus.FAILED),
        (429, "rate_limited", ExitStatus.UNREACHABLE),
        (500, "internal_error", ExitStatus.UNREACHABLE),
        (503, "service_unavailable", ExitStatus.UNREACHABLE),
    ],
)
def test_refusal__of_the_api__has_its_code_and_an_exit_status(
    status: int, code: str, exit_status: ExitStatus
) -> None:
    body = {"code": code, "message": "m", "id": "i"}

    error = refusal(httpx.Response(status, content=json.dumps(body)), "http://h")

    assert (error.status, error.code, error.error_id) == (status, code, "i")
    assert (error.exit_status, str(error)) == (exit_status, f"m ({status})")


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (302, {"location": "https://login.example/"}, "redirects (302 to https://login"),
        (503, {"content-type": "text/html"}, "is not ready: it answered 503"),
        (404, {"content-type": "text/html"}, "is not a bigseg API: it answered 404 with text/html"),
        (401, {}, "is not a bigseg API: it answered 401 with no content type"),
    ],
)
def test_refusal__of_something_else__is_not_taken_for_the_api_s(
    status: int, headers: dict[str, str], said: str
) -> None:
    error = refusal(httpx.Response(status, headers=headers), "http://h")

    assert error.exit_status is ExitStatus.UNREACHABLE
    assert said in str(error)
