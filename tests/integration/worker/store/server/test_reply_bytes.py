"""Reading replies as bytes fails as the driver does: slow, closed and forbidding servers."""

import signal
from collections.abc import Iterator

import pytest

from tests.support.proxies.cutting import CuttingProxy, running_cutting_proxy
from tests.support.servers.redis import Server, running_server
from tests.support.store.stores import open_database_of
from worker.settings import StoreSettings
from worker.store import ListRef, StoreRefused, StoreUnavailable
from worker.store.keyspace import INCLUDED
from worker.store.lists import Revision, read_shards
from worker.store.members import SENTINEL
from worker.store.server.connections import connect
from worker.store.server.database import Database

_REF = ListRef("default", "production", "s", 1)
_REVISION = Revision("apart", 10, 0)
_SHARDS = 1_024


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server("valkey") as server:
        yield server


@pytest.fixture(scope="module")
def proxy(server: Server) -> Iterator[CuttingProxy]:
    with running_cutting_proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def database(proxy: CuttingProxy) -> Iterator[Database]:
    """Shards of a hundred members, reached through the proxy."""
    settings = StoreSettings.model_validate({"redis_url": proxy.url, "redis_timeout_s": 0.5})
    client = connect(settings)
    database = open_database_of(client)
    pipeline = client.pipeline(transaction=False)
    for index in range(_SHARDS):
        name = database.keys.shard(_REF, _REVISION.name, INCLUDED, index)
        pipeline.sadd(name, SENTINEL, *(f"member {n}" for n in range(100)))
    pipeline.execute()
    yield database
    client.close()


def _read(database: Database) -> int:
    columns = read_shards(database, _REF, _REVISION, INCLUDED, 0, _SHARDS)
    return sum(map(len, columns))


def test_read_shards__connection_lost_among_the_replies__is_unavailable(
    database: Database, proxy: CuttingProxy
) -> None:
    seen: list[int] = []

    def cuts_the_fifth(_request: bytes, reply: bytes) -> bool:
        seen.append(len(reply))
        return len(seen) == 5

    proxy.rule = cuts_the_fifth
    with pytest.raises(StoreUnavailable, match=r"read shards of s\.g1: the store did not"):
        _read(database)
    assert _read(database) == _SHARDS * 100


def test_read_shards__server_falls_silent__is_unavailable_after_the_time_out(
    database: Database, server: Server
) -> None:
    assert server.process is not None
    reading = read_shards(database, _REF, _REVISION, INCLUDED, 0, _SHARDS)
    assert len(next(reading)) >= 65_536
    server.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(StoreUnavailable, match=r"TimeoutError"):
            list(reading)
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert _read(database) == _SHARDS * 100


def test_read_shards__command_forbidden__is_refused_in_the_servers_words(
    database: Database, server: Server
) -> None:
    server.command_reply("ACL", "SETUSER", "default", "-smembers")
    try:
        with pytest.raises(StoreRefused, match="smembers"):
            _read(database)
    finally:
        server.command_reply("ACL", "SETUSER", "default", "+smembers")
    assert _read(database) == _SHARDS * 100
