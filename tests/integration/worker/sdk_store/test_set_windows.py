"""Windows of additions are written only as long as the canary says that they may be."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from redis import Redis

from tests.support.servers.redis import Server
from worker.sdk_store.hashed_keys import HashedKeys
from worker.sdk_store.set_windows import Fence, add_in_windows
from worker.store import StoreError
from worker.store.errors import OutOfMemory, SdkSetsLost

_FENCE = Fence("sdk:bigseg_canary", "these", "worker")
_PER_WINDOW = 100


@pytest.fixture
def client(valkey_server: Server) -> Iterator[Redis]:
    with valkey_server.client() as client:
        client.hset(_FENCE.key, mapping={"name": "these", "writer": "worker", "writes": 6})
        yield client
        client.flushall()


def _windows(count: int, meanwhile: Callable[[int], Any] = lambda _: None) -> Iterator[HashedKeys]:
    """Hashes of some windows; something may happen before each is made."""
    for window in range(count):
        meanwhile(window)
        yield HashedKeys.of(pa.array([f"{window}-{n}" for n in range(_PER_WINDOW)]))


def _add(client: Redis, hashes: Iterator[HashedKeys]) -> list[int]:
    return [*add_in_windows(client, _FENCE, "sdk:include:", "vip.g1", hashes)]


def _sets(client: Redis) -> int:
    return sum(1 for _ in client.scan_iter("sdk:include:*", 1_000))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_add__some_windows__all_are_in_the_sets_and_counted(client: Redis, count: int) -> None:
    assert _add(client, _windows(count)) == [*range(7, 7 + count)]
    assert _sets(client) == count * _PER_WINDOW
    (name,) = HashedKeys.of(pa.array(["0-0"])).texts()
    assert client.smembers(f"sdk:include:{name}") == {b"vip.g1"}


@pytest.mark.parametrize("change", ["writer", "name", "gone"])
@pytest.mark.parametrize("before", [0, 1, 4])
def test_add__canary_changes__nothing_is_written_from_then_on(
    client: Redis, before: int, change: str
) -> None:
    written: list[int] = []

    def meanwhile(window: int) -> None:
        if window == before:
            if change == "gone":
                client.unlink(_FENCE.key)
            else:
                client.hset(_FENCE.key, change, "other")
            written.append(_sets(client))

    with pytest.raises(SdkSetsLost):
        _add(client, _windows(6, meanwhile))
    assert [_sets(client)] == written


def test_add__server_out_of_memory__says_so(client: Redis) -> None:
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(OutOfMemory):
            _add(client, _windows(3))
    finally:
        client.config_set("maxmemory", 0)
    assert _sets(client) == 0


def test_add__key_of_another_type__is_an_error_and_the_connection_is_not_used_again(
    client: Redis,
) -> None:
    (name,) = HashedKeys.of(pa.array(["1-7"])).texts()
    client.set(f"sdk:include:{name}", "text")
    with pytest.raises(StoreError):
        _add(client, _windows(3))
    assert client.get(f"sdk:include:{name}") == b"text"
