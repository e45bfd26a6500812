"""How many connections a process holds, and what a server without room for more means."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import httpx
import pytest
import redis

from tests.support.servers.api import SEGMENTS, TOKEN, Api, create_segment, include, running_api
from tests.support.servers.redis import Server, running_server, wait_until

_MOST = 16
_READY = ("redis", "broker")
#: What an API process holds at most with the default settings; deploy/RUNBOOK.md says it.
_EACH = 13


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with room for fewer clients than two processes may have."""
    with running_server("valkey", options={"maxclients": str(_MOST)}) as server:
        yield server


@pytest.fixture(scope="module")
def apis(server: Server) -> Iterator[list[Api]]:
    with ExitStack() as stack:
        one = stack.enter_context(running_api(server.url))
        two = stack.enter_context(running_api(server.url, {"KEY_PREFIX": one.prefix}))
        yield [one, two]


async def _burst(urls: list[str], count: int) -> Counter[int]:
    """Send requests at once; how many got which status."""
    limits = httpx.Limits(max_connections=None)
    headers = {"Authorization": TOKEN}
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60) as client:
        replies = await asyncio.gather(*(client.get(url) for url in urls for _ in range(count)))
    return Counter(reply.status_code for reply in replies)


def _is_whole(api: Api, path: str) -> bool:
    with api.client() as client:
        parts = client.get("/readyz").json()["parts"]
        return (
            all(parts[name]["ok"] for name in _READY)
            and client.get(path).status_code == 200
            and client.get(SEGMENTS).status_code == 200
        )


@pytest.fixture
def watcher(server: Server) -> Iterator[redis.Redis]:
    """A connection that is there before the server has room for no more."""
    with server.client() as client:
        client.ping()
        yield client


def _clients(watcher: redis.Redis) -> int:
    """The others' connections."""
    return len(watcher.client_list()) - 1


def test_burst__at_a_server_without_room__is_503_and_over_within_seconds(
    watcher: redis.Redis, apis: list[Api]
) -> None:
    with apis[0].client() as client:
        key = create_segment(client)
        include(client, key, "a")
    path = f"{SEGMENTS}/{key}/contexts/a"
    urls = [f"{api.url}{one}" for api in apis for one in (f"{SEGMENTS}/{key}", "/readyz", path)]

    statuses = asyncio.run(_burst(urls, 30))

    assert set(statuses) <= {200, 503}
    for api in apis:
        wait_until(partial(_is_whole, api, path), "everything is answered again")
    # Surplus goes after five seconds without use.
    wait_until(lambda: _clients(watcher) <= 2 * 6, "surplus connections are closed")


def test_burst__at_a_server_with_room__opens_no_more_than_the_bound(
    server: Server, watcher: redis.Redis, apis: list[Api]
) -> None:
    server.command_reply("CONFIG", "SET", "maxclients", 1_000)
    before = _clients(watcher)
    with apis[0].client() as client:
        key = create_segment(client)
    urls = [f"{apis[0].url}{SEGMENTS}/{key}{end}" for end in ("", "/contexts/a")]

    asyncio.run(_burst(urls, 80))

    assert _clients(watcher) - before <= _EACH - 2  # it had two
    server.command_reply("CONFIG", "SET", "maxclients", _MOST)


def test_server__full_of_others__is_503_until_they_leave(server: Server, apis: list[Api]) -> None:
    with apis[0].client() as client:
        key = create_segment(client)
    path = f"{SEGMENTS}/{key}/contexts/a"
    with ExitStack() as others:
        for _ in range(_MOST):
            others.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        with apis[0].client() as client:
            wait_until(lambda: _is_full(client), "a part has no connection")
    wait_until(lambda: _is_whole(apis[0], path), "everything is answered again")


def _is_full(client: httpx.Client) -> bool:
    reply = client.get("/readyz")
    return reply.status_code == 503 and not reply.json()["parts"]["broker"]["ok"]
