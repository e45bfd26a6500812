"""A key is erased from everything that a list has, in one step, and nothing brings it back."""

import pytest

from tests.support.store.building import (
    assert_list,
    build,
    members_of,
    publish,
    replace,
    seal_and_count,
)
from tests.support.store.stores import raw
from worker.store import Edit, EditOp, ListRef, SegmentNotFound, SnapshotLost, Store
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists import (
    MemberErased,
    Retention,
    Revision,
    ScheduleChange,
    Snapshot,
    change_schedules,
    drop_changes_of,
    erase_member,
    forget_erasure,
    read_schedules,
    states_at,
    take_snapshot,
)
from worker.store.workflows import reclaim_list

KEYS = {f"key-{n}" for n in range(60)}
GONE = "key-7"
LEFT = KEYS - {GONE}
_LATER_MS = 2**42


def _erase(store: Store, ref: ListRef, erasure_id: str = "e1") -> MemberErased:
    return erase_member(store.database, ref, erasure_id, GONE)


def _changed(store: Store, ref: ListRef, taken: Snapshot) -> dict[bytes, bool]:
    revision, since = taken.revision, taken.since
    return states_at(store.database, ref, revision, since, INCLUDED, 0, 1 << 32)


def _freed(store: Store, ref: ListRef) -> list[Revision]:
    fields = raw(store).hgetall(store.keyspace.list_record(ref))
    found = [value for name, value in fields.items() if name.startswith(b"reclaim:")]
    return [Revision.parse(value.decode()) for value in found]


