"""Counting requests: windows, what counts against what, and a counter that is away."""

import asyncio
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import pytest
from structlog.testing import capture_logs

from api.errors import RateLimited
from api.http.limits.counts import RedisCounts
from api.http.limits.headers import HEADER_NAMES, limit_headers
from api.http.limits.limits import UNLIMITED, Caps, Count, Limits, Standing
from api.local.commands import build_environment
from api.settings import ApiSettings
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server
from worker.store import RedisAddress

_NOW_MS = 1_700_000_003_000
_END_MS = 1_700_000_010_000
_NONE = Caps(account=0, token=0, route=0, lookup_token=0, lookup_route=0)


class Clock:
    def __init__(self) -> None:
        self.now_ms = _NOW_MS

    def __call__(self) -> int:
        return self.now_ms


def _caps(
    *,
    account: int = 0,
    token: int = 0,
    route: int = 0,
    lookup_token: int = 0,
    lookup_route: int = 0,
) -> Caps:
    return Caps(account, token, route, lookup_token, lookup_route)


def _counting(server: Server, caps: Caps, work: Callable[[Limits, Clock], Awaitable[None]]) -> None:
    """Run some work over limits that count in a real server."""

    async def run() -> None:
        clock = Clock()
        counts = RedisCounts(RedisAddress(port=server.port), f"test-{secrets.token_hex(4)}")
        limits = Limits(caps, counts, clock=clock)
        try:
            await work(limits, clock)
        finally:
            await limits.close()

    asyncio.run(run())


def _lookups(caps: Caps) -> tuple[Limits, Clock]:
    clock = Clock()
    return Limits(caps, RedisCounts(RedisAddress(port=9), "unused"), clock=clock), clock


def test_look_up__over_the_token_s_cap__is_refused_until_the_next_window() -> None:
    limits, clock = _lookups(_caps(lookup_token=2))

    for used in (1, 2):
        standing = limits.look_up("one", b"users")
        standing.require()
        assert standing == Standing(token=Count(2, used), resets_ms=_END_MS)
    with pytest.raises(RateLimited, match="more than 2 requests with this token"):
        limits.look_up("one", b"contexts").require()
    limits.look_up("other", b"users").require()
    clock.now_ms = _END_MS
    limits.look_up("one", b"users").require()


def test_look_up__over_a_route_s_cap__is_refused_to_all_tokens() -> None:
    limits, _ = _lookups(_caps(lookup_route=1))

    limits.look_up("one", b"users").require()
    limits.look_up("one", b"contexts").require()
    with pytest.raises(RateLimited, match="to this route"):
        limits.look_up("other", b"users").require()


def test_look_up__refused_to_one_token__takes_nothing_from_the_route() -> None:
    limits, _ = _lookups(_caps(lookup_token=1, lookup_route=2))

    for _ in range(5):
        limits.look_up("loud", b"users")

    assert limits.look_up("quiet", b"users").route == Count(2, 2)


def test_look_up__without_caps__is_not_counted() -> None:
    limits, _ = _lookups(_NONE)

    assert limits.look_up("one", b"users") is UNLIMITED


def test_request__over_the_token_s_cap__is_refused_until_the_next_window(
    valkey_server: Server,
) -> None:
    async def work(limits: Limits, clock: Clock) -> None:
        (await limits.request("one", "r")).require()
        (await limits.request("one", "other")).require()
        for _ in range(2):  # the second time nobody is asked
            standing = await limits.request("one", "r")
            assert standing == Standing(token=Count(2, 3), resets_ms=_END_MS)
            with pytest.raises(RateLimited):
                standing.require()
        # What was refused to one token counts for no other.
        standing = await limits.request("other", "r")
        assert standing == Standing(Count(2, 1), Count(9, 2), Count(9, 3), _END_MS)
        clock.now_ms = _END_MS
        assert (await limits.request("one", "r")).token == Count(2, 1)

    _counting(valkey_server, _caps(token=2, route=9, account=9), work)


