"""Writing whole shards on real servers, with what can go wrong between two windows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.proxies.cutting import running_cutting_proxy
from tests.support.proxies.tls import issue_files, running_tls_proxy
from tests.support.servers.redis import Cluster, Server, running_cluster, running_server
from tests.support.servers.replicated import running_replicated
from tests.support.servers.slots import begin_move, move_slot, node_of, other_node
from tests.support.store.building import (
    assert_list,
    build,
    members_of,
    payloads_of,
    publish,
    write_side,
)
from tests.support.store.stores import (
    new_list,
    open_database_of,
    opened,
    raw,
)
from worker.settings import StoreSettings
from worker.store import Fenced, ListRef, OutOfMemory, Store, StoreUnavailable, open_store
from worker.store.errors import StoreRefused
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists import Revision, ShardWriter
from worker.store.server.connections import connect

BITS: Final = 8
KEYS: Final = frozenset(f"key-{n}" for n in range(5_000))
OLD: Final = frozenset(f"old-{n}" for n in range(5_000))


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of the test's own, to be limited and demoted."""
    if request.param == "redis":
        request.getfixturevalue("redis8_server")  # skips where no wheel has it
    with running_server(request.param) as server:
        yield server


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    with opened(server) as store:
        yield store


def _built(store: Store) -> tuple[ListRef, Revision]:
    """A list whose import "i1" has written other keys."""
    ref = new_list(store)
    return ref, build(store, ref, "i1", OLD, bits=BITS)


@contextmanager
def _writer(store: Store, ref: ListRef, target: Revision) -> Iterator[ShardWriter]:
    """A writer that has written the first windows again and sleeps."""
    with ShardWriter(store.database, ref, "i1", target.name) as writer:
        assert writer.takes_payloads()
        writer.put(INCLUDED, 0, payloads_of(OLD, BITS)[:128])
        writer.flush()
        yield writer


@contextmanager
def _through(url: str, store: Store) -> Iterator[Store]:
    """The same store, dialled elsewhere."""
    settings = {"redis_url": url, "key_prefix": store.keyspace.prefix, "redis_timeout_s": 5}
    with open_store(StoreSettings.model_validate(settings)) as other:
        yield other


def _write_all(writer: ShardWriter) -> None:
    writer.put(INCLUDED, 0, payloads_of(KEYS, BITS))
    writer.flush()


def test_put__many_windows__every_shard_is_there(store: Store) -> None:
    ref, target = _built(store)
    sent: list[int] = []
    payloads = payloads_of(KEYS, BITS)
    with ShardWriter(store.database, ref, "i1", target.name, on_sent=sent.append) as writer:
        _write_all(writer)
    assert sum(sent) > sum(map(len, payloads))
    assert len(sent) >= 8
    assert members_of(store, ref, target, INCLUDED) == KEYS
    publish(store, ref, "i1", target)
    assert_list(store, ref, KEYS)


def test_put__payloads_larger_than_a_window__go_one_by_one(store: Store) -> None:
    ref, target = _built(store)
    keys = {f"{n:0>2000}-{'x' * 1500}" for n in range(1_000)}
    write_side(store, ref, "i1", INCLUDED, keys, BITS)
    assert members_of(store, ref, target, INCLUDED) == keys


def test_put__copies_and_members_by_turns__answers_are_not_mixed_up(store: Store) -> None:
    ref, target = _built(store)
    with _writer(store, ref, target) as writer:
        writer.fill(INCLUDED, [(0, [b"a"])])
        writer.put(INCLUDED, 0, payloads_of(KEYS, BITS))
        assert writer.copy(EXCLUDED, 0, 1, [(0, [b"x"])]) == (0, 1)
        writer.put(INCLUDED, 0, payloads_of(KEYS, BITS)[:40])
    assert members_of(store, ref, target, INCLUDED) == KEYS
    assert members_of(store, ref, target, EXCLUDED) == {"x"}


def test_put__done__leaves_no_watch_to_the_next_user_of_the_connection(store: Store) -> None:
    ref, target = _built(store)
    with _writer(store, ref, target):
        pass
    store.builds.seal(ref, "i1")
    for _ in range(3):
        with raw(store).pipeline(transaction=True) as pipeline:
            assert pipeline.exists(store.keyspace.fence(ref)).execute() == [0]


def test_put__closed_and_opened_in_between__starts_again(store: Store) -> None:
    ref, target = _built(store)
    with _writer(store, ref, target) as one:
        store.builds.seal(ref, "i1")
        store.builds.unseal(ref, "i1")
        with pytest.raises(StoreUnavailable, match="opened again"):
            _write_all(one)
    assert members_of(store, ref, target, INCLUDED) == OLD
    write_side(store, ref, "i1", INCLUDED, KEYS, BITS)
    assert members_of(store, ref, target, INCLUDED) == KEYS


def test_put__another_build_of_the_same_import_id__is_fenced(store: Store) -> None:
    """The fence names the claim's revision, which no other claim gets."""
    ref, target = _built(store)
    with _writer(store, ref, target) as one:
        store.builds.cancel(ref, "i1")
        again = build(store, ref, "i1", OLD, bits=BITS)
        with pytest.raises(Fenced):
            _write_all(one)
    assert again.name != target.name
    assert members_of(store, ref, again, INCLUDED) == OLD


