"""Whatever is due is found and removed, in lists and in targets of standard segments."""

import json
from typing import Any, cast

import pytest

from tests.conformance.suite.schedules import LATER, PAST, change
from tests.support.store.building import assert_list
from tests.support.store.stores import PRODUCTION, clock_ms, raw
from worker.jobs.services import Services
from worker.store import (
    Definition,
    DefinitionChange,
    Edit,
    ListRef,
    NewSegment,
    ResourceChanged,
    Store,
)
from worker.store.expiry_hints import Hint, due_hints, note_hint
from worker.store.keyspace import INCLUDED, Side
from worker.store.segments.definitions import TargetSchedule, decode_schedules
from worker.store.segments.expiry import save_target_schedules
from worker.upkeep.expiry import expire_due, mend_hints

TARGETING: dict[str, Any] = {
    "included": ["a", "b", "a", "é"],
    "excluded": ["a"],
    "includedContexts": [
        {"contextKind": "device", "values": ["a"]},
        {"contextKind": "user", "values": ["a", "z"]},
        {"contextKind": "org", "values": []},
    ],
    "excludedContexts": [{"contextKind": "device", "values": ["a", "d"]}],
    "rules": [{"clauses": [], "weight": 1}],
}


def _standard(store: Store, targeting: dict[str, Any], key: str = "t") -> Definition:
    segment = store.segments.create(PRODUCTION, NewSegment(key=key, name=key))
    text = json.dumps(targeting, ensure_ascii=False)
    change_ = DefinitionChange(segment.name, "said", ("tag",), text)
    store.segments.update(segment, change_)
    return store.segments.read(PRODUCTION, key)


def _schedule(
    key: str, due_ms: int, side: Side = INCLUDED, kind: str = "user", id_: str = "1"
) -> TargetSchedule:
    return TargetSchedule(id_, 1, side, kind, key, due_ms)


def _hints(store: Store) -> dict[str, float]:
    found = raw(store).zrange(store.keyspace.expiry_hints(), 0, -1, withscores=True)
    return {text.decode(): due for text, due in found}


def _mend(store: Store) -> int:
    nothing = cast("Any", None)
    return mend_hints(Services(store, nothing, nothing, nothing, clock_ms, nothing, nothing))


