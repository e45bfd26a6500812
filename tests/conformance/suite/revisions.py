"""A replaced revision is kept, and made live again in one step, whole or not at all."""

import time
from collections.abc import Iterable

import pytest

from tests.support.store.building import (
    assert_list,
    build,
    natural_form,
    publish,
    replace,
    run,
)
from tests.support.store.stores import PRODUCTION, raw
from worker.store import (
    Edit,
    EditsSince,
    ImportInProgress,
    ListRef,
    RevisionDamaged,
    RevisionNotFound,
    SegmentNotFound,
    Store,
    Superseded,
)
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists import (
    KeptRevision,
    Retention,
    ScheduleChange,
    change_schedules,
    expire_members,
    read_schedules,
)
from worker.store.members import hash_member, pack_key, shard_index
from worker.store.workflows import lists_to_reclaim, lists_to_tidy, reclaim_list

OLD = {f"old-{n}" for n in range(60)}
NEW = {f"new-{n}" for n in range(90)}
WEEK = Retention(2, 7 * 86_400_000)
_PAST_MS = 1_000


def _edit(store: Store, ref: ListRef, *ops: str) -> None:
    """Edit; each op is written ``i+key``."""
    store.memberships.edit(ref, [Edit(op[:2], op[2:]) for op in ops])  # type: ignore[arg-type]  # the literals are in the tests


def _replaced(store: Store, ref: ListRef) -> None:
    """Leave the old list as revision 1 and the new one live, as revision 2."""
    replace(store, ref, "i1", OLD, retire_after_ms=0)
    replace(store, ref, "i2", NEW, retire_after_ms=0)


def _numbers(kept: Iterable[KeptRevision]) -> list[int]:
    return [each.number for each in kept]


def _kept(store: Store, ref: ListRef) -> list[int]:
    return _numbers(store.revisions.find_all(ref))