def test_put__server_becomes_full_in_between__is_out_of_memory(store: Store) -> None:
    ref, target = _built(store)
    try:
        with _writer(store, ref, target) as one:
            raw(store).config_set("maxmemory", 1)
            with pytest.raises(OutOfMemory):
                _write_all(one)
    finally:
        raw(store).config_set("maxmemory", 0)
    assert members_of(store, ref, target, INCLUDED) == OLD


def test_put__right_taken_away_in_between__is_refused(server: Server) -> None:
    with opened(server) as store:
        ref, target = _built(store)
        server.command_reply("ACL", "SETUSER", "w", "on", ">s", "~*", "&*", "+@all")
        with _through(server.url.replace("://", "://w:s@"), store) as theirs:
            with _writer(theirs, ref, target) as one:
                server.command_reply("ACL", "SETUSER", "w", "-restore")
                with pytest.raises(StoreRefused):
                    _write_all(one)
            for forbidden in ("restore", "watch", "get"):
                rights = ("+restore", "+watch", f"-{forbidden}")
                server.command_reply("ACL", "SETUSER", "w", *rights)
                with ShardWriter(theirs.database, ref, "i1", target.name) as writer:
                    assert not writer.takes_payloads()
                    writer.fill(EXCLUDED, [(0, [b"x"])])
                    writer.flush()
        assert members_of(store, ref, target, INCLUDED) == OLD
        assert members_of(store, ref, target, EXCLUDED) == {"x"}


def test_put__reply_to_exec_lost__starts_again_and_is_whole(store: Store, server: Server) -> None:
    ref, target = _built(store)
    with running_cutting_proxy(server.port) as proxy, _through(proxy.url, store) as theirs:
        with _writer(theirs, ref, target) as one:
            proxy.rule = lambda request, _reply: request.endswith(b"TIME\r\n")
            with pytest.raises(StoreUnavailable):
                _write_all(one)
        proxy.rule = lambda _request, _reply: False
        assert proxy.cuts >= 1, "one a connection"
        assert members_of(store, ref, target, INCLUDED) not in (OLD, KEYS)
        write_side(theirs, ref, "i1", INCLUDED, KEYS, BITS)
    publish(store, ref, "i1", target)
    assert_list(store, ref, KEYS)


def test_put__over_tls__is_whole(store: Store, server: Server, tmp_path: Path) -> None:
    ref, target = _built(store)
    files = issue_files(tmp_path)
    with running_tls_proxy(server.port, files.server) as port:
        url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={files.authority}"
        with _through(url, store) as theirs, _writer(theirs, ref, target) as writer:
            _write_all(writer)
    assert members_of(store, ref, target, INCLUDED) == KEYS


def test_put__primary_demoted_in_between__writes_to_the_new_one_only_from_the_start() -> None:
    with running_replicated() as servers:
        settings = StoreSettings.model_validate({"redis_url": servers.name.url})
        with open_store(settings) as store:
            store.environments.initialise()
            ref, target = _built(store)
            servers.follow()
            with _writer(store, ref, target) as one:
                servers.follow()
                servers.demote()
                with pytest.raises(StoreUnavailable):
                    _write_all(one)
            servers.rename()
        with open_store(settings) as store:
            assert members_of(store, ref, target, INCLUDED) == OLD
            write_side(store, ref, "i1", INCLUDED, KEYS, BITS)
            publish(store, ref, "i1", target)
            assert_list(store, ref, KEYS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of the module's own, to be changed."""
    with running_cluster("valkey") as cluster:
        yield cluster


@pytest.mark.parametrize("whole", [True, False], ids=["moved", "moving"])
def test_put__slot_moves_in_between__starts_again_at_its_node(
    cluster: Cluster, whole: bool
) -> None:
    with opened(cluster) as store:
        ref, target = _built(store)
        record = store.keyspace.list_record(ref)
        source = node_of(cluster, record)
        goal = other_node(cluster, source)
        with _writer(store, ref, target) as one:
            if whole:
                move_slot(cluster, record, source, goal)
            else:
                begin_move(record, source, goal)
                store.client.unlink(store.keyspace.shard(ref, target.name, INCLUDED, 0))
            with pytest.raises(StoreUnavailable):
                _write_all(one)
        if not whole:
            move_slot(cluster, record, source, goal)
        assert store.builds.target(ref, "i1") == target
        write_side(store, ref, "i1", INCLUDED, KEYS, BITS)
        publish(store, ref, "i1", target)
        assert_list(store, ref, KEYS)
        move_slot(cluster, record, goal, source)


def test_writer__two_connections_in_all__does_with_one(server: Server) -> None:
    settings = StoreSettings.model_validate({"redis_url": server.url, "redis_connections": 2})
    with opened(server) as store:
        ref, target = _built(store)
        database = open_database_of(connect(settings), store.keyspace.prefix)
        with ShardWriter(database, ref, "i1", target.name) as writer:
            _write_all(writer)
            assert database.client.ping()
        database.client.close()
        assert members_of(store, ref, target, INCLUDED) == KEYS
