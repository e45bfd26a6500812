"""Limits as clients meet them: headers on answers, 429 at once, nothing that makes them block."""

from collections.abc import Iterator

import httpx
import pytest
from launchdarkly_api import ApiException, SegmentsApi

from tests.support.clients.python_client import python_client
from tests.support.servers.api import SEGMENTS, Api, assert_refused, create_segment, running_api
from tests.support.servers.redis import Server
from tests.support.store.stores import clock_ms

_ROUTE, _LOOKUPS = 25, 40
_SITE = "https://tools.example.com"


@pytest.fixture(scope="module")
def limited(valkey_server: Server) -> Iterator[Api]:
    settings = {
        "LIMIT_ROUTE": str(_ROUTE),
        "LIMIT_LOOKUP_TOKEN": str(_LOOKUPS),
        "CORS_ORIGINS": f'["{_SITE}"]',
    }
    with running_api(valkey_server.url, settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(limited: Api) -> Iterator[httpx.Client]:
    with limited.client() as client:
        yield client


def _refusal(client: httpx.Client, path: str, cap: int, key: str | None = None) -> httpx.Response:
    """Ask until refused; a new window may begin once in between."""
    for _ in range(2 * cap + 1):
        reply = client.get(path) if key is None else client.post(path, json={"key": key})
        if reply.status_code == 429:
            return reply
        assert int(reply.headers["X-Ratelimit-Reset"]) > 0
    raise AssertionError(f"{path} was never refused")


def _assert_next_window(reply: httpx.Response, name: str, since_ms: int) -> None:
    """Hold it against the next window after a moment between two that the caller knows."""
    resets_ms = int(reply.headers[name])
    assert resets_ms % 10_000 == 0
    assert since_ms < resets_ms <= clock_ms() + 10_000


def test_route__over_its_limit__is_refused_and_others_are_not(client: httpx.Client) -> None:
    since_ms = clock_ms()
    reply = _refusal(client, SEGMENTS, _ROUTE)

    assert "to this route" in assert_refused(reply, 429, "rate_limited")
    assert reply.headers["X-Ratelimit-Route-Limit"] == str(_ROUTE)
    assert reply.headers["X-Ratelimit-Route-Remaining"] == "0"
    assert "Retry-After" not in reply.headers
    _assert_next_window(reply, "X-Ratelimit-Reset", since_ms)
    other = client.get(f"{SEGMENTS}/no-such")
    assert_refused(other, 404, "not_found")
    assert 0 < int(other.headers["X-Ratelimit-Route-Remaining"]) < _ROUTE
    assert other.headers["X-Ratelimit-Global-Limit"] == "20000"
    assert 0 < int(other.headers["X-Ratelimit-Global-Remaining"]) < 20_000


def test_token__over_its_limit_of_look_ups__is_refused_on_both_routes(
    client: httpx.Client,
) -> None:
    key = create_segment(client)
    since_ms = clock_ms()

    reply = _refusal(client, f"{SEGMENTS}/{key}/contexts/a", _LOOKUPS)
    same = _refusal(client, f"{SEGMENTS}/{key}/users/a", _LOOKUPS)
    by_body = _refusal(client, f"{SEGMENTS}/{key}/contexts/lookup", _LOOKUPS, "a")

    for one in (reply, same, by_body):
        assert "with this token" in assert_refused(one, 429, "rate_limited")
        assert one.headers["X-Ratelimit-Auth-Token-Limit"] == str(_LOOKUPS)
        assert one.headers["X-Ratelimit-Auth-Token-Remaining"] == "0"
        _assert_next_window(one, "X-Ratelimit-Auth-Token-Reset", since_ms)
        _assert_next_window(one, "X-Ratelimit-Reset", since_ms)
        assert "Retry-After" not in one.headers
    # Other requests are counted apart.
    assert client.get(f"{SEGMENTS}/{key}").status_code == 200


def test_stranger__asking_often__is_unauthorized_and_counts_for_nobody(limited: Api) -> None:
    with limited.client(token=None) as stranger:
        for _ in range(2 * _ROUTE + 1):
            reply = stranger.get("/api/v2/projects")
            assert_refused(reply, 401, "unauthorized")
            assert not [name for name in reply.headers if name.startswith("x-ratelimit")]


def test_python_client__refused__raises_at_once(
    limited: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    with python_client(limited) as client, pytest.raises(ApiException) as caught:
        _list_often(SegmentsApi(client))
    assert caught.value.status == 429
    assert slept == []


def _list_often(segments: SegmentsApi) -> None:
    for _ in range(2 * _ROUTE + 1):
        segments.get_segments("default", "test")


@pytest.mark.parametrize("path", [SEGMENTS, f"{SEGMENTS}/s/contexts/a", "/nowhere", "/healthz"])
def test_page__of_a_known_site__may_read_every_answer(client: httpx.Client, path: str) -> None:
    for headers in ({}, {"Authorization": "wrong"}):
        reply = client.get(path, headers={"Origin": _SITE, **headers})

        assert reply.headers["access-control-allow-origin"] == _SITE
        assert "X-Ratelimit-Reset" in reply.headers["access-control-expose-headers"]
        assert "Location" in reply.headers["access-control-expose-headers"]


def test_preflight__of_a_look_up__needs_no_token(limited: Api) -> None:
    reply = httpx.options(
        f"{limited.url}{SEGMENTS}/s/contexts/a",
        headers={"Origin": _SITE, "Access-Control-Request-Method": "GET"},
    )

    assert reply.status_code == 204
    assert reply.headers["access-control-allow-origin"] == _SITE
