"""Refusals that do not depend on the route: tokens, methods, types and sizes of bodies."""

import gzip
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import httpx
import pytest

from tests.support.servers.api import SEGMENTS, TOKEN, Api, assert_refused, create_segment
from tests.support.servers.plain_http import NO_ROOTS

_JSON = {"Content-Type": "application/json"}
_LIMIT_BYTES = 5 * 1024 * 1024


@pytest.mark.parametrize(
    "path",
    [
        SEGMENTS,
        f"{SEGMENTS}/s",
        f"{SEGMENTS}/s/contexts/a",
        f"{SEGMENTS}/s/imports/x",
        "/metrics",
        "/openapi.json",
        "/nowhere",
    ],
)
@pytest.mark.parametrize(
    "header",
    [None, "", "wrong", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"{TOKEN}x", TOKEN[:-1]],
)
def test_any_path__without_the_token__is_unauthorized(
    api: Api, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}

    assert_refused(httpx.get(api.url + path, headers=headers, verify=NO_ROOTS), 401, "unauthorized")


@pytest.mark.parametrize("header", [TOKEN, f"Bearer {TOKEN}", f"bearer {TOKEN}"])
def test_any_path__with_the_token_bare_or_as_bearer__is_let_in(api: Api, header: str) -> None:
    for path in (SEGMENTS, "/metrics", "/openapi.json"):
        headers = {"Authorization": header}
        assert httpx.get(api.url + path, headers=headers, verify=NO_ROOTS).status_code == 200


@pytest.mark.parametrize(
    "header", [f"{TOKEN} ", f"{TOKEN} \t ", f"  {TOKEN}  ", f"Bearer {TOKEN} "]
)
def test_token__with_blanks_around_it__is_the_token(
    api: Api, client: httpx.Client, header: str
) -> None:
    """Sent without httpx, which refuses to."""
    key, url = create_segment(client), httpx.URL(api.url)
    with closing(HTTPConnection(url.host, url.port, timeout=60)) as connection:
        for path in (SEGMENTS, f"{SEGMENTS}/{key}/contexts/a"):
            connection.request("GET", path, headers={"Authorization": header})
            reply = connection.getresponse()
            reply.read()
            assert reply.status == 200


def test_upload__without_the_token__is_refused_though_its_body_is_long(api: Api) -> None:
    files = {"file": ("list.csv", b"a\n" * 5_000_000)}

    reply = httpx.post(f"{api.url}{SEGMENTS}/s/imports", files=files, timeout=30)

    assert_refused(reply, 401, "unauthorized")


@pytest.mark.parametrize("version", ["20240415", "20240415, 20240415", "beta", "20160426", "?"])
def test_any_path__any_api_version__is_accepted(client: httpx.Client, version: str) -> None:
    assert client.get(SEGMENTS, headers={"LD-API-Version": version}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/docs/", "/api/v2", "/api/v2/flags/default", f"{SEGMENTS}/a/b/c/d"]
)
def test_unknown_path__is_not_found(client: httpx.Client, path: str) -> None:
    assert_refused(client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", SEGMENTS),
        ("DELETE", SEGMENTS),
        ("POST", f"{SEGMENTS}/s"),
        ("GET", f"{SEGMENTS}/s/contexts"),
        ("DELETE", f"{SEGMENTS}/s/imports"),
        ("POST", f"{SEGMENTS}/s/exports/x"),
        ("POST", "/healthz"),
    ],
)
def test_known_path__other_method__is_not_allowed(
    client: httpx.Client, method: str, path: str
) -> None:
    reply = client.request(method, path)

    assert_refused(reply, 405, "method_not_allowed")
    assert "GET" in reply.headers["Allow"] or "POST" in reply.headers["Allow"]
    assert method not in reply.headers["Allow"].split(", ")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "?"])
@pytest.mark.parametrize("suffix", ["", "/s/contexts", "/s/users"])
def test_body__of_another_type__is_an_unsupported_media_type(
    client: httpx.Client, kind: str, suffix: str
) -> None:
    reply = client.post(SEGMENTS + suffix, content=b"{}", headers={"Content-Type": kind})

    assert_refused(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize("suffix", ["", "/memberships"], ids=["framework", "handler"])
def test_body__compressed__is_said_not_to_be_decompressed(
    client: httpx.Client, suffix: str
) -> None:
    packed = gzip.compress(b"{}")
    reply = client.post(
        f"{SEGMENTS}{suffix}",
        content=packed,
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    assert "Content-Encoding" in assert_refused(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/merge+json"]
)
def test_body__json_in_any_spelling__is_read(client: httpx.Client, kind: str) -> None:
    key = create_segment(client)

    reply = client.post(f"{SEGMENTS}/{key}/contexts", content=b"{}", headers={"Content-Type": kind})

    assert reply.status_code == 204


def test_body__without_a_type__is_read_as_json(client: httpx.Client) -> None:
    key = create_segment(client)

    reply = client.post(f"{SEGMENTS}/{key}/contexts", content=b'{"included":{"add":["a"]}}')

    assert reply.status_code == 204


def _spaces(size_bytes: int) -> Iterator[bytes]:
    """A body of unknown length: it is sent in chunks."""
    yield b"{"
    for _ in range(size_bytes // 65_536):
        yield b" " * 65_536
    yield b"}"


def test_body__longer_than_allowed_and_says_so__is_too_large(client: httpx.Client) -> None:
    content = b" " * (_LIMIT_BYTES + 1)

    reply = client.post(f"{SEGMENTS}/s/contexts", content=content, headers=_JSON)

    assert "5,242,880" in assert_refused(reply, 413, "request_too_large")


@pytest.mark.parametrize("factor", [1.1, 8])
def test_body__longer_than_allowed_in_chunks__is_too_large(
    client: httpx.Client, factor: float
) -> None:
    content = _spaces(int(_LIMIT_BYTES * factor))

    reply = client.post(f"{SEGMENTS}/s/contexts", content=content, headers=_JSON)

    assert_refused(reply, 413, "request_too_large")


def test_body__as_long_as_allowed__is_read(client: httpx.Client) -> None:
    key = create_segment(client)
    content = b"{}".ljust(_LIMIT_BYTES)

    reply = client.post(f"{SEGMENTS}/{key}/contexts", content=content, headers=_JSON)

    assert reply.status_code == 204


def test_log__of_requests__holds_no_context_key_and_no_token(
    api: Api, client: httpx.Client
) -> None:
    key = create_segment(client)
    secret = "context-nobody-may-see"
    body = {"included": {"add": [secret, f"{secret}\n"]}}

    client.post(f"{SEGMENTS}/{key}/contexts", json=body)
    client.get(f"{SEGMENTS}/{key}/contexts/{secret}")
    client.get(f"{SEGMENTS}/{key}/contexts/{secret}/{secret}")

    assert "request.served" in api.log
    assert secret not in api.log
    assert TOKEN not in api.log
