"""One import at a time builds a revision; nobody else can write a shard of it."""

from typing import Final, Literal, get_args

import pytest

from tests.support.store.building import (
    Form,
    assert_list,
    build,
    copy_side,
    count,
    keys_of_shard,
    members_of,
    natural_form,
    publish,
    replace,
    run,
    write_shards,
    write_side,
)
from tests.support.store.stores import keys_of
from worker.store import Edit, Fenced, ImportInProgress, ListRef, ListUnknown, Store
from worker.store.keyspace import EXCLUDED, INCLUDED, BuilderKind
from worker.store.lists import Revision, ShardWriter
from worker.store.members import SENTINEL

LIVE = {f"live-{n}" for n in range(40)}
NEW = {f"new-{n}" for n in range(300)}


#: Another import, or what ends the writing of one.
Change = Literal["other", "cancel", "delete", "publish", "seal", "supersede", "reshard"]
CHANGES: Final[tuple[Change, ...]] = get_args(Change)


def _assert_fenced(store: Store, ref: ListRef, import_id: str, target: str = "r1-none") -> None:
    """Nobody with this id can write a shard in any form, and no key changes."""
    before = _contents(store, ref)
    forms: set[Form] = {natural_form(store), "members"}
    for form in forms:
        with pytest.raises(Fenced):
            write_side(store, ref, import_id, INCLUDED, ["zombie"], 4, form, target)
    with pytest.raises(Exception, match="FENCED"):
        copy_side(store, ref, import_id, INCLUDED, 4, ["zombie"])
    assert _contents(store, ref) == before


def _contents(store: Store, ref: ListRef) -> dict[str, frozenset[bytes]]:
    """Every shard of a list, of whatever revision."""
    shards = {key for key in keys_of(store) if key.startswith(store.keyspace.list_prefix(ref))}
    return {
        key: frozenset(store.client.smembers(key))
        for key in shards
        if key.rpartition(":")[0].endswith((INCLUDED, EXCLUDED))
    }


def _end_writing(store: Store, ref: ListRef, target: Revision, change: Change) -> None:
    """Do to the import "i1", which has written its shards, what ends its writing."""
    if change == "seal":
        store.builds.seal(ref, "i1")
    elif change == "publish":
        publish(store, ref, "i1", target)
    elif change == "delete":
        store.memberships.delete(ref)
    elif change == "supersede":
        store.builds.claim(ref, "i2", supersedes=True)
        store.builds.prepare(ref, "i2", 4, 0)
    elif change == "reshard":
        store.builds.claim(ref, "i2")
    else:
        store.builds.cancel(ref, "i1")
        if change == "other":
            build(store, ref, "i2", NEW)


def _begin(store: Store, ref: ListRef, change: Change) -> Revision:
    """Let "i1" write its shards, as a job that the change can happen to."""
    if change == "supersede":
        store.builds.claim(ref, "i1", waits=True)
    return build(store, ref, "i1", NEW, kind="reshard" if change == "reshard" else "import")