class ExpirySuite:
    def test_hints__due_and_not__are_told_apart_by_the_servers_clock(
        self, store: Store, ref: ListRef
    ) -> None:
        assert due_hints(store.database, 10).wait_ms is None
        soon = due_hints(store.database, 10).now_ms + 60_000
        big, standard = Hint.of_list(ref), Hint.of_targets(ref)
        note_hint(store.database, big, soon)
        due = due_hints(store.database, 10)
        assert due.hints == ()
        assert due.wait_ms is not None
        assert 0 < due.wait_ms <= 60_000
        note_hint(store.database, standard, PAST + 1)
        note_hint(store.database, big, PAST)
        note_hint(store.database, big, soon)
        assert due_hints(store.database, 10).hints == (big, standard)
        assert due_hints(store.database, 1).hints == (big,)

    def test_list__due_member__is_removed_and_the_next_one_awaited(
        self, store: Store, ref: ListRef
    ) -> None:
        store.memberships.edit(ref, [Edit("i+", "a"), Edit("i+", "b")])
        change(store, ref, "add", "b", due=LATER)
        hint = str(Hint.of_list(ref))
        assert _hints(store) == {hint: LATER}
        change(store, ref, "add", "a", due=PAST)
        assert _hints(store) == {hint: PAST}
        expire_due(store)
        assert_list(store, ref, {"b"})
        assert _hints(store) == {hint: LATER}
        assert change(store, ref, "update", "b", due=PAST) == ["done"]
        assert expire_due(store) is None
        assert_list(store, ref, set())
        assert _hints(store) == {}

    def test_targets_lost__what_is_due_waits(self, store: Store) -> None:
        current = _standard(store, TARGETING)
        segment = save_target_schedules(
            store.database, store.segments, current, [_schedule("a", PAST)]
        )
        texts = store.keyspace.targeting(PRODUCTION, "t")
        raw(store).rename(texts, f"{texts}-lost")
        expire_due(store)
        assert store.segments.get(PRODUCTION, "t") == segment
        assert _hints(store)[str(Hint.of_targets(segment.ref))] > PAST
        raw(store).rename(f"{texts}-lost", texts)
        assert len(decode_schedules(store.segments.read(PRODUCTION, "t"))) == 1

    def test_many_lists__due_at_once__are_all_done_in_turns(
        self, store: Store, ref: ListRef
    ) -> None:
        gone = [ListRef("p", "e", f"s{n}", 1) for n in range(150)]
        for one in gone:
            note_hint(store.database, Hint.of_list(one), PAST)
        store.memberships.edit(ref, [Edit("i+", "a")])
        change(store, ref, "add", "a", due=PAST + 1)
        assert expire_due(store) == 0
        assert expire_due(store) is None
        assert_list(store, ref, set())

    def test_damaged_list__is_tried_again_later__others_are_done(
        self, store: Store, ref: ListRef
    ) -> None:
        store.memberships.edit(ref, [Edit("i+", "a")])
        change(store, ref, "add", "a", due=PAST)
        store.client.unlink(store.keyspace.list_record(ref))
        _standard(store, TARGETING)
        current = store.segments.read(PRODUCTION, "t")
        save_target_schedules(store.database, store.segments, current, [_schedule("a", PAST + 1)])
        now_ms = due_hints(store.database, 1).now_ms
        expire_due(store)
        hints = _hints(store)
        assert list(hints) == [str(Hint.of_list(ref))]
        assert now_ms < hints[str(Hint.of_list(ref))] < now_ms + 30_000
        assert store.segments.get(PRODUCTION, "t").expires_ms is None

    def test_targets__due__are_removed_from_their_lists_only(self, store: Store) -> None:
        before = _standard(store, TARGETING)
        schedules = [
            _schedule("a", PAST),
            _schedule("b", LATER),
            _schedule("a", PAST, kind="device"),
            _schedule("d", PAST, "excluded", "device"),
        ]
        saved = save_target_schedules(store.database, store.segments, before, schedules)
        assert (saved.version, saved.expires_ms) == (before.segment.version + 1, PAST)
        read = store.segments.read(PRODUCTION, "t")
        assert (read.segment, read.targeting) == (saved, before.targeting)
        assert decode_schedules(read) == tuple(schedules)
        expire_due(store)
        after = store.segments.read(PRODUCTION, "t")
        assert after.targeting is not None
        assert json.loads(after.targeting) == TARGETING | {
            "included": ["b", "é"],
            "includedContexts": [
                {"contextKind": "user", "values": ["z"]},
                {"contextKind": "org", "values": []},
            ],
            "excludedContexts": [{"contextKind": "device", "values": ["a"]}],
        }
        assert decode_schedules(after) == (schedules[1],)
        changed = after.segment
        assert (changed.version, changed.expires_ms) == (saved.version + 1, LATER)
        assert (changed.name, changed.description, changed.tags) == ("t", "said", ("tag",))
        assert _hints(store) == {str(Hint.of_targets(changed.ref)): LATER}

    def test_targets__the_last_one_goes__nothing_is_stored_any_more(self, store: Store) -> None:
        empty: dict[str, Any] = {name: [] for name in TARGETING}
        before = _standard(store, empty | {"included": ["a"]})
        save_target_schedules(store.database, store.segments, before, [_schedule("a", PAST)])
        assert expire_due(store) is None
        after = store.segments.read(PRODUCTION, "t")
        assert (after.targeting, after.schedules) == (None, None)
        assert not raw(store).exists(store.keyspace.targeting(PRODUCTION, "t"))

    def test_targets__changed_since_they_were_read__nothing_is_scheduled(
        self, store: Store
    ) -> None:
        old = _standard(store, TARGETING)
        save_target_schedules(store.database, store.segments, old, [_schedule("a", LATER)])
        with pytest.raises(ResourceChanged):
            save_target_schedules(store.database, store.segments, old, [_schedule("b", PAST)])
        expire_due(store)
        after = store.segments.read(PRODUCTION, "t")
        assert after.targeting == old.targeting
        assert _hints(store) == {str(Hint.of_targets(old.segment.ref)): LATER}

    def test_segment_deleted_and_made_anew__is_left_alone(self, store: Store) -> None:
        old = _standard(store, TARGETING)
        save_target_schedules(store.database, store.segments, old, [_schedule("a", PAST)])
        store.segments.delete(PRODUCTION, "t")
        new = _standard(store, TARGETING)
        assert expire_due(store) is None
        assert store.segments.read(PRODUCTION, "t") == new
        assert _hints(store) == {}

    def test_mend__hints_lost_or_left_over__are_right_again(
        self, store: Store, ref: ListRef
    ) -> None:
        store.memberships.edit(ref, [Edit("i+", "a")])
        change(store, ref, "add", "a")
        segment = save_target_schedules(
            store.database, store.segments, _standard(store, TARGETING), [_schedule("a", LATER + 1)]
        )
        right = {str(Hint.of_list(ref)): LATER, str(Hint.of_targets(segment.ref)): LATER + 1}
        assert _hints(store) == right
        store.client.unlink(store.keyspace.expiry_hints())
        note_hint(store.database, Hint.of_list(ListRef("p", "e", "gone", 1)), LATER)
        assert _mend(store) == 2
        assert _hints(store) == right