def test_request__over_a_route_s_cap__is_refused_to_all_tokens(valkey_server: Server) -> None:
    async def work(limits: Limits, _clock: Clock) -> None:
        (await limits.request("one", "r")).require()
        (await limits.request("one", "s")).require()
        for _ in range(2):
            with pytest.raises(RateLimited, match="to this route"):
                (await limits.request("other", "r")).require()
        (await limits.request("other", "s-t")).require()

    _counting(valkey_server, _caps(route=1), work)


def test_request__of_two_processes__counts_together(valkey_server: Server) -> None:
    async def run() -> None:
        prefix = f"test-{secrets.token_hex(4)}"
        both = [
            Limits(
                _caps(account=100),
                RedisCounts(RedisAddress(port=valkey_server.port), prefix),
                clock=Clock(),
            )
            for _ in range(2)
        ]
        asked = [limits.request(f"t{n}", "r") for n in range(20) for limits in both]
        standings = await asyncio.gather(*asked)
        for limits in both:
            await limits.close()
        used = sorted(one.account.used for one in standings if one.account is not None)
        assert used == list(range(1, 41))

    asyncio.run(run())


def test_counts__in_the_store__go_by_themselves(valkey_server: Server) -> None:
    async def run() -> list[bytes]:
        counts = RedisCounts(RedisAddress(port=valkey_server.port), prefix)
        assert await counts.add(7, ["token:a", "account"]) == [1, 1]
        await counts.close()
        await counts.close()
        return [f"{prefix}:7:token:a".encode(), f"{prefix}:7:account".encode()]

    prefix = f"test-{secrets.token_hex(4)}"
    for key in asyncio.run(run()):
        assert 0 < int(str(valkey_server.command_reply("TTL", key.decode()))) <= 20


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_request__server_away__is_let_through_and_logged_once_a_minute() -> None:
    async def run() -> None:
        seconds = Seconds()
        address = RedisAddress(port=free_port())
        counts = RedisCounts(address, "test", monotonic=seconds)
        limits = Limits(_caps(token=1, account=1), counts, clock=Clock())
        with capture_logs() as logs:
            for now in (0.0, 0.5, 2.0, 58.0, 61.0):
                seconds.now = now
                assert await limits.request("one", "r") is UNLIMITED
        await limits.close()
        assert [log["event"] for log in logs] == ["limits.suspended"] * 2

    asyncio.run(run())


def test_request__server_silent__waits_a_moment_only() -> None:
    async def run(port: int) -> None:
        limits = Limits(_caps(token=1), RedisCounts(RedisAddress(port=port), "test"), clock=Clock())
        times = []
        for _ in range(10):  # the first waits, the others find the server marked
            started = time.monotonic()
            assert await limits.request("one", "r") is UNLIMITED
            times.append(time.monotonic() - started)
        assert median(times) < 0.1
        await limits.close()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(run(silent.getsockname()[1]))


def test_headers__of_all_limits__are_the_documented_ones() -> None:
    standing = Standing(Count(5, 1), Count(50, 7), Count(500, 600), _END_MS)

    headers = {name.decode(): value.decode() for name, value in limit_headers(standing)}

    assert set(headers) == {name.lower() for name in HEADER_NAMES}
    assert headers == {
        "x-ratelimit-global-limit": "500",
        "x-ratelimit-global-remaining": "0",
        "x-ratelimit-route-limit": "50",
        "x-ratelimit-route-remaining": "43",
        "x-ratelimit-reset": str(_END_MS),
        "x-ratelimit-auth-token-limit": "5",
        "x-ratelimit-auth-token-remaining": "4",
        "x-ratelimit-auth-token-reset": str(_END_MS),
    }


def test_headers__without_a_limit__are_none() -> None:
    assert limit_headers(UNLIMITED) == ()


_LIMITS = {
    f"BIGSEG_{name.upper()}" for name in ApiSettings.model_fields if name.startswith("limit_")
}


def test_local_system__limits__are_off_unless_set() -> None:
    given = {"BIGSEG_LIMIT_TOKEN": "7"}

    environment = build_environment(given, Path("spills"))

    limits = {name: value for name, value in environment.items() if "_LIMIT_" in name}
    assert limits == dict.fromkeys(_LIMITS, "0") | given
    assert all(ApiSettings.model_fields[name[7:].lower()].default > 0 for name in _LIMITS)
