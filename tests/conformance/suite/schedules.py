"""A member is removed at its time; its schedule lives as long as its membership."""

import pytest

from tests.support.store.building import (
    assert_list,
    build,
    copy_side,
    keys_of_shard,
    publish,
    replace,
    write_side,
)
from tests.support.store.stores import PRODUCTION, clock_ms, keys_of, raw, token
from worker.store import Edit, ListRef, ListUnknown, SegmentNotFound, Store
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import (
    EditOp,
    ScheduleAct,
    ScheduleAnswer,
    ScheduleChange,
    change_schedules,
    expire_members,
    read_schedules,
)
from worker.store.workflows import reclaim_list

PAST = 1_000
LATER = clock_ms() + 10 * 86_400_000
KEYS = ("plain", "0f8fad5b-d9cb-469f-a165-70867728950e", "\x00odd", "日本", "k" * 1024)


def change(
    store: Store,
    ref: ListRef,
    act: ScheduleAct,
    *keys: str,
    side: Side = INCLUDED,
    due: int = LATER,
    version: int | None = None,
) -> list[ScheduleAnswer]:
    """Make the same change for some keys."""
    made = [ScheduleChange(act, side, key, due, version, token()[:24]) for key in keys]
    return change_schedules(store.database, ref, made)


def scheduled(store: Store, ref: ListRef) -> dict[tuple[str, str], tuple[int, int]]:
    """Give time and version of each schedule by side and key."""
    found = read_schedules(store.database, ref)
    assert len({one.id for one in found}) == len(found)
    return {(one.side, one.key): (one.due_ms, one.version) for one in found}


def _edit(store: Store, ref: ListRef, op: EditOp, *keys: str) -> None:
    store.memberships.edit(ref, [Edit(op, key) for key in keys])


def _included(store: Store, ref: ListRef) -> set[str]:
    return {key for side, key in scheduled(store, ref) if side == INCLUDED}


