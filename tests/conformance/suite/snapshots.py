"""A snapshot reads a list as it was at one moment, whatever becomes of the list."""

import pytest

from tests.conformance.suite.schedules import PAST, change
from tests.support.store.building import build, members_of, publish
from tests.support.store.stores import keys_of, raw
from worker.store import Edit, EditOp, ListRef, SegmentNotFound, SnapshotLost, Store
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import (
    NONE_KEPT,
    Snapshot,
    expire_members,
    release_snapshot,
    states_at,
    take_snapshot,
)
from worker.store.members import unpack_member
from worker.store.workflows import reclaim_list, remove_segment

_HOUR_MS = 3_600_000
_ALL_HASHES = 1 << 32


def _take(store: Store, ref: ListRef, holder: str = "i1", ttl_ms: int = _HOUR_MS) -> Snapshot:
    return take_snapshot(store.database, ref, holder, ttl_ms)


def _edit(store: Store, ref: ListRef, *edits: tuple[EditOp, str]) -> None:
    store.memberships.edit(ref, [Edit(op, key) for op, key in edits])


def _read(store: Store, ref: ListRef, snapshot: Snapshot, side: Side = INCLUDED) -> set[str]:
    """What a list held at the moment."""
    revision, since = snapshot.revision, snapshot.since
    found = set(members_of(store, ref, revision, side))
    states = states_at(store.database, ref, revision, since, side, 0, _ALL_HASHES)
    for member, was_there in states.items():
        (found.add if was_there else found.discard)(unpack_member(member))
    return found


class SnapshotSuite:
    def test_snapshot__list_is_edited__is_read_as_it_was(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, *(("i+", key) for key in ("a", "b", "c")), ("e+", "x"))
        taken = _take(store, ref)
        _edit(store, ref, ("i-", "a"), ("i+", "b"), ("i+", "d"), ("e-", "x"), ("e+", "y"))
        _edit(store, ref, ("i+", "a"), ("i-", "d"), ("i-", "c"))
        assert _read(store, ref, taken) == {"a", "b", "c"}
        assert _read(store, ref, taken, EXCLUDED) == {"x"}
        assert (taken.included_count, taken.excluded_count) == (3, 1)

    def test_snapshot__members_expire__is_read_as_it_was(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, ("i+", "a"), ("i+", "b"))
        assert change(store, ref, "add", "a", due=PAST) == ["done"]
        taken = _take(store, ref)
        expire_members(store.database, ref)
        assert _read(store, ref, taken) == {"a", "b"}

    def test_snapshot__of_an_empty_list__stays_empty(self, store: Store, ref: ListRef) -> None:
        taken = _take(store, ref)
        _edit(store, ref, *(("i+", f"k{number}") for number in range(60)))
        assert _read(store, ref, taken) == set()

    def test_snapshot__range_of_hashes__tells_of_its_members_alone(
        self, store: Store, ref: ListRef
    ) -> None:
        taken, keys = _take(store, ref), {f"k{number}" for number in range(60)}
        _edit(store, ref, *(("i+", key) for key in sorted(keys)))
        halves = [
            states_at(store.database, ref, taken.revision, taken.since, INCLUDED, low, high)
            for low, high in ((0, _ALL_HASHES // 2), (_ALL_HASHES // 2, _ALL_HASHES))
        ]
        assert all(halves)
        assert {unpack_member(member) for half in halves for member in half} == keys
        assert sum(map(len, halves)) == len(keys)

    def test_snapshot__many_edits__are_all_read(self, store: Store, ref: ListRef) -> None:
        taken = _take(store, ref)
        for number in range(130):
            _edit(store, ref, ("i+", f"k{number}"))
        assert _read(store, ref, taken) == set()

    def test_snapshot__list_is_replaced_and_edited__keeps_its_revision(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, ("i+", "a"), ("i+", "b"))
        taken = _take(store, ref)
        target = build(store, ref, "i2", ["b", "c"])
        publish(store, ref, "i2", target, retire_after_ms=0)
        _edit(store, ref, ("i-", "c"))
        reclaim_list(store, ref, NONE_KEPT)
        assert _read(store, ref, taken) == {"a", "b"}

    def test_snapshot__taken_again__is_the_same(self, store: Store, ref: ListRef) -> None:
        taken = _take(store, ref)
        _edit(store, ref, ("i+", "a"))
        publish(store, ref, "i2", build(store, ref, "i2", ["b"]))
        assert _take(store, ref) == taken

    def test_snapshots__of_several_holders__have_each_its_moment(
        self, store: Store, ref: ListRef
    ) -> None:
        first = _take(store, ref, "i1")
        _edit(store, ref, ("i+", "a"))
        second = _take(store, ref, "i2")
        _edit(store, ref, ("i-", "a"))
        assert (_read(store, ref, first), _read(store, ref, second)) == (set(), {"a"})
        release_snapshot(store.database, ref, "i1")
        assert _read(store, ref, second) == {"a"}

    def test_release__last_snapshot__leaves_nothing(self, store: Store, ref: ListRef) -> None:
        before = keys_of(store)
        fields = set(store.client.hkeys(store.keyspace.list_record(ref)))
        taken = _take(store, ref)
        _edit(store, ref, ("i-", "a"))
        for _ in range(2):
            release_snapshot(store.database, ref, "i1")
        assert keys_of(store) == before
        assert set(store.client.hkeys(store.keyspace.list_record(ref))) == fields
        with pytest.raises(SnapshotLost):
            _read(store, ref, taken)

    def test_snapshot__holder_has_died__ends_by_itself(self, store: Store, ref: ListRef) -> None:
        fields = set(store.client.hkeys(store.keyspace.list_record(ref)))
        _take(store, ref, ttl_ms=0)
        changes = store.keyspace.changes(ref)
        raw(store).persist(changes)
        reclaim_list(store, ref)
        assert set(store.client.hkeys(store.keyspace.list_record(ref))) == fields
        assert changes not in keys_of(store)

    def test_snapshot__its_changes__live_as_long(self, store: Store, ref: ListRef) -> None:
        changes = store.keyspace.changes(ref)
        _take(store, ref, "i1", _HOUR_MS)
        _take(store, ref, "i2", 1_000)
        assert 0.9 * _HOUR_MS < raw(store).pttl(changes) <= _HOUR_MS
        _take(store, ref, "i2", 2 * _HOUR_MS)
        assert 1.9 * _HOUR_MS < raw(store).pttl(changes) <= 2 * _HOUR_MS

    def test_snapshot__list_is_edited_too_often__is_lost(self, store: Store, ref: ListRef) -> None:
        taken = _take(store, ref)
        store.client.hset(store.keyspace.list_record(ref), "changes", 500_000)
        _edit(store, ref, ("i+", "a"))
        with pytest.raises(SnapshotLost):
            _read(store, ref, taken)

    def test_snapshot__list_is_deleted__is_lost(self, store: Store, ref: ListRef) -> None:
        taken = _take(store, ref)
        remove_segment(store, ref.env, ref.segment)
        with pytest.raises(SnapshotLost):
            _read(store, ref, taken)
        with pytest.raises(SegmentNotFound):
            _take(store, ref)
        assert store.keyspace.changes(ref) not in keys_of(store)