class ErasureSuite:
    def test_erase__member_of_both_lists__is_in_neither(self, store: Store, ref: ListRef) -> None:
        edits = [Edit("i+", key) for key in KEYS] + [Edit("e+", GONE), Edit("e+", "out")]
        store.memberships.edit(ref, edits)
        before = store.memberships.state(ref)
        assert _erase(store, ref) == MemberErased(1, 1, 0, 0)
        assert_list(store, ref, LEFT, {"out"})
        after = store.memberships.state(ref)
        assert (after.version, after.modified_ms >= before.modified_ms) == (
            before.version + 1,
            True,
        )

    def test_erase__repeated__gives_the_same_figures_until_it_is_forgotten(
        self, store: Store, ref: ListRef
    ) -> None:
        replace(store, ref, "i1", KEYS)
        replace(store, ref, "i2", KEYS)
        first = _erase(store, ref)
        version = store.memberships.state(ref).version
        assert first == _erase(store, ref) == MemberErased(1, 0, 1, 0)
        assert store.memberships.state(ref).version == version
        assert _erase(store, ref, "e2") == MemberErased()
        forget_erasure(store.database, [ref], "e1")
        assert _erase(store, ref) == MemberErased()
        fields = raw(store).hkeys(store.keyspace.list_record(ref))
        assert not [name for name in fields if name.startswith(b"erased:")]

    def test_erase__kept_revision__is_whole_without_it_when_it_is_live_again(
        self, store: Store, ref: ListRef
    ) -> None:
        store.memberships.edit(ref, [Edit("e+", GONE)])
        replace(store, ref, "i1", KEYS)
        store.memberships.edit(ref, [Edit("e-", GONE)])
        replace(store, ref, "i2", {"other"})
        assert _erase(store, ref) == MemberErased(0, 0, 2, 0)
        kept = {each.number: each for each in store.revisions.find_all(ref)}
        assert (kept[1].included_count, kept[1].excluded_count) == (len(LEFT), 0)
        assert store.revisions.publish(ref, 1)
        assert_list(store, ref, LEFT)

    def test_erase__live_revision__is_no_edit_of_it(self, store: Store, ref: ListRef) -> None:
        replace(store, ref, "i1", KEYS)
        replace(store, ref, "i2", KEYS)
        _erase(store, ref)
        live = store.revisions.find_all(ref)[0]
        assert (live.edits, live.import_id) == (0, "i2")
        claim = store.builds.claim(ref, "i3")
        assert claim.previous is not None
        assert claim.previous.edits_since == 0
        store.builds.cancel(ref, "i3")
        assert store.revisions.publish(ref, 1)
        assert_list(store, ref, LEFT)

    def test_erase__import_that_builds__publishes_without_it(
        self, store: Store, ref: ListRef
    ) -> None:
        target = build(store, ref, "i1", KEYS)
        assert _erase(store, ref) == _erase(store, ref) == MemberErased()
        assert store.builds.journal_ops(ref) == 2
        publish(store, ref, "i1", target)
        assert_list(store, ref, LEFT)

    def test_erase__member_is_added_back_while_an_import_builds__is_erased_from_both(
        self, store: Store, ref: ListRef
    ) -> None:
        target = build(store, ref, "i1", KEYS)
        _erase(store, ref)
        store.memberships.edit(ref, [Edit("i+", GONE)])
        assert _erase(store, ref) == MemberErased(1, 0, 0, 0)
        assert_list(store, ref, ())
        publish(store, ref, "i1", target)
        assert_list(store, ref, LEFT)

    def test_erase__next_import_that_builds__is_told_too(self, store: Store, ref: ListRef) -> None:
        build(store, ref, "i1", KEYS)
        _erase(store, ref)
        store.builds.cancel(ref, "i1")
        target = build(store, ref, "i2", KEYS)
        _erase(store, ref)
        publish(store, ref, "i2", target)
        assert_list(store, ref, LEFT)

    def test_erase__import_that_is_held__journal_holds_nothing_once_it_is_replayed(
        self, store: Store, ref: ListRef
    ) -> None:
        target = build(store, ref, "i1", KEYS)
        seal, counts = seal_and_count(store, ref, "i1", target)
        assert store.builds.hold(ref, "i1", counts=counts, seal=seal) is not None
        _erase(store, ref)
        held = store.builds.hold(ref, "i1", counts=counts, seal=seal)
        assert held is not None
        assert (held.more, held.edited(INCLUDED)) == (False, -1)
        assert members_of(store, ref, target, INCLUDED) == LEFT
        assert not raw(store).xlen(store.keyspace.edits(ref))

    def test_erase__abandoned_build__is_not_in_what_is_to_be_freed(
        self, store: Store, ref: ListRef
    ) -> None:
        target = build(store, ref, "i1", KEYS)
        store.builds.cancel(ref, "i1")
        assert [each.name for each in _freed(store, ref)] == [target.name]
        _erase(store, ref)
        assert members_of(store, ref, target, INCLUDED) == LEFT

    def test_erase__deleted_list__is_not_in_what_is_to_be_freed(
        self, store: Store, ref: ListRef
    ) -> None:
        replace(store, ref, "i1", KEYS)
        store.memberships.delete(ref)
        assert _erase(store, ref) == MemberErased()
        for each in _freed(store, ref):
            assert GONE not in members_of(store, ref, each, INCLUDED)
        with pytest.raises(SegmentNotFound):
            store.memberships.state(ref)
        reclaim_list(store, ref, Retention(0, 0))
        assert _erase(store, ref) == MemberErased()
        assert not raw(store).exists(store.keyspace.list_record(ref))

    def test_erase__schedules_of_the_member__are_dropped(self, store: Store, ref: ListRef) -> None:
        store.memberships.edit(ref, [Edit("i+", GONE), Edit("e+", GONE), Edit("i+", "a")])
        changes = [
            ScheduleChange("add", side, key, _LATER_MS, id=f"{side}{key}")
            for side, key in ((INCLUDED, GONE), (EXCLUDED, GONE), (INCLUDED, "a"))
        ]
        change_schedules(store.database, ref, changes)
        assert _erase(store, ref) == MemberErased(1, 1, 0, 2)
        assert [each.key for each in read_schedules(store.database, ref)] == ["a"]
        schedules = store.keyspace.schedules(ref)
        assert (raw(store).zcard(schedules), raw(store).hlen(f"{schedules}-details")) == (1, 1)

    def test_erase__key_that_nothing_has__changes_nothing(self, store: Store, ref: ListRef) -> None:
        replace(store, ref, "i1", LEFT)
        before = raw(store).hgetall(store.keyspace.list_record(ref))
        assert _erase(store, ref) == MemberErased()
        assert raw(store).hgetall(store.keyspace.list_record(ref)) == before

    @pytest.mark.parametrize("op", ["i+", "e-"])
    def test_drop_changes__snapshot_has_the_member_in_a_change__is_given_up(
        self, store: Store, ref: ListRef, op: EditOp
    ) -> None:
        store.memberships.edit(ref, [Edit("i+", "a"), Edit("e+", GONE)])
        taken = take_snapshot(store.database, ref, "i1", _LATER_MS)
        for n in range(120):
            store.memberships.edit(ref, [Edit("i+", f"more-{n}")])
        store.memberships.edit(ref, [Edit(op, GONE)])
        assert not drop_changes_of(store.database, ref, "another")
        assert len(_changed(store, ref, taken)) >= 120
        _erase(store, ref)
        assert drop_changes_of(store.database, ref, GONE)
        assert not raw(store).exists(store.keyspace.changes(ref))
        later = take_snapshot(store.database, ref, "i2", _LATER_MS)
        assert _changed(store, ref, later) == {}
        with pytest.raises(SnapshotLost):
            _changed(store, ref, taken)
        assert not drop_changes_of(store.database, ref, GONE)