class ScheduleSuite:
    def test_change__each_act__is_answered_and_made(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, "i+", *KEYS)
        _edit(store, ref, "e+", "plain")
        assert change(store, ref, "add", *KEYS, "none") == ["done"] * len(KEYS) + ["absent"]
        assert change(store, ref, "add", "plain", "none", side=EXCLUDED) == ["done", "absent"]
        assert change(store, ref, "add", "plain", due=5) == ["there"]
        assert change(store, ref, "update", "plain", due=LATER + 1, version=2) == ["version"]
        assert change(store, ref, "update", "plain", due=LATER + 1, version=1) == ["done"]
        assert change(store, ref, "update", "plain", "none", due=LATER + 2) == ["done", "none"]
        assert change(store, ref, "remove", "日本", "日本") == ["done", "none"]
        assert change(store, ref, "update", "日本") == ["none"]
        expected = {(INCLUDED, key): (LATER, 1) for key in KEYS if key != "日本"}
        expected[INCLUDED, "plain"] = (LATER + 2, 3)
        expected[EXCLUDED, "plain"] = (LATER, 1)
        assert scheduled(store, ref) == expected

    def test_change__as_many_as_there_may_be__no_more(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, "i+", "a", "b")
        changes = [ScheduleChange("add", INCLUDED, key, LATER, id=key) for key in "ab"]
        assert change_schedules(store.database, ref, changes, most=1) == ["done", "full"]
        assert change(store, ref, "update", "a") == ["done"]
        assert change_schedules(store.database, ref, changes, most=2) == ["there", "done"]

    def test_edit__that_takes_or_brings_a_member__takes_its_schedule(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, "i+", "a", "b", "c")
        _edit(store, ref, "e+", "a")
        change(store, ref, "add", "a", "b", "c")
        change(store, ref, "add", "a", side=EXCLUDED)
        _edit(store, ref, "i+", "a", "b")
        _edit(store, ref, "i-", "x")
        _edit(store, ref, "e+", "b")
        assert _included(store, ref) == {"a", "b", "c"}
        store.memberships.edit(ref, [Edit("i-", "a"), Edit("i-", "b"), Edit("i+", "b")])
        assert set(scheduled(store, ref)) == {(INCLUDED, "c"), (EXCLUDED, "a")}
        _edit(store, ref, "i+", "a")
        assert _included(store, ref) == {"c"}
        assert change(store, ref, "add", "a") == ["done"]

    def test_expire__due_members__are_removed_and_counted(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, "i+", *KEYS, "later", "never")
        _edit(store, ref, "e+", "out", "stays")
        change(store, ref, "add", *KEYS, due=PAST)
        change(store, ref, "add", "later")
        change(store, ref, "add", "out", side=EXCLUDED, due=PAST)
        before = store.memberships.state(ref)
        expired = expire_members(store.database, ref)
        assert (expired.removed, expired.kept, expired.next_ms) == (len(KEYS) + 1, 0, LATER)
        assert_list(store, ref, {"later", "never"}, {"stays"})
        after = store.memberships.state(ref)
        assert after.version == before.version + 1
        assert after.modified_ms >= before.modified_ms
        assert set(scheduled(store, ref)) == {(INCLUDED, "later")}
        expired = expire_members(store.database, ref)
        assert (expired.removed, expired.next_ms) == (0, LATER)
        assert store.memberships.state(ref) == after

    def test_expire__nothing_scheduled__changes_nothing(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, "i+", "a")
        before = store.memberships.state(ref)
        expired = expire_members(store.database, ref)
        assert (expired.removed, expired.kept, expired.next_ms) == (0, 0, None)
        assert store.memberships.state(ref) == before

    def test_expire__more_than_one_call__all_in_steps(self, store: Store, ref: ListRef) -> None:
        keys = [f"key-{n}" for n in range(1_200)]
        _edit(store, ref, "i+", *keys)
        assert set(change(store, ref, "add", *keys[:1_150], due=PAST)) == {"done"}
        assert len(scheduled(store, ref)) == 1_150
        assert expire_members(store.database, ref).removed == 1_150
        assert_list(store, ref, set(keys[1_150:]))
        assert scheduled(store, ref) == {}

    def test_expire__while_an_import_builds__wins_over_the_file(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, "i+", "gone", "stays")
        change(store, ref, "add", "gone", due=PAST)
        target = build(store, ref, "i1", ["gone", "stays", "new"])
        assert expire_members(store.database, ref).removed == 1
        assert_list(store, ref, {"stays"})
        published = publish(store, ref, "i1", target)
        assert published.edited_included == -1
        assert_list(store, ref, {"stays", "new"})
        replace(store, ref, "i2", ["gone"])
        assert scheduled(store, ref) == {}
        assert expire_members(store.database, ref).removed == 0
        assert_list(store, ref, {"gone"})

    def test_replace__that_keeps_a_key__keeps_its_schedule(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, "i+", "kept", "dropped")
        _edit(store, ref, "e+", "out")
        change(store, ref, "add", "kept", "dropped")
        change(store, ref, "add", "out", side=EXCLUDED)
        replace(store, ref, "i1", ["kept", "new"])
        assert scheduled(store, ref) == {
            (INCLUDED, "kept"): (LATER, 1),
            (EXCLUDED, "out"): (LATER, 1),
        }

    @pytest.mark.parametrize("pruned_by", ["claim", "upkeep", "reader", "edit"])
    def test_replace__that_drops_a_key__it_comes_back_without(
        self, store: Store, ref: ListRef, pruned_by: str
    ) -> None:
        _edit(store, ref, "i+", "k", "other")
        change(store, ref, "add", "k", "other", due=PAST)
        replace(store, ref, "i1", ["other"], retire_after_ms=0)
        if pruned_by == "upkeep":
            reclaim_list(store, ref)
            assert raw(store).zcard(store.keyspace.schedules(ref)) == 1
        elif pruned_by == "reader":
            assert _included(store, ref) == {"other"}
        elif pruned_by == "edit":
            assert change(store, ref, "update", "k", due=PAST) == ["none"]
            _edit(store, ref, "i+", "k")
        replace(store, ref, "i2", ["k", "other"])
        assert _included(store, ref) == {"other"}
        assert expire_members(store.database, ref).removed == 1
        assert_list(store, ref, {"k"})
        record = raw(store).hgetall(store.keyspace.list_record(ref))
        reclaim_list(store, ref)
        assert b"prune" not in raw(store).hgetall(store.keyspace.list_record(ref)), record

    def test_replace__that_drops_many__all_are_pruned_before_the_next(
        self, store: Store, ref: ListRef
    ) -> None:
        keys = [f"key-{n}" for n in range(1_300)]
        _edit(store, ref, "i+", *keys)
        change(store, ref, "add", *keys)
        replace(store, ref, "i1", keys[:100])
        store.builds.claim(ref, "i2")
        assert raw(store).zcard(store.keyspace.schedules(ref)) == 100
        assert raw(store).hlen(f"{store.keyspace.schedules(ref)}-details") == 100
        assert _included(store, ref) == set(keys[:100])

    def test_replace__edit_brings_the_key_back_meanwhile__schedule_stays(
        self, store: Store, ref: ListRef
    ) -> None:
        """To its readers the key has never left the list."""
        _edit(store, ref, "i+", "k")
        change(store, ref, "add", "k")
        target = build(store, ref, "i1", ["new"])
        _edit(store, ref, "i+", "k")
        publish(store, ref, "i1", target)
        assert _included(store, ref) == {"k"}
        assert_list(store, ref, {"k", "new"})

    def test_reshard__keeps_all_schedules(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, "i+", "a", "b")
        change(store, ref, "add", "a", "b")
        import_id = "r1"
        store.builds.claim(ref, import_id, kind="reshard")
        target = store.builds.prepare(ref, import_id, 5, 0)
        write_side(store, ref, import_id, INCLUDED, ["a", "b"], 5)
        copy_side(store, ref, import_id, EXCLUDED, 0)
        _edit(store, ref, "i-", "b")
        publish(store, ref, import_id, target)
        assert _included(store, ref) == {"a"}
        assert b"prune" not in raw(store).hgetall(store.keyspace.list_record(ref))

    def test_delete__with_schedules__frees_them(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, "i+", "a")
        change(store, ref, "add", "a", due=PAST)
        store.segments.delete(PRODUCTION, ref.segment)
        for act in (
            lambda: change(store, ref, "add", "a"),
            lambda: read_schedules(store.database, ref),
            lambda: expire_members(store.database, ref),
        ):
            with pytest.raises(SegmentNotFound):
                act()
        reclaim_list(store, ref)
        assert not [key for key in keys_of(store) if store.keyspace.list_prefix(ref) in key]

    def test_record_lost__is_unknown(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, "i+", "a")
        change(store, ref, "add", "a")
        store.client.unlink(store.keyspace.list_record(ref))
        with pytest.raises(ListUnknown):
            change(store, ref, "remove", "a")
        with pytest.raises(ListUnknown):
            expire_members(store.database, ref)

    def test_shard_lost__its_members_wait__others_expire(self, store: Store, ref: ListRef) -> None:
        lost, other = keys_of_shard(3, 2), keys_of_shard(4, 2)
        _edit(store, ref, "i+", *lost, *other)
        change(store, ref, "add", *lost, *other, due=PAST)
        live = store.memberships.state(ref).live
        shard = store.keyspace.shard(ref, live.name, INCLUDED, 3)
        raw(store).rename(shard, f"{shard}-lost")
        with pytest.raises(ListUnknown):
            change(store, ref, "remove", other[0], lost[0])
        assert _included(store, ref) == set(other)
        expired = expire_members(store.database, ref)
        assert (expired.removed, expired.kept) == (2, 2)
        raw(store).rename(f"{shard}-lost", shard)
        assert expire_members(store.database, ref).removed == 2
        assert_list(store, ref, set())
