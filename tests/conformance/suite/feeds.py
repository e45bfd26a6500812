"""A feed tells what changes a list, so that a copy of it is what the list is."""

from typing import Any

import pytest

from tests.conformance.suite.schedules import PAST, change
from tests.support.store.building import build, publish, replace, run
from tests.support.store.following import HOUR_MS, Copy, follow, read_one, says_nothing
from tests.support.store.stores import keys_of, new_list, raw
from worker.store import Edit, EditOp, ListRef, SegmentNotFound, Store
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists import (
    NONE_KEPT,
    FeedLost,
    FeedPosition,
    ListGone,
    erase_member,
    expire_members,
)
from worker.store.workflows import reclaim_list, remove_segment


def _edit(store: Store, ref: ListRef, *edits: tuple[EditOp, str]) -> None:
    store.memberships.edit(ref, [Edit(op, key) for op, key in edits])


def _is_lost(store: Store, ref: ListRef, after: str) -> bool:
    return store.feeds.read([FeedPosition(ref, after)]) == [FeedLost()]


def _feed(store: Store, ref: ListRef) -> Any:
    return raw(store).exists(store.keyspace.feed(ref))


class FeedSuite:
    def test_feed__edits__are_told_in_order_if_they_change_anything(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, ("i+", "a"), ("i+", "b"), ("e+", "x"))
        after = follow(store, ref).after
        _edit(store, ref, ("i+", "a"), ("i-", "b"), ("i+", "c"), ("i-", "c"))
        _edit(store, ref, ("i+", "b"), ("e-", "x"), ("e-", "y"))
        found = read_one(store, ref, after)
        assert found.flip is None
        assert found.ops == (
            (INCLUDED, False, b"b"),
            (INCLUDED, True, b"c"),
            (INCLUDED, False, b"c"),
            (INCLUDED, True, b"b"),
            (EXCLUDED, False, b"x"),
        )
        assert says_nothing(read_one(store, ref, found.after))

    def test_feed__first_members_of_a_side__are_in_shards_that_it_tells(
        self, store: Store, ref: ListRef
    ) -> None:
        copy = Copy(store, ref)
        _edit(store, ref, *(("i+", f"k{n}") for n in range(40)))
        assert copy.catch_up() == ({f"k{n}" for n in range(40)}, set())
        assert copy.revision == store.memberships.state(ref).live
        # What is pinned is told with its shards, too.
        assert follow(store, ref).revision == copy.revision

    def test_feed__expired_members__are_told(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, ("i+", "a"), ("i+", "b"))
        assert change(store, ref, "add", "a", due=PAST) == ["done"]
        copy = Copy(store, ref)
        expire_members(store.database, ref)
        assert copy.catch_up() == ({"b"}, set())

    def test_feed__import_while_edits_go_on__is_one_flip_among_them(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, ("i+", "a"), ("i+", "b"), ("e+", "x"))
        copy = Copy(store, ref)
        target = build(store, ref, "i1", ["b", "c", "d"])
        _edit(store, ref, ("i-", "d"), ("i+", "e"))
        publish(store, ref, "i1", target)
        _edit(store, ref, ("i-", "b"), ("i+", "f"), ("e+", "y"))
        assert copy.catch_up() == ({"c", "e", "f"}, {"x", "y"})
        assert (copy.flips, copy.revision.name) == (1, target.name)

    def test_feed__re_shard__is_a_flip_to_the_same_members(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, ("i+", "a"), ("i+", "b"))
        copy = Copy(store, ref)
        replace(store, ref, "s1", ["a", "b"], bits=5, kind="reshard")
        _edit(store, ref, ("i+", "c"))
        assert copy.catch_up() == ({"a", "b", "c"}, set())
        assert copy.revision.included_bits == 5

    def test_feed__roll_back__is_a_flip(self, store: Store, ref: ListRef) -> None:
        replace(store, ref, "i1", ["a", "b"])
        replace(store, ref, "i2", ["b", "c"])
        copy = Copy(store, ref)
        assert store.revisions.publish(ref, 1)
        _edit(store, ref, ("i+", "d"))
        assert copy.catch_up() == ({"a", "b", "d"}, set())

    def test_feed__old_revision_is_freed__keeps_what_is_pinned(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, ("i+", "a"), ("i+", "b"))
        copy = Copy(store, ref)
        replace(store, ref, "i1", ["b", "c"], retire_after_ms=0)
        reclaim_list(store, ref, NONE_KEPT)
        assert copy.catch_up() == ({"b", "c"}, set())

    @pytest.mark.parametrize("moment", ["live", "replaced", "to be freed"])
    def test_feed__erased_key__leaves_the_copy(
        self, store: Store, ref: ListRef, moment: str
    ) -> None:
        _edit(store, ref, ("i+", "a"), ("i+", "b"), ("e+", "a"))
        copy = Copy(store, ref)
        if moment != "live":
            replace(store, ref, "i1", ["b"], retire_after_ms=0)
            _edit(store, ref, ("e-", "a"))
        if moment == "to be freed":
            # Its shards are there until they are unlinked.
            raw(store).hdel(store.keyspace.list_record(ref), "pin:a")
            run(store, "list/retire", ref, 0, 0)
        erase_member(store.database, ref, "e1", "a")
        assert copy.catch_up() == ({"b"}, set())

    def test_feed__key_that_nothing_has__is_not_told(self, store: Store, ref: ListRef) -> None:
        replace(store, ref, "i1", ["a"])
        after = follow(store, ref).after
        erase_member(store.database, ref, "e1", "b")
        assert says_nothing(read_one(store, ref, after))

    def test_feed__long__is_told_in_parts(self, store: Store, ref: ListRef) -> None:
        _edit(store, ref, ("i+", "a"))
        after, parts, told = follow(store, ref).after, 0, 0
        keys = [f"k{n}" for n in range(9_000)]
        store.memberships.edit(ref, [Edit("i+", key) for key in keys], ops_per_step=1_000)
        while not says_nothing(found := read_one(store, ref, after)):
            parts, told, after = parts + 1, told + len(found.ops), found.after
            assert len(found.ops) < 8_000
        assert (parts, told) == (2, 9_000)

    def test_read__many_lists__answers_for_each(self, store: Store) -> None:
        refs = [new_list(store, f"s{n}") for n in range(12)]
        positions = [FeedPosition(ref, follow(store, ref).after) for ref in refs]
        for n, ref in enumerate(refs):
            replace(store, ref, "i1", [f"k{n}"])
            _edit(store, ref, ("i+", f"l{n}"))
        store.feeds.unfollow(refs[3], "a")
        remove_segment(store, refs[5].env, refs[5].segment)
        for n, found in enumerate(store.feeds.read(positions)):
            match n:
                case 3:
                    assert found == FeedLost()
                case 5:
                    assert found == ListGone()
                case _:
                    assert not isinstance(found, FeedLost | ListGone)
                    assert (found.ops, found.flip) == ((), store.memberships.state(refs[n]).live)
        assert store.feeds.read([]) == []

    def test_follow__nobody__keeps_no_feed(self, store: Store, ref: ListRef) -> None:
        before = keys_of(store)
        fields = set(raw(store).hkeys(store.keyspace.list_record(ref)))
        follow(store, ref)
        follow(store, ref, "b")
        store.feeds.unfollow(ref, "a")
        assert _feed(store, ref)
        for _ in range(2):
            store.feeds.unfollow(ref, "b")
        assert keys_of(store) == before
        assert set(raw(store).hkeys(store.keyspace.list_record(ref))) == fields
        _edit(store, ref, ("i+", "a"))
        assert not _feed(store, ref)

    def test_follow__again__is_the_same_while_it_lasts(self, store: Store, ref: ListRef) -> None:
        first = follow(store, ref)
        replace(store, ref, "i1", ["a"])
        assert follow(store, ref) == first
        other = follow(store, ref, "b")
        assert other.revision == store.memberships.state(ref).live
        assert says_nothing(read_one(store, ref, other.after))
        assert not says_nothing(read_one(store, ref, first.after))

    @pytest.mark.parametrize("ended", ["pin", "feed"])
    def test_follow__again_after_it_has_ended__begins_anew(
        self, store: Store, ref: ListRef, ended: str
    ) -> None:
        follow(store, ref, "b")
        first = follow(store, ref, ttl_ms=0 if ended == "pin" else HOUR_MS)
        replace(store, ref, "i1", ["a"])
        if ended == "feed":
            raw(store).unlink(store.keyspace.feed(ref))
        second = follow(store, ref)
        assert second.revision == store.memberships.state(ref).live
        assert says_nothing(read_one(store, ref, second.after))
        assert _is_lost(store, ref, first.after) == (ended == "feed")

    def test_follow__time_to_live__is_that_of_the_last_to_end(
        self, store: Store, ref: ListRef
    ) -> None:
        feed = store.keyspace.feed(ref)
        follow(store, ref, "a", HOUR_MS)
        follow(store, ref, "b", 1_000)
        assert 0.9 * HOUR_MS < raw(store).pttl(feed) <= HOUR_MS
        follow(store, ref, "b", 2 * HOUR_MS)
        assert 1.9 * HOUR_MS < raw(store).pttl(feed) <= 2 * HOUR_MS

    def test_follow__holder_has_died__ends_by_itself(self, store: Store, ref: ListRef) -> None:
        fields = set(raw(store).hkeys(store.keyspace.list_record(ref)))
        follow(store, ref, ttl_ms=0)
        raw(store).persist(store.keyspace.feed(ref))
        reclaim_list(store, ref)
        assert set(raw(store).hkeys(store.keyspace.list_record(ref))) == fields
        assert not _feed(store, ref)

    def test_follow__list_is_deleted__is_refused(self, store: Store, ref: ListRef) -> None:
        after = follow(store, ref).after
        remove_segment(store, ref.env, ref.segment)
        assert store.feeds.read([FeedPosition(ref, after)]) == [ListGone()]
        assert not _feed(store, ref)
        with pytest.raises(SegmentNotFound):
            follow(store, ref)
        record = raw(store).hkeys(store.keyspace.list_record(ref))
        assert not [name for name in record if name.startswith((b"follow:", b"fe"))]

    def test_trim__what_was_applied__is_dropped_and_the_rest_is_told(
        self, store: Store, ref: ListRef
    ) -> None:
        after = follow(store, ref).after
        replace(store, ref, "i1", ["a"])
        flipped = read_one(store, ref, after)
        _edit(store, ref, ("i+", "b"), ("i+", "c"))
        store.feeds.trim(ref, flipped.after)
        assert _is_lost(store, ref, after)
        rest = read_one(store, ref, flipped.after)
        assert [member for _, _, member in rest.ops] == [b"b", b"c"]
        for _ in range(2):
            store.feeds.trim(ref, rest.after)
            store.feeds.trim(ref, flipped.after)
            assert raw(store).xlen(store.keyspace.feed(ref)) == 0
            assert says_nothing(read_one(store, ref, rest.after))
        assert follow(store, ref, "b").after == rest.after
        _edit(store, ref, ("i+", "d"))
        assert [member for _, _, member in read_one(store, ref, rest.after).ops] == [b"d"]

    def test_feed__too_long__is_dropped(self, store: Store, ref: ListRef) -> None:
        record = store.keyspace.list_record(ref)
        _edit(store, ref, ("i+", "a"))
        after = follow(store, ref).after
        raw(store).hset(record, "fed", 499_999)
        _edit(store, ref, ("i+", "b"))
        after_b = read_one(store, ref, after).after
        store.feeds.trim(ref, after_b)
        _edit(store, ref, ("i+", "c"))
        assert len(read_one(store, ref, after_b).ops) == 1
        raw(store).hset(record, "fed", 1_000_000)
        _edit(store, ref, ("i+", "d"))
        assert _is_lost(store, ref, after_b)
        assert not _feed(store, ref)

    def test_drop_erased__key_is_not_applied_yet__waits_until_it_is(
        self, store: Store, ref: ListRef
    ) -> None:
        copy = Copy(store, ref)
        for n in range(120):
            _edit(store, ref, ("i+", f"k{n}"))
        _edit(store, ref, ("i+", "gone"))
        erase_member(store.database, ref, "e1", "gone")
        assert store.feeds.drop_erased(ref, "another")
        assert not store.feeds.drop_erased(ref, "gone")
        copy.catch_up()
        store.feeds.trim(ref, copy.after)
        assert store.feeds.drop_erased(ref, "gone")
        assert says_nothing(read_one(store, ref, copy.after))
        assert not raw(store).xlen(store.keyspace.feed(ref))

    def test_drop_erased__nobody_applies_it__drops_the_feed(
        self, store: Store, ref: ListRef
    ) -> None:
        after = follow(store, ref).after
        for n in range(120):
            _edit(store, ref, ("i+", f"k{n}"))
        assert run(store, "list/drop_feed", ref, "-", 1_000, b"another", 0)[0] == b"ok"
        assert run(store, "list/drop_feed", ref, "-", 1_000, b"k119", 60_000) == [b"waits"]
        assert run(store, "list/drop_feed", ref, "-", 1_000, b"k119", 0) == [b"dropped"]
        assert _is_lost(store, ref, after)
        assert store.feeds.drop_erased(ref, "k119")
