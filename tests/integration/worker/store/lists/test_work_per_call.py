"""No call makes the server do much at a time: others wait for as long as it lasts.

Work is counted, in commands and their arguments; time would tell of the machine.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.support.servers.monitoring import Call, monitored
from tests.support.servers.redis import Server
from tests.support.store.building import build, publish, seal_and_count
from tests.support.store.stores import PRODUCTION, new_list, opened, raw
from worker.store import Edit, ListRef, NewSegment, Store
from worker.store.access_tokens import NewToken
from worker.store.keyspace import INCLUDED
from worker.store.lists import (
    OPS_PER_CALL,
    ScheduleChange,
    ShardWriter,
    change_schedules,
    expire_members,
    read_schedules,
)
from worker.store.workflows import reclaim_list

#: Of one call, whatever its kind: some 2 ms at most, on lists that are in no cache.
MOST_COMMANDS: Final = 300
MOST_ARGUMENTS: Final = 1_600
#: Fields or members in one reply.
MOST_IN_REPLY: Final = 1_000
PAST, LATER = 1_000, 2**41

KEYS = tuple(f"key-{n}" for n in range(1_200))


@contextmanager
def _bounded(server: Server, *, calls: int, most: int = MOST_COMMANDS) -> Iterator[list[Call]]:
    """Hold each call within to its bounds; there must be at least this many of them."""
    with monitored(server) as made:
        yield made
    assert len(made) >= calls
    for call in made:
        assert call.commands <= most, call
        assert call.arguments <= MOST_ARGUMENTS, call


@pytest.fixture(params=["valkey_server", "redis8_server"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    with opened(server) as opened_store:
        yield opened_store


@pytest.fixture
def ref(store: Store) -> ListRef:
    return new_list(store)


def _add(store: Store, ref: ListRef) -> None:
    store.memberships.edit(ref, [Edit("i+", key) for key in KEYS])


def _schedule(store: Store, ref: ListRef, due_ms: int) -> None:
    changes = [
        ScheduleChange("add", INCLUDED, key, due_ms, id=secrets.token_hex(12)) for key in KEYS
    ]
    assert set(change_schedules(store.database, ref, changes)) == {"done"}


def test_edit__of_many_keys__goes_in_steps(server: Server, store: Store, ref: ListRef) -> None:
    with _bounded(server, calls=9):
        _add(store, ref)
    store.builds.claim(ref, "i1")
    _schedule(store, ref, LATER)
    with _bounded(server, calls=9):
        store.memberships.edit(ref, [Edit("i-", key) for key in KEYS])


def test_edit__in_one_step__asks_each_shard_once(
    server: Server, store: Store, ref: ListRef
) -> None:
    build_ = build(store, ref, "i1", KEYS, bits=6)
    publish(store, ref, "i1", build_)
    edits = [Edit("i-", key) for key in KEYS[:OPS_PER_CALL]]
    with monitored(server) as made:
        store.memberships.edit(ref, edits, ops_per_step=OPS_PER_CALL)
    scripts = [call for call in made if call.commands]
    assert len(scripts) == 1
    assert scripts[0].commands < OPS_PER_CALL + 64 + 20


def test_replay__of_many_edits__goes_in_steps(server: Server, store: Store, ref: ListRef) -> None:
    target = build(store, ref, "i1", [])
    _add(store, ref)
    with _bounded(server, calls=5):
        publish(store, ref, "i1", target)


def test_count__of_many_shards__goes_in_steps(server: Server, store: Store, ref: ListRef) -> None:
    target = build(store, ref, "i1", KEYS, bits=10)
    with _bounded(server, calls=9):
        assert seal_and_count(store, ref, "i1", target)[1] == (len(KEYS), 0)


def test_schedules__of_many_keys__are_made_read_and_expire_in_steps(
    server: Server, store: Store, ref: ListRef
) -> None:
    _add(store, ref)
    with _bounded(server, calls=10):
        _schedule(store, ref, PAST)
    with _bounded(server, calls=5):
        assert len(read_schedules(store.database, ref)) == len(KEYS)
    with _bounded(server, calls=10):
        assert expire_members(store.database, ref).removed == len(KEYS)


def test_shards__written_without_payloads_or_copied__go_in_steps(
    server: Server, store: Store, ref: ListRef
) -> None:
    store.builds.claim(ref, "i1")
    target = store.builds.prepare(ref, "i1", 8, 0)
    members = [f"m{n}".encode() for n in range(75)]
    with ShardWriter(store.database, ref, "i1", target.name) as writer, _bounded(server, calls=32):
        writer.fill(INCLUDED, ((n, members) for n in range(256)))
        writer.fill("excluded", [(0, [])])
        writer.flush()
    publish(store, ref, "i1", target)
    store.builds.claim(ref, "i2")
    target = store.builds.prepare(ref, "i2", 8, 0)
    with ShardWriter(store.database, ref, "i2", target.name) as writer, _bounded(server, calls=4):
        assert writer.copy(INCLUDED, 0, 256, []) == (256 * 75, 0)


def test_reclaim__of_many_shards_and_imports__goes_in_steps(
    server: Server, store: Store, ref: ListRef
) -> None:
    publish(store, ref, "i1", build(store, ref, "i1", KEYS, bits=10))
    build(store, ref, "i2", KEYS, bits=10)
    store.builds.cancel(ref, "i2")
    record = store.keyspace.list_record(ref)
    figures = {f"published:{n}": f"{2**41} 1 1 0 0 {n}" for n in range(3_000)}
    raw(store).hset(record, mapping=figures)
    with _bounded(server, calls=5):
        assert reclaim_list(store, ref) >= 1_024
    with _bounded(server, calls=1):
        store.memberships.delete(ref)


def test_retire__thousands_of_old_figures__forgets_them_by_and_by(
    store: Store, ref: ListRef
) -> None:
    record, client = store.keyspace.list_record(ref), raw(store)
    figures = {f"published:{n}": f"{1_000 if n % 2 else 2**41} 1 1 0 0 {n}" for n in range(1_000)}
    client.hset(record, mapping=figures)
    before = client.hlen(record)
    for _ in range(200):
        reclaim_list(store, ref)
        if client.hlen(record) == before - 500:
            break
    left = {int(name[10:]) for name in client.hkeys(record) if name.startswith(b"published:")}
    assert left == set(range(0, 1_000, 2))


def test_definitions_and_tokens__of_thousands__are_read_in_pages(
    server: Server, store: Store
) -> None:
    for number in range(3):
        store.segments.create(PRODUCTION, NewSegment(key=f"s{number}", name="s"))
    client, keys = raw(store), store.keyspace
    text = client.hget(keys.segments(PRODUCTION), "s0")
    copies = {
        f"c{number}": text.replace(b'"salt":"', b'"salt":"%d-' % number) for number in range(2_000)
    }
    client.hset(keys.segments(PRODUCTION), mapping=copies)
    _of_one(client.hscan, keys.segments(PRODUCTION))
    token, _ = store.access_tokens.create(NewToken("t", "reader", "me"))
    text = client.hget(keys.access_tokens(), f"token:{token.id}")
    client.hset(
        keys.access_tokens(), mapping={f"token:{number:024}": text for number in range(2_000)}
    )
    with monitored(server) as made:
        assert len(store.segments.read_all(PRODUCTION)) == 2_003
        assert len(store.access_tokens.read().tokens) == 2_001
    names = [call.name for call in made]
    assert names.count("HSCAN") >= 8
    assert not {"HGETALL", "HVALS", "HKEYS"} & set(names)
    with _bounded(server, calls=10):
        assert all(store.segments.read_many(PRODUCTION, list(copies)[:1_000]))


def _of_one(scan: Callable[..., tuple[int, dict[bytes, bytes]]], name: str) -> None:
    """A page has about as many fields as were asked for."""
    _, page = scan(name, 0, count=500)
    assert len(page) <= MOST_IN_REPLY