class RevisionSuite:
    def test_roll_back__replaced_list__is_whole_again_at_once(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, "e+out")
        _replaced(store, ref)
        before = store.memberships.state(ref)
        belief = store.memberships.believe(ref)
        assert store.revisions.publish(ref, 1)
        assert_list(store, ref, OLD, {"out"})
        after = store.memberships.state(ref)
        assert (after.version, after.modified_ms >= before.modified_ms) == (
            before.version + 1,
            True,
        )
        assert belief.revision != after.live
        found = store.memberships.look_up(ref, ["old-1", "new-1", "out"])
        assert [(each.included, each.excluded) for each in found] == [
            (True, False),
            (False, False),
            (False, True),
        ]

    def test_roll_back__there_and_back__loses_nothing(self, store: Store, ref: ListRef) -> None:
        _replaced(store, ref)
        _edit(store, ref, "i+late")
        store.revisions.publish(ref, 1, force=True)
        _edit(store, ref, "i+early")
        store.revisions.publish(ref, 2, force=True)
        assert_list(store, ref, NEW | {"late"})
        store.revisions.publish(ref, 1)
        assert_list(store, ref, OLD | {"early"})
        assert _kept(store, ref) == [1, 2, 0]

    def test_roll_back__repeated__changes_nothing_more(self, store: Store, ref: ListRef) -> None:
        _replaced(store, ref)
        assert store.revisions.publish(ref, 1)
        before = raw(store).hgetall(store.keyspace.list_record(ref))
        assert not store.revisions.publish(ref, 1)
        name = store.memberships.state(ref).live.name
        assert run(store, "list/roll_back", ref, name, 60, 0, "0")[0] == b"live"
        assert raw(store).hgetall(store.keyspace.list_record(ref)) == before

    def test_roll_back__edited_since__is_refused_unless_forced(
        self, store: Store, ref: ListRef
    ) -> None:
        _replaced(store, ref)
        for key in ("a", "b", "c"):
            _edit(store, ref, f"i+{key}")
        with pytest.raises(EditsSince, match="changed by 3 edits"):
            store.revisions.publish(ref, 1)
        assert_list(store, ref, NEW | {"a", "b", "c"})
        assert store.revisions.publish(ref, 1, force=True)
        assert_list(store, ref, OLD)
        # What is lost now is counted from this flip on.
        assert store.revisions.publish(ref, 2)
        assert_list(store, ref, NEW | {"a", "b", "c"})

    def test_roll_back__lost_shard__is_refused(self, store: Store, ref: ListRef) -> None:
        _replaced(store, ref)
        old = store.revisions.find_all(ref)[1].revision
        raw(store).delete(store.keyspace.shard(ref, old.name, INCLUDED, 7))
        with pytest.raises(RevisionDamaged, match="60 members"):
            store.revisions.publish(ref, 1, force=True)
        assert_list(store, ref, NEW)

    def test_roll_back__shard_of_too_few_members__is_refused(
        self, store: Store, ref: ListRef
    ) -> None:
        _replaced(store, ref)
        old = store.revisions.find_all(ref)[1].revision
        member = pack_key("old-1")
        index = shard_index(hash_member(member), old.included_bits)
        raw(store).srem(store.keyspace.shard(ref, old.name, INCLUDED, index), member)
        with pytest.raises(RevisionDamaged):
            store.revisions.publish(ref, 1)
        assert_list(store, ref, NEW)

    def test_roll_back__excluded_member_is_lost__is_refused(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, "e+out")
        _replaced(store, ref)
        old = store.revisions.find_all(ref)[1].revision
        member = pack_key("out")
        index = shard_index(hash_member(member), old.excluded_bits)
        raw(store).srem(store.keyspace.shard(ref, old.name, EXCLUDED, index), member)
        with pytest.raises(RevisionDamaged):
            store.revisions.publish(ref, 1)
        assert_list(store, ref, NEW, {"out"})

    def test_roll_back__import_holds_the_list__is_refused(self, store: Store, ref: ListRef) -> None:
        _replaced(store, ref)
        target = build(store, ref, "i3", {"three"})
        with pytest.raises(ImportInProgress, match="i3"):
            store.revisions.publish(ref, 1, force=True)
        publish(store, ref, "i3", target)
        assert_list(store, ref, {"three"})
        assert _kept(store, ref) == [3, 2, 1, 0]

    def test_roll_back__re_shard_holds_the_list__it_gives_way(
        self, store: Store, ref: ListRef
    ) -> None:
        _replaced(store, ref)
        build(store, ref, "r1", NEW, bits=5, kind="reshard")
        assert store.revisions.publish(ref, 1)
        assert_list(store, ref, OLD)
        assert store.memberships.state(ref).building is None
        assert not raw(store).exists(store.keyspace.fence(ref))
        with pytest.raises(Superseded):
            store.builds.claim(ref, "r1", kind="reshard")
        assert reclaim_list(store, ref, WEEK) == 33
        assert _kept(store, ref) == [1, 2, 0]

    def test_roll_back__unknown_number__is_refused(self, store: Store, ref: ListRef) -> None:
        _replaced(store, ref)
        with pytest.raises(RevisionNotFound, match="no revision 7"):
            store.revisions.publish(ref, 7)
        assert run(store, "list/roll_back", ref, "r7-none", 0, 0, "1") == [b"gone"]
        assert_list(store, ref, NEW)

    def test_roll_back__deleted_list__is_refused(self, store: Store, ref: ListRef) -> None:
        _replaced(store, ref)
        name = store.revisions.find_all(ref)[1].revision.name
        store.segments.delete(PRODUCTION, ref.segment)
        with pytest.raises(SegmentNotFound):
            store.revisions.publish(ref, 1)
        assert run(store, "list/roll_back", ref, name, 60, 0, "1") == [b"deleted"]

    def test_re_shard__replaced_revision__is_not_kept_a_second_time(
        self, store: Store, ref: ListRef
    ) -> None:
        _replaced(store, ref)
        _edit(store, ref, "i+late")
        replace(store, ref, "r1", NEW | {"late"}, bits=5, retire_after_ms=0, kind="reshard")
        live, *others = store.revisions.find_all(ref)
        assert (live.number, live.edits, live.import_id, _numbers(others)) == (3, 1, "i2", [1, 0])
        with pytest.raises(RevisionNotFound):
            store.revisions.publish(ref, 2)
        with pytest.raises(EditsSince):
            store.revisions.publish(ref, 1)
        assert reclaim_list(store, ref, WEEK) == 17

    def test_find_all__each_revision__says_where_it_came_from(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, "i+a", "e+out")
        began_ms = store.memberships.state(ref).modified_ms
        _replaced(store, ref)
        _edit(store, ref, "i-new-1")
        live, old, first = store.revisions.find_all(ref)
        assert (live.number, live.import_id, live.edits, live.replaced_ms) == (2, "i2", 1, None)
        assert (live.included_count, live.excluded_count) == (89, 1)
        assert (old.number, old.import_id, old.edits) == (1, "i1", 0)
        assert (old.included_count, old.excluded_count) == (60, 1)
        assert (first.number, first.import_id, first.edits) == (0, None, 1)
        assert (first.included_count, first.excluded_count) == (1, 1)
        assert first.replaced_ms is not None
        assert old.replaced_ms is not None
        assert first.published_ms <= began_ms <= first.replaced_ms == old.published_ms
        assert old.replaced_ms == live.published_ms
        store.revisions.publish(ref, 0, force=True)
        restored = store.revisions.find_all(ref)[0]
        assert (restored.number, restored.import_id, restored.edits) == (0, None, 0)
        assert restored.published_ms >= live.published_ms

    def test_roll_back__then_an_import__knows_what_it_replaces(
        self, store: Store, ref: ListRef
    ) -> None:
        replace(store, ref, "i1", OLD)
        _edit(store, ref, "i+a")
        replace(store, ref, "i2", NEW)
        assert store.revisions.publish(ref, 1)
        _edit(store, ref, "i+b")
        previous = store.builds.claim(ref, "i3").previous
        assert previous is not None
        assert (previous.import_id, previous.edits_since) == ("i1", 2)
        store.builds.cancel(ref, "i3")
        store.revisions.publish(ref, 0, force=True)
        assert store.builds.claim(ref, "i4").previous is None

    def test_roll_back__member_that_was_dropped__comes_back_without_schedule(
        self, store: Store, ref: ListRef
    ) -> None:
        replace(store, ref, "i1", {"k", "other"})
        changes = [ScheduleChange("add", INCLUDED, key, _PAST_MS, id="x") for key in ("k", "other")]
        change_schedules(store.database, ref, changes)
        replace(store, ref, "i2", {"other"})
        name = store.revisions.find_all(ref)[1].revision.name
        assert run(store, "list/roll_back", ref, name, 2, 0, "0") == [b"prune"]
        assert store.revisions.publish(ref, 1)
        assert {each.key for each in read_schedules(store.database, ref)} == {"other"}
        assert expire_members(store.database, ref).removed == 1
        assert_list(store, ref, {"k"})

    def test_roll_back__member_that_it_drops__loses_its_schedule(
        self, store: Store, ref: ListRef
    ) -> None:
        replace(store, ref, "i1", {"other"})
        replace(store, ref, "i2", {"k", "other"})
        change_schedules(
            store.database, ref, [ScheduleChange("add", INCLUDED, "k", _PAST_MS, id="x")]
        )
        assert store.revisions.publish(ref, 1)
        assert b"prune" in raw(store).hgetall(store.keyspace.list_record(ref))
        assert store.revisions.publish(ref, 2)
        assert read_schedules(store.database, ref) == []
        assert expire_members(store.database, ref).removed == 0
        assert_list(store, ref, {"k", "other"})

    def test_retire__more_than_are_kept__frees_those_replaced_first(
        self, store: Store, ref: ListRef
    ) -> None:
        _replaced(store, ref)
        replace(store, ref, "i3", {"three"}, retire_after_ms=0)
        assert _kept(store, ref) == [3, 2, 1, 0]
        assert list(lists_to_tidy(store, PRODUCTION, WEEK)) == [ref]
        assert reclaim_list(store, ref, WEEK) == 2
        assert _kept(store, ref) == [3, 2, 1]
        assert list(lists_to_tidy(store, PRODUCTION, WEEK)) == []
        assert lists_to_reclaim(store, PRODUCTION) == [ref]
        # It was replaced last, though it is the oldest.
        store.revisions.publish(ref, 1)
        store.revisions.publish(ref, 3)
        assert reclaim_list(store, ref, Retention(1, WEEK.age_ms)) == 17
        assert _kept(store, ref) == [3, 1]
        store.revisions.publish(ref, 1)
        assert_list(store, ref, OLD)

    def test_retire__kept_long_enough__frees_them(self, store: Store, ref: ListRef) -> None:
        _replaced(store, ref)
        time.sleep(0.01)  # by the server's clock
        short = Retention(2, 5)
        assert list(lists_to_tidy(store, PRODUCTION, short)) == [ref]
        reclaim_list(store, ref, short)
        assert _kept(store, ref) == [2]
        with pytest.raises(RevisionNotFound):
            store.revisions.publish(ref, 1)
        assert lists_to_reclaim(store, PRODUCTION) == []

    def test_retire__revision_that_is_live_again__is_not_freed(
        self, store: Store, ref: ListRef
    ) -> None:
        _replaced(store, ref)
        store.revisions.publish(ref, 1)
        reclaim_list(store, ref)
        reclaim_list(store, ref)
        assert_list(store, ref, OLD)
        assert _kept(store, ref) == [1]

    def test_retire__replaced_by_a_roll_back__readers_get_their_time(
        self, store: Store, ref: ListRef
    ) -> None:
        replace(store, ref, "i1", OLD)
        replace(store, ref, "i2", NEW, retire_after_ms=600_000)
        store.revisions.publish(ref, 1)
        reclaim_list(store, ref)
        assert 2 in _kept(store, ref)

    def test_size__of_a_revision__is_what_the_server_says(self, store: Store, ref: ListRef) -> None:
        keys = [f"{n:032x}" for n in range(3_000)]
        replace(store, ref, "i1", keys, bits=6)
        live = store.revisions.find_all(ref)[0]
        estimated = store.revisions.size_bytes(ref, live)
        assert estimated is not None
        if natural_form(store) == "members":
            assert 3_000 * 17 < estimated < 3_000 * 40
            return
        names = [
            store.keyspace.shard(ref, live.revision.name, side, n)
            for side in (INCLUDED, EXCLUDED)
            for n in range(live.revision.shard_count(side))
        ]
        taken = sum(raw(store).memory_usage(name) for name in names)
        assert 0.8 < estimated / taken < 1.25
        store.client.unlink(names[0])
        assert store.revisions.size_bytes(ref, live) is None
