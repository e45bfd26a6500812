"""The pool of a process: bounded, shared in turn, and small again after a burst."""

import threading
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.support.servers.redis import Server, wait_until
from worker.store.server import connection_pool
from worker.store.server.connection_pool import BoundedPool
from worker.store.server.primary import PrimaryConnection

_BOUND = 3


@pytest.fixture
def pool(valkey_server: Server) -> Iterator[BoundedPool]:
    pool = BoundedPool(
        timeout=0.1,
        connection_class=PrimaryConnection,
        max_connections=_BOUND,
        port=valkey_server.port,
        protocol=2,
    )
    yield pool
    pool.close()


def test_pool__all_in_use__waits_and_then_says_so(pool: BoundedPool) -> None:
    held = [pool.get_connection() for _ in range(_BOUND)]

    with pytest.raises(RedisConnectionError, match="all 3 connections are in use"):
        pool.get_connection()
    pool._timeout_s = 30
    threading.Timer(0.02, pool.release, [held.pop()]).start()
    held.append(pool.get_connection())

    for one in held:
        pool.release(one)


def test_pool__server_away__gives_every_place_back() -> None:
    pool = BoundedPool(timeout=0.1, max_connections=_BOUND, port=9)

    for _ in range(2 * _BOUND):
        with pytest.raises(RedisConnectionError, match="refused"):
            pool.get_connection()


def test_pool__after_a_burst__closes_what_is_not_used(
    pool: BoundedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_pool, "IDLE_S", 0.05)
    held = [pool.get_connection() for _ in range(_BOUND)]
    for one in held:
        pool.release(one)
    client = Redis(connection_pool=pool)

    def open_ones() -> int:
        client.ping()
        return sum(one.is_connected for one in held)

    wait_until(lambda: open_ones() == 1, "one is left")
    assert all(pool.get_connection().is_connected for _ in range(_BOUND))