class BuildSuite:
    def test_claim__free_list__names_base_and_target(self, store: Store, ref: ListRef) -> None:
        store.memberships.edit(ref, [Edit("i+", "a"), Edit("e+", "b")])
        claim = store.builds.claim(ref, "i1")
        state = store.memberships.state(ref)
        assert claim.base == state.live
        assert claim.target != state.live.name
        assert (claim.included_count, claim.excluded_count) == (1, 1)
        assert state.building == "i1"

    def test_claim__repeated__changes_nothing(self, store: Store, ref: ListRef) -> None:
        claim = store.builds.claim(ref, "i1")
        store.memberships.edit(ref, [Edit("i+", "a")])
        target = store.builds.prepare(ref, "i1", 4, 0)
        again = store.builds.claim(ref, "i1")
        assert (again.target, again.base) == (claim.target, claim.base)
        assert store.builds.target(ref, "i1") == target
        write_side(store, ref, "i1", INCLUDED, ["b"], 4)
        write_side(store, ref, "i1", EXCLUDED, [], 0)
        publish(store, ref, "i1", target)
        assert_list(store, ref, {"a", "b"})

    def test_claim__held_by_another__is_busy(self, store: Store, ref: ListRef) -> None:
        store.builds.claim(ref, "i1")
        for kind in get_args(BuilderKind):
            with pytest.raises(ImportInProgress, match="i1"):
                store.builds.claim(ref, "i2", kind=kind)
        assert store.memberships.state(ref).building == "i1"

    def test_claim__by_a_published_import__is_busy(self, store: Store, ref: ListRef) -> None:
        replace(store, ref, "i1", ["a"])
        replace(store, ref, "i2", ["b"])
        for old in ("i1", "i2"):
            with pytest.raises(ImportInProgress):
                store.builds.claim(ref, old)

    def test_claim__over_a_reshard__takes_its_place(self, store: Store, ref: ListRef) -> None:
        store.memberships.edit(ref, [Edit("i+", key) for key in sorted(LIVE)])
        target = build(store, ref, "r1", LIVE, kind="reshard")
        assert store.memberships.state(ref).building is None
        with pytest.raises(ImportInProgress):
            store.builds.claim(ref, "r2", kind="reshard")
        assert store.builds.claim(ref, "i1").superseded is None, "no import gave way"
        _assert_fenced(store, ref, "r1", target.name)
        with pytest.raises(Fenced):
            publish(store, ref, "r1", target)
        replace(store, ref, "i1", ["a"])
        assert_list(store, ref, {"a"})

    def test_claim__refused__leaves_the_reshard_alone(self, store: Store, ref: ListRef) -> None:
        """A late second claim of a published import takes nobody's place."""
        replace(store, ref, "i1", LIVE)
        target = build(store, ref, "r1", LIVE, bits=5, kind="reshard")
        with pytest.raises(ImportInProgress):
            store.builds.claim(ref, "i1")
        publish(store, ref, "r1", target)
        assert_list(store, ref, LIVE)

    def test_prepare__second_time__keeps_the_first_size(self, store: Store, ref: ListRef) -> None:
        store.builds.claim(ref, "i1")
        with pytest.raises(Fenced):
            store.builds.target(ref, "i1")
        first = store.builds.prepare(ref, "i1", 5, 0)
        assert (first.included_bits, first.excluded_bits) == (5, 0)
        assert store.builds.prepare(ref, "i1", 7, 4) == first
        assert store.builds.target(ref, "i1") == first

    def test_prepare__grown_excluded_list__is_never_made_smaller(
        self, store: Store, ref: ListRef
    ) -> None:
        store.builds.claim(ref, "i1")
        store.memberships.edit(ref, [Edit("e+", "x")])
        assert store.builds.prepare(ref, "i1", 4, 0).excluded_bits == 4

    def test_prepare__for_the_excluded_list__keeps_the_size_of_the_included_one(
        self, store: Store, ref: ListRef
    ) -> None:
        build(store, ref, "i1", LIVE, bits=6)
        store.memberships.edit(ref, [Edit("e+", "x")])
        publish(store, ref, "i1", store.builds.target(ref, "i1"))
        store.builds.claim(ref, "i2")
        target = store.builds.prepare(ref, "i2", 4, 0, side=EXCLUDED)
        assert (target.included_bits, target.excluded_bits) == (6, 0)

    def test_write__not_claimed_or_prepared__is_fenced(self, store: Store, ref: ListRef) -> None:
        _assert_fenced(store, ref, "i1")
        target = store.builds.claim(ref, "i1").target
        _assert_fenced(store, ref, "i1", target)
        with pytest.raises(Fenced):
            store.builds.seal(ref, "i1")

    @pytest.mark.parametrize("change", CHANGES)
    def test_write__no_longer_building__is_fenced(
        self, store: Store, ref: ListRef, change: Change
    ) -> None:
        store.memberships.edit(ref, [Edit("i+", key) for key in sorted(LIVE)])
        target = _begin(store, ref, change)
        _end_writing(store, ref, target, change)
        _assert_fenced(store, ref, "i1", target.name)
        if change == "other":
            assert members_of(store, ref, store.builds.target(ref, "i2"), INCLUDED) == NEW
        elif change in ("publish", "cancel"):
            assert_list(store, ref, NEW if change == "publish" else LIVE)

    @pytest.mark.parametrize("change", CHANGES)
    def test_write__change_between_two_windows__is_fenced(
        self, store: Store, ref: ListRef, change: Change
    ) -> None:
        """The writer has found its build in order, and sleeps before it sends."""
        form, target = natural_form(store), _begin(store, ref, change)
        with ShardWriter(store.database, ref, "i1", target.name) as writer:
            write_shards(writer, form, INCLUDED, NEW, 4)
            write_shards(writer, form, EXCLUDED, [], 0)
            _end_writing(store, ref, target, change)
            before = _contents(store, ref)
            for side in (INCLUDED, EXCLUDED):
                with pytest.raises(Fenced):
                    write_shards(writer, form, side, ["zombie"], 0)
            assert _contents(store, ref) == before

    def test_write__opened_again__is_possible(self, store: Store, ref: ListRef) -> None:
        target = build(store, ref, "i1", NEW)
        store.builds.seal(ref, "i1")
        store.builds.target(ref, "i1")
        _assert_fenced(store, ref, "i1", target.name)
        store.builds.unseal(ref, "i1")
        write_side(store, ref, "i1", INCLUDED, LIVE, 4, target=target.name)
        publish(store, ref, "i1", target)
        assert_list(store, ref, LIVE)

    def test_write__fence_lost__stands_again_with_the_next_range(
        self, store: Store, ref: ListRef
    ) -> None:
        target = build(store, ref, "i1", NEW)
        store.client.unlink(store.keyspace.fence(ref))
        write_side(store, ref, "i1", INCLUDED, LIVE, 4)
        assert members_of(store, ref, target, INCLUDED) == LIVE

    def test_write__either_form__replaces_whole_shards(self, store: Store, ref: ListRef) -> None:
        claim = store.builds.claim(ref, "i1")
        target = store.builds.prepare(ref, "i1", 5, claim.base.excluded_bits)
        forms: set[Form] = {natural_form(store), "members"}
        for form in forms:
            for keys in (NEW, LIVE, set[str](), NEW):
                write_side(store, ref, "i1", INCLUDED, keys, 5, form)
                assert members_of(store, ref, target, INCLUDED) == keys
                assert store.builds.count(ref, target, INCLUDED, 0, 32) == len(keys)

    def test_write__thousands_in_a_shard__are_all_there(self, store: Store, ref: ListRef) -> None:
        keys = {f"k{n}" for n in range(2500)}
        build(store, ref, "i1", keys, bits=0, form="members")
        target = store.builds.target(ref, "i1")
        assert members_of(store, ref, target, INCLUDED) == keys

    @pytest.mark.copies
    def test_copy__with_new_members__tells_copied_from_added(
        self, store: Store, ref: ListRef
    ) -> None:
        store.memberships.edit(ref, [Edit("i+", key) for key in sorted(LIVE)])
        store.builds.claim(ref, "i1")
        store.builds.prepare(ref, "i1", 4, 0)
        some = {*sorted(LIVE)[:10], "new-1", "new-2"}
        for _ in range(2):
            assert copy_side(store, ref, "i1", INCLUDED, 4, some) == (len(LIVE), 2)
        target = store.builds.target(ref, "i1")
        assert members_of(store, ref, target, INCLUDED) == LIVE | some

    @pytest.mark.copies
    def test_copy__without_some_members__tells_copied_from_removed(
        self, store: Store, ref: ListRef
    ) -> None:
        store.memberships.edit(ref, [Edit("i+", key) for key in sorted(LIVE)])
        store.builds.claim(ref, "i1")
        target = store.builds.prepare(ref, "i1", 4, 0)
        some = {*sorted(LIVE)[:10], "stranger"}
        for _ in range(2):
            copied = copy_side(store, ref, "i1", INCLUDED, 4, some, removes=True)
            assert copied == (len(LIVE), 10)
        assert members_of(store, ref, target, INCLUDED) == LIVE - some

    def test_copy__base_shard_lost__is_unknown(self, store: Store, ref: ListRef) -> None:
        store.memberships.edit(ref, [Edit("i+", keys_of_shard(2, 1)[0])])
        base = store.builds.claim(ref, "i1").base
        store.builds.prepare(ref, "i1", 4, 0)
        store.client.unlink(store.keyspace.shard(ref, base.name, INCLUDED, 2))
        with pytest.raises(Exception, match="DAMAGED"):
            copy_side(store, ref, "i1", INCLUDED, 4)

    def test_copy__base_shard_made_anew_without_its_members__is_unknown(
        self, store: Store, ref: ListRef
    ) -> None:
        """It has no sentinel: an edit that makes a lost shard anew writes none."""
        store.memberships.edit(ref, [Edit("i+", keys_of_shard(2, 1)[0])])
        base = store.builds.claim(ref, "i1").base
        store.builds.prepare(ref, "i1", 4, 0)
        store.client.srem(store.keyspace.shard(ref, base.name, INCLUDED, 2), SENTINEL)
        for first, last in ((1, 3), (2, 2)):
            with pytest.raises(Exception, match="DAMAGED"):
                run(store, "list/copy_shards", ref, "i1", INCLUDED, first, last, "SADD")
        assert run(store, "list/copy_shards", ref, "i1", INCLUDED, 3, 3, "SADD") == [0, 0]

    def test_count__shard_missing__is_unknown(self, store: Store, ref: ListRef) -> None:
        target = build(store, ref, "i1", NEW)
        assert count(store, ref, target) == (len(NEW), 0)
        store.client.unlink(store.keyspace.shard(ref, target.name, INCLUDED, 15))
        with pytest.raises(ListUnknown):
            count(store, ref, target)
