"""Edits change the two lists, once, with counts that never drift."""

from itertools import pairwise

import pytest

from tests.support.store.building import assert_list, count, keys_of_shard
from tests.support.store.stores import raw
from worker.store import Edit, KeyInOtherList, ListRef, ListUnknown, Membership, Store
from worker.store.keyspace import INCLUDED
from worker.store.lists import FIRST_BITS, EditOp

KEYS = (
    "plain",
    "with:colon {tag} ☃",
    "12345678",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "d41d8cd98f00b204e9800998ecf8427e",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "\x00starts like the sentinel",
    "x" * 1024,
)


def _edits(op: EditOp, *keys: str) -> list[Edit]:
    return [Edit(op, key) for key in keys]


class EditSuite:
    def test_edit__key_to_be_absent_is_there__nothing_is_applied(
        self, store: Store, ref: ListRef
    ) -> None:
        edit = store.memberships.edit
        edit(ref, _edits("i+", "a", "b"))
        version = store.memberships.state(ref).version
        with pytest.raises(KeyInOtherList):
            edit(ref, [*_edits("e+", "c"), Edit("i?", "b"), Edit("e+", "b")])
        assert_list(store, ref, {"a", "b"})
        assert store.memberships.state(ref).version == version

    def test_edit__keys_to_be_absent_are__only_the_others_are_journalled(
        self, store: Store, ref: ListRef
    ) -> None:
        edit = store.memberships.edit
        store.builds.claim(ref, "i1")
        edit(ref, [Edit("i?", "a"), Edit("e+", "a"), Edit("e?", "b"), Edit("i+", "b")])
        edit(ref, [Edit("i?", "c")])
        assert_list(store, ref, {"b"}, {"a"})
        journal = raw(store).xrange(store.keyspace.edits(ref))
        assert [sorted(op[:2] for op in ops) for _, ops in journal] == [[b"e+", b"i+"]]

    def test_edit__each_op__changes_its_own_list(self, store: Store, ref: ListRef) -> None:
        edit, look_up = store.memberships.edit, store.memberships.look_up
        edit(ref, _edits("i+", *KEYS))
        assert_list(store, ref, set(KEYS))
        edit(ref, _edits("e+", KEYS[0], "other"))
        assert_list(store, ref, set(KEYS), {KEYS[0], "other"})
        assert look_up(ref, [KEYS[0], KEYS[1], "other", "none"]) == [
            Membership(included=True, excluded=True),
            Membership(included=True, excluded=False),
            Membership(included=False, excluded=True),
            Membership(included=False, excluded=False),
        ]
        edit(ref, _edits("i-", *KEYS[:3], "none"))
        edit(ref, _edits("e-", "other", "none"))
        assert_list(store, ref, set(KEYS[3:]), {KEYS[0]})

    def test_edit__repeated__changes_nothing_more(self, store: Store, ref: ListRef) -> None:
        edits = [*_edits("i+", *KEYS), *_edits("i-", KEYS[1]), *_edits("e+", "e")]
        for _ in range(3):
            store.memberships.edit(ref, edits)
            assert_list(store, ref, set(KEYS) - {KEYS[1]}, {"e"})

    def test_edit__one_key_several_times__last_op_wins(self, store: Store, ref: ListRef) -> None:
        ops: tuple[EditOp, ...] = ("i+", "i-", "i+", "i+", "i-", "e-", "e+")
        store.memberships.edit(ref, [Edit(op, "k") for op in ops])
        assert_list(store, ref, set(), {"k"})

    def test_edit__each_request__moves_the_version_once(self, store: Store, ref: ListRef) -> None:
        states = [store.memberships.state(ref)]
        for n in (1, 1, 2500):
            store.memberships.edit(ref, _edits("i+", *(f"k{i}" for i in range(n))))
            states.append(store.memberships.state(ref))
        assert [state.version for state in states] == [1, 2, 3, 4]
        assert all(a.modified_ms <= b.modified_ms for a, b in pairwise(states))

    def test_edit__more_than_one_call__all_applied(self, store: Store, ref: ListRef) -> None:
        keys = [f"key {n}" for n in range(2501)]
        outgrown = store.memberships.edit(ref, _edits("i+", *keys))
        assert outgrown, "2,501 members in 16 shards are more than 96 a shard"
        assert_list(store, ref, set(keys))
        assert not store.memberships.edit(ref, _edits("i-", *keys[:1500]))
        assert_list(store, ref, set(keys[1500:]))

    def test_edit__first_member__spreads_the_empty_list(self, store: Store, ref: ListRef) -> None:
        assert store.memberships.state(ref).live.included_bits == 0
        store.memberships.edit(ref, _edits("i-", "a"))
        assert store.memberships.state(ref).live.included_bits == 0
        store.memberships.edit(ref, _edits("i+", "a"))
        live = store.memberships.state(ref).live
        assert (live.included_bits, live.excluded_bits) == (FIRST_BITS, 0)
        store.memberships.edit(ref, _edits("e+", "b"))
        live = store.memberships.state(ref).live
        assert (live.included_bits, live.excluded_bits) == (FIRST_BITS, FIRST_BITS)
        assert_list(store, ref, {"a"}, {"b"})
        store.memberships.edit(ref, [*_edits("i-", "a"), *_edits("e-", "b")])
        assert store.memberships.state(ref).live == live
        assert_list(store, ref, set())

    def test_look_up__empty_list_or_no_keys__answers(self, store: Store, ref: ListRef) -> None:
        nothing = Membership(included=False, excluded=False)
        assert store.memberships.look_up(ref, ["a", "b"]) == [nothing, nothing]
        assert store.memberships.look_up(ref, []) == []

    def test_shard_lost__its_keys_are_unknown__others_answer(
        self, store: Store, ref: ListRef
    ) -> None:
        lost, other = keys_of_shard(3, 2), keys_of_shard(4, 2)
        store.memberships.edit(ref, _edits("i+", lost[0], other[0]))
        live = store.memberships.state(ref).live
        store.client.unlink(store.keyspace.shard(ref, live.name, INCLUDED, 3))
        for key in lost:
            with pytest.raises(ListUnknown):
                store.memberships.look_up(ref, [key])
        found = store.memberships.look_up(ref, other)
        assert [one.included for one in found] == [True, False]
        with pytest.raises(ListUnknown):
            count(store, ref, live)

    def test_shard_lost__edit_that_touches_it__applies_nothing(
        self, store: Store, ref: ListRef
    ) -> None:
        lost, other = keys_of_shard(3, 1), keys_of_shard(4, 2)
        store.memberships.edit(ref, _edits("i+", other[0]))
        before = store.memberships.state(ref)
        shard = store.keyspace.shard(ref, before.live.name, INCLUDED, 3)
        store.client.unlink(shard)
        for op in ("i+", "i-"):
            with pytest.raises(ListUnknown):
                store.memberships.edit(ref, [Edit("i+", other[1]), Edit(op, lost[0])])
        assert store.memberships.state(ref) == before
        assert not store.memberships.look_up(ref, [other[1]])[0].included
        assert not raw(store).exists(shard)
        store.memberships.edit(ref, _edits("i+", other[1]))
        assert store.memberships.state(ref).included_count == 2

    def test_record_lost__everything_is_unknown(self, store: Store, ref: ListRef) -> None:
        store.memberships.edit(ref, _edits("i+", "a"))
        store.client.unlink(store.keyspace.list_record(ref))
        with pytest.raises(ListUnknown):
            store.memberships.look_up(ref, ["a"])
        with pytest.raises(ListUnknown):
            store.memberships.edit(ref, _edits("i+", "b"))
        with pytest.raises(ListUnknown):
            store.builds.claim(ref, "i1")
