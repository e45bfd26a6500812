"""What is no longer read is freed: not too early, and to the last key."""

import pytest

from tests.support.servers.redis import wait_until
from tests.support.store.building import assert_list, build, publish, replace, run, write_side
from tests.support.store.stores import PRODUCTION, keys_of, raw
from worker.store import Edit, Fenced, ListRef, SegmentNotFound, Store
from worker.store.keyspace import INCLUDED
from worker.store.lists import Revision, pin, unpin
from worker.store.workflows import lists_to_reclaim, reclaim_list

OLD = {f"old-{n}" for n in range(60)}
NEW = {f"new-{n}" for n in range(60)}


def _shards(store: Store, ref: ListRef, revision: Revision) -> int:
    """Count the keys that a revision has on the server."""
    prefix = f"{store.keyspace.list_prefix(ref)}{revision.name}:"
    return sum(key.startswith(prefix) for key in keys_of(store))


def _fields(store: Store, ref: ListRef) -> dict[bytes, bytes]:
    return dict(store.client.hgetall(store.keyspace.list_record(ref)))


class ReclaimSuite:
    def test_cancel__unfinished_build__leaves_the_list_as_it_was(
        self, store: Store, ref: ListRef
    ) -> None:
        store.memberships.edit(ref, [Edit("i+", key) for key in sorted(OLD)])
        before = _fields(store, ref)
        target = build(store, ref, "i1", NEW)
        for _ in range(2):
            assert not store.builds.cancel(ref, "i1")
        assert_list(store, ref, OLD)
        with pytest.raises(Fenced):
            publish(store, ref, "i1", target)
        assert reclaim_list(store, ref) == 17
        assert _shards(store, ref, target) == 0
        assert set(_fields(store, ref)) == set(before)

    def test_cancel__by_another__changes_nothing(self, store: Store, ref: ListRef) -> None:
        target = build(store, ref, "i1", NEW)
        assert not store.builds.cancel(ref, "i2")
        publish(store, ref, "i1", target)
        assert_list(store, ref, NEW)

    def test_cancel__in_mid_replay__frees_what_was_spread(self, store: Store, ref: ListRef) -> None:
        target = build(store, ref, "i1", [], bits=0)
        keys = [f"k{n}" for n in range(6000)]
        store.memberships.edit(ref, [Edit("i+", key) for key in keys])
        seal = store.builds.seal(ref, "i1").number
        assert store.builds.publish(ref, "i1", counts=(0, 0), retire_after_ms=0, seal=seal) is None
        assert _shards(store, ref, target) == 17
        store.builds.cancel(ref, "i1")
        reclaim_list(store, ref)
        assert _shards(store, ref, target) == 0
        assert_list(store, ref, set(keys))

    def test_delete__while_building__ends_the_build(self, store: Store, ref: ListRef) -> None:
        store.memberships.edit(ref, [Edit("i+", key) for key in sorted(OLD)])
        target = build(store, ref, "i1", NEW)
        assert store.segments.delete(PRODUCTION, ref.segment)[1] == "i1"
        with pytest.raises(SegmentNotFound):
            store.memberships.state(ref)
        with pytest.raises(Fenced):
            publish(store, ref, "i1", target)
        with pytest.raises(Exception, match="FENCED"):
            write_side(store, ref, "i1", INCLUDED, NEW, 4)

    def test_delete__while_resharding__names_no_import(self, store: Store, ref: ListRef) -> None:
        store.builds.claim(ref, "r1", kind="reshard")
        assert store.segments.delete(PRODUCTION, ref.segment)[1] is None

    def test_retire__too_early_or_pinned__keeps_the_revision(
        self, store: Store, ref: ListRef
    ) -> None:
        replace(store, ref, "i1", OLD)
        old = pin(store.database, ref, "export-1", 600_000)
        replace(store, ref, "i2", NEW, retire_after_ms=0)
        reclaim_list(store, ref)
        assert _shards(store, ref, old) == 17
        assert pin(store.database, ref, "export-1", 600_000) == old
        unpin(store.database, ref, "export-1")
        reclaim_list(store, ref)
        assert _shards(store, ref, old) == 0
        early = pin(store.database, ref, "export-2", 1)
        replace(store, ref, "i3", OLD, retire_after_ms=60_000)
        reclaim_list(store, ref)
        assert _shards(store, ref, early) == 17
        assert lists_to_reclaim(store, PRODUCTION) == [ref]

    def test_retire__pin_ended__gives_the_revision_up(self, store: Store, ref: ListRef) -> None:
        replace(store, ref, "i1", OLD)
        old = pin(store.database, ref, "export-1", 60_000)
        replace(store, ref, "i2", NEW, retire_after_ms=0)
        reclaim_list(store, ref)
        assert _shards(store, ref, old) == 17
        pin(store.database, ref, "export-1", 1)
        wait_until(lambda: reclaim_list(store, ref) > 0, "the pin ends")
        assert _shards(store, ref, old) == 0
        assert pin(store.database, ref, "export-1", 300).name != old.name

    def test_reclaim__live_or_base_revision__frees_nothing(
        self, store: Store, ref: ListRef
    ) -> None:
        replace(store, ref, "i1", OLD, retire_after_ms=0)
        live = store.memberships.state(ref).live
        assert run(store, "list/reclaim", ref, live.name, INCLUDED, 0, 15, "1") == 0
        build(store, ref, "i2", NEW)
        reclaim_list(store, ref)
        assert_list(store, ref, OLD)

    def test_reclaim__many_shards__goes_in_steps_and_twice(
        self, store: Store, ref: ListRef
    ) -> None:
        build(store, ref, "i1", NEW, bits=11)
        store.builds.cancel(ref, "i1")
        name = next(f for f in _fields(store, ref) if f.startswith(b"reclaim:")).decode()[8:]
        first = run(store, "list/reclaim", ref, name, INCLUDED, 0, 999, "0")
        again = run(store, "list/reclaim", ref, name, INCLUDED, 0, 999, "0")
        assert (first, again) == (1000, 0)
        assert reclaim_list(store, ref) == 1048 + 1
        assert reclaim_list(store, ref) == 0
        assert lists_to_reclaim(store, PRODUCTION) == []

    def test_reclaim__deleted_list__leaves_no_key_behind(self, store: Store, ref: ListRef) -> None:
        replace(store, ref, "i1", OLD, bits=6)
        replace(store, ref, "i2", NEW)
        store.memberships.edit(ref, [Edit("e+", "x")])
        pin(store.database, ref, "export-1", 600_000)
        build(store, ref, "i3", OLD)
        store.memberships.edit(ref, [Edit("i+", "y")])
        store.segments.delete(PRODUCTION, ref.segment)
        for one in lists_to_reclaim(store, PRODUCTION):
            reclaim_list(store, one)
        assert lists_to_reclaim(store, PRODUCTION) == []
        keys = store.keyspace
        assert keys_of(store) == {
            keys.projects(),
            keys.environments("default"),
            keys.generations(PRODUCTION),
            keys.environment_state(PRODUCTION),
        }

    def test_reclaim__repeated_delete__is_forgotten_again(self, store: Store, ref: ListRef) -> None:
        for _ in range(2):
            store.memberships.delete(ref)
            reclaim_list(store, ref)
            assert lists_to_reclaim(store, PRODUCTION) == []
            assert not raw(store).exists(store.keyspace.list_record(ref))

    def test_reclaim__right_before_the_delete__frees_it_all_the_same(
        self, store: Store, ref: ListRef, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watch = store.memberships.watch
        reclaimed: list[int] = []

        def watch_and_reclaim(watched: ListRef) -> None:
            watch(watched)
            if not reclaimed:
                reclaimed.append(reclaim_list(store, watched))

        monkeypatch.setattr(store.memberships, "watch", watch_and_reclaim)
        store.memberships.delete(ref)
        assert lists_to_reclaim(store, PRODUCTION) == [ref]

    def test_reclaim__list_claimed_meanwhile__is_watched_again(
        self, store: Store, ref: ListRef
    ) -> None:
        store.memberships.watch(ref)
        reclaim_list(store, ref)
        assert lists_to_reclaim(store, PRODUCTION) == []
        store.builds.claim(ref, "i1")
        reclaim_list(store, ref)
        assert lists_to_reclaim(store, PRODUCTION) == [ref]
