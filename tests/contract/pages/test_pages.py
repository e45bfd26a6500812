"""The pages as they are sent: what needs no token, and the headers that bind a browser."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

import httpx
import pytest

from tests.support.servers.api import TOKEN, Api, assert_refused, running_api
from tests.support.servers.redis import Server

_ASSETS: Final = {
    "/static/documentation.js": "text/javascript; charset=utf-8",
    "/static/icon.svg": "image/svg+xml",
    "/static/pages.css": "text/css; charset=utf-8",
    "/static/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/static/swagger-ui.css": "text/css; charset=utf-8",
}
_PAGES: Final = ("/", "/docs")
_OPEN: Final = {"/healthz", "/readyz", *_PAGES, *_ASSETS}
_POLICY: Final = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
}
_LINK: Final = re.compile(r'(?:href|src)="([^"]*)"')


@pytest.fixture(scope="module")
def anonymous(api: Api) -> Iterator[httpx.Client]:
    with api.client(None) as client:
        yield client


def test_token_free_paths__of_all_that_are_served__are_health_and_the_pages(
    client: httpx.Client, anonymous: httpx.Client
) -> None:
    served = client.get("/openapi.json").json()["paths"]
    others = ("/openapi.json", "/static", "/static/", "/static/x.js", "/docs/oauth2-redirect")
    paths = {*served, *_OPEN, *others, "/docs/", "/redoc", "/favicon.ico"}

    assert {path for path in paths if anonymous.get(path).status_code != 401} == _OPEN
    assert {path for path in _OPEN if anonymous.get(path).status_code != 200} == set()


def test_token_free_paths__written_otherwise__are_none(anonymous: httpx.Client) -> None:
    for path in ("/%64ocs", "/static/..%2fopenapi.json", "/static/%2e%2e/openapi.json", "/DOCS"):
        assert_refused(anonymous.get(path), 401, "unauthorized")


@pytest.mark.parametrize("path", [*_PAGES, *_ASSETS])
def test_page__sent__binds_the_browser_to_its_own_origin(
    anonymous: httpx.Client, path: str
) -> None:
    reply = anonymous.get(path)

    assert set(reply.headers["Content-Security-Policy"].split("; ")) == _POLICY
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Content-Type"] == _ASSETS.get(path, "text/html; charset=utf-8")
    assert reply.headers["Content-Length"] == str(len(reply.content))


@pytest.mark.parametrize("path", [*_PAGES, *_ASSETS])
def test_page__that_the_client_has__is_not_sent_again(anonymous: httpx.Client, path: str) -> None:
    tag = anonymous.get(path).headers["ETag"]

    same = anonymous.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    other = anonymous.get(path, headers={"If-None-Match": '"other"'})

    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    assert other.status_code == 200
    assert same.headers["Cache-Control"] == "no-cache"


def test_links__of_the_pages__are_relative_and_name_what_is_served(anonymous: httpx.Client) -> None:
    for page in _PAGES:
        links = _LINK.findall(anonymous.get(page).text)
        assert links
        for link in links:
            assert ":" not in link
            assert not link.startswith("/")
            reply = anonymous.get(httpx.URL(f"{page}").join(link))
            assert reply.status_code == 200, link
            kept = "immutable" in reply.headers.get("Cache-Control", "")
            assert kept == ("?v=" in link), "only what is asked for by its digest is kept for long"
            if "?v=" in link:
                tag = reply.headers["ETag"].strip('"')
                assert link.endswith(f"?v={tag}")


def test_landing__says_what_this_is_and_where_the_token_is(anonymous: httpx.Client) -> None:
    text = anonymous.get("/").text

    assert f"bigseg {version('bigseg')}" in text
    assert "cat .bigseg/admin-token" in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "QUERY"])
def test_page__any_other_method__is_not_allowed(anonymous: httpx.Client, method: str) -> None:
    reply = anonymous.request(method, "/docs")

    assert_refused(reply, 405, "method_not_allowed")
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.fixture(scope="module")
def public(valkey_server: Server) -> Iterator[Api]:
    """An API whose OpenAPI document needs no token."""
    with running_api(valkey_server.url, {"PUBLIC_OPENAPI": "true"}) as running:
        yield running


def test_public_document__without_a_token__is_the_same_as_with_one(
    public: Api, client: httpx.Client
) -> None:
    expected = client.get("/openapi.json").json()
    for token in (None, "wrong", TOKEN):
        with public.client(token) as one:
            reply = one.get("/openapi.json")
            assert (reply.status_code, reply.json()) == (200, expected)
            assert reply.headers["Content-Type"] == "application/json"
            again = one.get("/openapi.json", headers={"If-None-Match": reply.headers["ETag"]})
            assert again.status_code == 304
            only_head = one.head("/openapi.json")
            assert (only_head.status_code, only_head.content) == (200, b"")
            assert only_head.headers["ETag"] == reply.headers["ETag"]
            assert 'data-document="public"' in one.get("/docs").text
    assert_refused(httpx.get(f"{public.url}/metrics"), 401, "unauthorized")
