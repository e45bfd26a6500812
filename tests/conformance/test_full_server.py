"""A server at its memory limit refuses what takes memory and allows what frees it."""

from collections.abc import Iterator

import pytest

from tests.support.servers.redis import running_server
from tests.support.store.building import assert_list, build, publish, replace, write_side
from tests.support.store.stores import PRODUCTION, keys_of, new_list, opened, raw
from worker.store import Edit, ImportRequest, OutOfMemory, SegmentNotFound, Store
from worker.store.keyspace import INCLUDED
from worker.store.lists import Retention
from worker.store.workflows import (
    free_kept_on_full_servers,
    free_kept_revisions,
    lists_to_reclaim,
    reclaim_list,
)


@pytest.fixture(scope="module")
def own_store() -> Iterator[Store]:
    """A store on a server of its own, because the limit is the whole server's."""
    with running_server("valkey") as server, opened(server) as store:
        yield store


@pytest.fixture
def store(own_store: Store) -> Iterator[Store]:
    yield own_store
    _limit(own_store, 0)


def _limit(store: Store, size_bytes: int) -> None:
    raw(store).config_set("maxmemory", size_bytes)


def test_full_server__edit_and_build__are_refused_and_change_nothing(store: Store) -> None:
    ref = new_list(store, "a")
    replace(store, ref, "i1", ["x"])
    before = store.memberships.state(ref)
    target = build(store, ref, "i2", ["y"])
    _limit(store, 1)
    with pytest.raises(OutOfMemory):
        store.memberships.edit(ref, [Edit("i+", "z")])
    with pytest.raises(OutOfMemory):
        write_side(store, ref, "i2", INCLUDED, ["z"], target.included_bits, target=target.name)
    with pytest.raises(OutOfMemory):
        publish(store, ref, "i2", target)
    store.builds.cancel(ref, "i2")
    assert reclaim_list(store, ref) == 17
    assert_list(store, ref, {"x"})
    assert store.memberships.state(ref) == before


def test_full_server__delete_and_end_of_a_job__work(store: Store) -> None:
    ref = new_list(store, "b")
    replace(store, ref, "i1", ["x"])
    request = ImportRequest("i2", ref, "merge", (), allow_empty=False, created_ms=1)
    store.jobs.create(request, stage="plan", units=1)
    _limit(store, 1)
    assert store.jobs.end(request.ref, "stopped", reason="full", keep_s=60)
    store.segments.delete(PRODUCTION, "b")
    with pytest.raises(SegmentNotFound):
        store.memberships.look_up(ref, ["x"])
    for one in lists_to_reclaim(store, PRODUCTION):
        reclaim_list(store, one)
    assert not [key for key in keys_of(store) if ":b.g1}" in key]


def test_full_server__roll_back__works(store: Store) -> None:
    ref = new_list(store, "c")
    replace(store, ref, "i1", ["x"])
    replace(store, ref, "i2", ["y"])
    _limit(store, 1)
    assert store.revisions.publish(ref, 1)
    assert_list(store, ref, {"x"})


def test_kept_revisions__memory_is_needed__the_oldest_of_each_list_goes_first(
    store: Store,
) -> None:
    refs = [new_list(store, key) for key in ("d", "e")]
    for ref in refs:
        for number in (1, 2, 3):
            replace(store, ref, f"i{number}", [f"k{number}"], retire_after_ms=0)
    keep, kept_then = Retention(3, 60_000), []

    def has_room() -> bool:
        kept_then.append([len(store.revisions.find_all(ref)) - 1 for ref in refs])
        return kept_then[-1] == [1, 2]

    assert free_kept_revisions(store, refs[0], keep, has_room) == 2 + 17 + 2
    assert kept_then == [[2, 3], [2, 2], [1, 2]]
    assert store.revisions.publish(refs[1], 1)
    assert free_kept_on_full_servers(store, keep, 0.8) == 0
    _limit(store, int(raw(store).info("memory")["used_memory"] * 1.1))
    assert free_kept_on_full_servers(store, keep, 0.8) > 0
    assert [len(store.revisions.find_all(ref)) for ref in refs] == [1, 1]
    assert_list(store, refs[1], {"k1"})
