"""HEAD, OPTIONS, methods nobody knows, and bytes that are no HTTP."""

import json
import re
import socket
from contextlib import closing

import httpx
import pytest

from tests.support.servers.api import (
    SEGMENTS,
    TOKEN,
    Api,
    assert_refused,
    create_segment,
    include,
)


@pytest.fixture(scope="module")
def segment(client: httpx.Client) -> str:
    key = create_segment(client)
    include(client, key, "alice")
    return f"{SEGMENTS}/{key}"


@pytest.fixture(scope="module")
def readable(client: httpx.Client, segment: str) -> list[str]:
    """A path of every kind that can be read."""
    served = client.get("/openapi.json").json()["paths"]
    environment = "/api/v2/projects/default/environments/production"
    names = {
        "projectKey": "default",
        "environmentKey": "production",
        "segmentKey": segment.rpartition("/")[2],
        "contextKey": "alice",
        "userKey": "alice",
        "resourceType": "segments",
        "resourceKey": "s",
    }
    found = [path for path, operations in served.items() if "get" in operations]
    paths = [re.sub(r"{(\w+)}", lambda one: names.get(one[1], "none"), path) for path in found]
    assert environment in paths
    return [*paths, "/", "/docs", "/static/pages.css", "/openapi.json"]


def test_head__of_everything_that_can_be_read__is_get_without_its_body(
    client: httpx.Client, readable: list[str]
) -> None:
    for path in readable:
        get, head = client.get(path), client.head(path)

        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert head.headers["content-type"] == get.headers["content-type"], path
        if get.is_success and path != "/metrics":  # which counts these requests
            assert head.headers["content-length"] == str(len(get.content)), path
    assert client.get(f"{SEGMENTS}/none").status_code == 404


def test_head__of_what_only_takes_a_post__is_not_allowed(
    client: httpx.Client, segment: str
) -> None:
    reply = client.head(f"{segment}/contexts")

    assert (reply.status_code, reply.content) == (405, b"")
    assert reply.headers["Allow"] == "OPTIONS, POST"


def test_head__without_a_token__is_unauthorized(api: Api, segment: str) -> None:
    with api.client(None) as anonymous:
        for path in (SEGMENTS, f"{segment}/contexts/alice", "/metrics"):
            assert anonymous.head(path).status_code == 401
        assert anonymous.head("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (SEGMENTS, "GET, HEAD, OPTIONS, POST"),
        (f"{SEGMENTS}/s", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        (f"{SEGMENTS}/s/contexts", "OPTIONS, POST"),
        (f"{SEGMENTS}/s/contexts/a%2Fb", "GET, HEAD, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
        ("/metrics", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
@pytest.mark.parametrize("token", [None, "wrong", TOKEN])
def test_options__without_cors_settings__names_the_methods_to_everybody(
    api: Api, path: str, allow: str, token: str | None
) -> None:
    preflight = {"Origin": "https://site.example", "Access-Control-Request-Method": "GET"}
    with api.client(token) as client:
        for headers in ({}, preflight):
            reply = client.options(path, headers=headers)

            assert (reply.status_code, reply.content) == (204, b"")
            assert reply.headers["Allow"] == allow
            assert "access-control-allow-origin" not in reply.headers


def test_options__of_an_unknown_path__is_not_found(api: Api) -> None:
    with api.client(None) as anonymous:
        assert_refused(anonymous.options("/nowhere"), 404, "not_found")


@pytest.mark.parametrize("method", ["PROPFIND", "PURGE", "QUERY", "TRACE"])
def test_method__that_no_resource_takes__is_not_allowed(
    client: httpx.Client, segment: str, method: str
) -> None:
    for path in (segment, f"{segment}/contexts/alice"):
        reply = client.request(method, path)

        assert_refused(reply, 405, "method_not_allowed")
        assert "GET" in reply.headers["Allow"]


def _read(api: Api, sent: bytes) -> bytes:
    """What a connection says to some bytes until it ends."""
    url = httpx.URL(api.url)
    with closing(socket.create_connection((url.host, url.port or 80), timeout=60)) as connection:
        connection.sendall(sent)
        read = b""
        while piece := connection.recv(65_536):
            read += piece
    return read


def _said(api: Api, sent: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """What it says if it is one answer: headers and body."""
    read = _read(api, sent)
    head, _, body = read.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines) | {"status": first.split()[1]}
    assert headers["content-length"] == str(len(body))
    return headers, json.loads(body)


@pytest.mark.parametrize(
    "sent",
    [
        b"FOO /api/v2/segments HTTP/1.1\r\nHost: h\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"NO-SUCH-METHOD * HTTP/1.1\r\n\r\n",
    ],
)
def test_method__that_the_parser_does_not_know__has_the_documented_body(
    api: Api, sent: bytes
) -> None:
    """Fails when uvicorn no longer refuses through the method that is overridden."""
    headers, body = _said(api, sent)

    assert (headers["status"], body["code"]) == ("405", "method_not_allowed")
    assert headers["allow"] == "delete, get, head, options, patch, post, put"
    assert (headers["content-type"], headers["connection"]) == ("application/json", "close")
    assert set(body) == {"code", "message", "id"}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("suffix", ["", "/contexts/alice"])
def test_bytes__that_are_no_http_after_requests__leave_those_their_answers(
    api: Api, segment: str, suffix: str, count: int
) -> None:
    request = f"GET {segment}{suffix} HTTP/1.1\r\nHost: h\r\nAuthorization: {TOKEN}\r\n\r\n"

    read = _read(api, request.encode() * count + b"\x00\x01 no HTTP\r\n\r\n")

    assert read.count(b"HTTP/1.1 200 OK\r\n") == count
    assert b" 400 " not in read


def test_body__in_chunks_that_are_none__is_refused_and_ends_the_connection(
    api: Api, segment: str
) -> None:
    head = f"POST {segment}/contexts HTTP/1.1\r\nHost: h\r\nAuthorization: {TOKEN}\r\n"

    headers, body = _said(api, head.encode() + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n")

    assert (headers["status"], body["code"]) == ("400", "invalid_request")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a handshake of TLS",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"GET /healthz HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: many\r\n\r\n",
        b"\x00" * 5_000,
    ],
)
def test_bytes__that_are_no_http__have_the_documented_body(api: Api, sent: bytes) -> None:
    """Fails when uvicorn no longer refuses through the method that is overridden."""
    headers, body = _said(api, sent)

    assert (headers["status"], body["code"]) == ("400", "invalid_request")
    assert headers["content-type"] == "application/json"
    assert set(body) == {"code", "message", "id"}
    assert len(body["id"]) == 36
