"""A revision becomes live in one step, with every edit made while it was built."""

import pytest

from tests.support.store.building import (
    assert_list,
    build,
    copy_side,
    publish,
    replace,
    seal_and_count,
    write_side,
)
from worker.store import Edit, Fenced, ListRef, Store, Unsealed
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists import Revision

LIVE = {f"live-{n}" for n in range(40)}
NEW = {f"new-{n}" for n in range(300)}
RETIRE_MS = 60_000


def _edit(store: Store, ref: ListRef, *ops: str) -> None:
    """Edit; each op is written ``i+key``."""
    store.memberships.edit(ref, [Edit(op[:2], op[2:]) for op in ops])  # type: ignore[arg-type]  # the literals are in the tests


def _live_list(store: Store, ref: ListRef) -> None:
    _edit(store, ref, *(f"i+{key}" for key in sorted(LIVE)), "e+out")


class PublishSuite:
    def test_publish__no_edits__replaces_the_included_list_only(
        self, store: Store, ref: ListRef
    ) -> None:
        _live_list(store, ref)
        before = store.memberships.state(ref)
        target = build(store, ref, "i1", NEW, bits=5)
        assert_list(store, ref, LIVE, {"out"})
        published = publish(store, ref, "i1", target)
        assert (published.included_count, published.excluded_count) == (len(NEW), 1)
        assert (published.edited_included, published.edited_excluded) == (0, 0)
        assert_list(store, ref, NEW, {"out"})
        after = store.memberships.state(ref)
        assert (after.live, after.building) == (target, None)
        assert after.version == published.version == before.version + 1

    def test_publish__edits_while_building__win_over_the_file(
        self, store: Store, ref: ListRef
    ) -> None:
        _live_list(store, ref)
        _edit(store, ref, "i+before claim")
        target = build(store, ref, "i1", NEW)
        _edit(store, ref, "i+added", "i-new-7", "i-live-1", "i+live-2", "e+out-2", "e-out")
        _edit(store, ref, "i+again", "i-again", "i-new-8", "i+new-8")
        during = (LIVE | {"before claim", "added", "new-8"}) - {"live-1"}
        assert_list(store, ref, during, {"out-2"})
        store.builds.seal(ref, "i1")
        _edit(store, ref, "i+after seal", "i-new-9")
        published = publish(store, ref, "i1", target)
        expected = (NEW | {"added", "live-2", "after seal"}) - {"new-7", "new-9"}
        assert_list(store, ref, expected, {"out-2"})
        assert (published.edited_included, published.edited_excluded) == (1, 0)

    def test_claim__after_an_import__tells_it_and_the_edits_since(
        self, store: Store, ref: ListRef
    ) -> None:
        _edit(store, ref, "i+before")
        assert store.builds.claim(ref, "i1").previous is None
        store.builds.cancel(ref, "i1")
        publish(store, ref, "i2", build(store, ref, "i2", NEW))
        _edit(store, ref, "i+one", "i+two")
        publish(store, ref, "r1", build(store, ref, "r1", NEW, kind="reshard"))
        _edit(store, ref, "i-one")
        previous = store.builds.claim(ref, "i3").previous
        assert previous is not None
        assert (previous.import_id, previous.edits_since) == ("i2", 2)
        assert 0 < previous.published_ms <= store.memberships.state(ref).modified_ms

    def test_publish__merge__keeps_the_base_and_its_edits(self, store: Store, ref: ListRef) -> None:
        _live_list(store, ref)
        claim = store.builds.claim(ref, "i1")
        _edit(store, ref, "i-live-1", "i+mid")
        target = store.builds.prepare(ref, "i1", 4, claim.base.excluded_bits)
        copy_side(store, ref, "i1", INCLUDED, 4, NEW)
        copy_side(store, ref, "i1", EXCLUDED, 4)
        _edit(store, ref, "i-live-2", "i-new-1")
        publish(store, ref, "i1", target)
        assert_list(store, ref, (LIVE | NEW | {"mid"}) - {"live-1", "live-2", "new-1"}, {"out"})

    def test_publish__first_member_during_build__spreads_the_new_lists(
        self, store: Store, ref: ListRef
    ) -> None:
        target = build(store, ref, "i1", [], bits=0)
        assert target == Revision(target.name, 0, 0)
        _edit(store, ref, "i+a", "i+b", "e+c", "e-c", "i-b")
        published = publish(store, ref, "i1", target)
        assert (published.included_count, published.excluded_count) == (1, 0)
        assert store.memberships.state(ref).live == Revision(target.name, 4, 4)
        assert_list(store, ref, {"a"})

    @pytest.mark.parametrize("per_edit", [1000, 7])
    def test_publish__long_journal__is_replayed_in_steps(
        self, store: Store, ref: ListRef, per_edit: int
    ) -> None:
        target = build(store, ref, "i1", NEW)
        keys = [f"edit-{n}" for n in range(250)]
        for start in range(0, len(keys), per_edit):
            _edit(store, ref, *(f"i+{key}" for key in keys[start : start + per_edit]))
        seal, counts = seal_and_count(store, ref, "i1", target)
        for calls in range(1, 9):
            published = store.builds.publish(
                ref, "i1", counts=counts, retire_after_ms=RETIRE_MS, seal=seal
            )
            if published is not None:
                break
            state = store.memberships.state(ref)
            assert state.live.name != target.name
            assert state.included_count == len(keys)
            _edit(store, ref, f"i-new-{calls}")
        assert calls == 3
        assert published is not None
        assert published.edited_included == len(keys) - 2
        assert_list(store, ref, (NEW | set(keys)) - {"new-1", "new-2"})

    def test_publish__edits_come_as_fast_as_they_are_replayed__catches_up(
        self, store: Store, ref: ListRef
    ) -> None:
        target = build(store, ref, "i1", NEW)
        seal, counts = seal_and_count(store, ref, "i1", target)
        edited = 0
        published = None
        while published is None:
            assert edited < 6_000, "it falls behind for ever"
            _edit(store, ref, *(f"i+edit-{edited + n}" for n in range(300)))
            edited += 300
            published = store.builds.publish(
                ref, "i1", counts=counts, retire_after_ms=RETIRE_MS, seal=seal
            )
        assert published.edited_included == edited
        assert store.memberships.state(ref).included_count == len(NEW) + edited

    def test_publish__another_worker_goes_on__counts_stay_right(
        self, store: Store, ref: ListRef
    ) -> None:
        """The first worker dies in mid-replay; the second must not count replayed edits."""
        target = build(store, ref, "i1", NEW)
        keys = [f"edit-{n}" for n in range(6000)]
        _edit(store, ref, *(f"i+{key}" for key in keys))
        seal, counts = seal_and_count(store, ref, "i1", target)
        options = {"counts": counts, "retire_after_ms": RETIRE_MS, "seal": seal}
        assert store.builds.publish(ref, "i1", **options) is None  # type: ignore[arg-type]  # mixed values
        with pytest.raises(Fenced):
            store.builds.unseal(ref, "i1")
        assert store.builds.seal(ref, "i1").counts == counts
        published = publish(store, ref, "i1", target)
        assert published.included_count == len(NEW) + len(keys)
        assert_list(store, ref, NEW | set(keys))

    def test_publish__repeated__answers_the_same(self, store: Store, ref: ListRef) -> None:
        _live_list(store, ref)
        target = build(store, ref, "i1", NEW)
        _edit(store, ref, "i-new-1", "i-new-2", "e-out")
        first = publish(store, ref, "i1", target)
        assert (first.edited_included, first.edited_excluded) == (-2, -1)
        _edit(store, ref, "i+later")
        assert store.builds.published(ref, "i1") == first
        again = store.builds.publish(ref, "i1", counts=(0, 0), retire_after_ms=RETIRE_MS, seal=0)
        assert again == first
        assert store.builds.cancel(ref, "i1")
        assert_list(store, ref, (NEW | {"later"}) - {"new-1", "new-2"})

    def test_publish__repeated_after_a_later_import__still_answers(
        self, store: Store, ref: ListRef
    ) -> None:
        """A worker that lost the reply must not learn that its import was lost."""
        first = replace(store, ref, "i1", NEW)
        replace(store, ref, "r1", NEW, bits=5, kind="reshard")
        replace(store, ref, "i2", LIVE)
        assert store.builds.published(ref, "i1") == first
        again = store.builds.publish(ref, "i1", counts=(0, 0), retire_after_ms=RETIRE_MS, seal=0)
        assert again == first
        assert_list(store, ref, LIVE)

    def test_publish__never_claimed__is_fenced(self, store: Store, ref: ListRef) -> None:
        assert store.builds.published(ref, "i1") is None
        with pytest.raises(Fenced):
            store.builds.publish(ref, "i1", counts=(1, 1), retire_after_ms=RETIRE_MS, seal=0)
        assert_list(store, ref, set())

    def test_publish__opened_since_it_was_counted__is_refused(
        self, store: Store, ref: ListRef
    ) -> None:
        """A worker that counted under an old seal must not publish what was written since."""
        target = build(store, ref, "i1", NEW)
        seal, counts = seal_and_count(store, ref, "i1", target)
        assert seal_and_count(store, ref, "i1", target) == (seal, counts)
        store.builds.unseal(ref, "i1")
        with pytest.raises(Unsealed):
            store.builds.publish(ref, "i1", counts=counts, retire_after_ms=RETIRE_MS, seal=seal)
        write_side(store, ref, "i1", INCLUDED, LIVE, 4)
        assert seal_and_count(store, ref, "i1", target)[1] == (len(LIVE), 0)
        with pytest.raises(Unsealed):
            store.builds.publish(ref, "i1", counts=counts, retire_after_ms=RETIRE_MS, seal=seal)
        publish(store, ref, "i1", target)
        assert_list(store, ref, LIVE)

    def test_publish__reshard__moves_neither_version_nor_time(
        self, store: Store, ref: ListRef
    ) -> None:
        _live_list(store, ref)
        before = store.memberships.state(ref)
        replace(store, ref, "r1", LIVE, bits=6, kind="reshard")
        after = store.memberships.state(ref)
        assert (after.version, after.modified_ms) == (before.version, before.modified_ms)
        assert after.live.included_bits == 6
        assert_list(store, ref, LIVE, {"out"})

    def test_publish__many_times__reader_finds_each(self, store: Store, ref: ListRef) -> None:
        for n, bits in enumerate((4, 6, 0, 5, 4)):
            keys = {f"k{n}-{i}" for i in range(50)} if bits else set()
            replace(store, ref, f"i{n}", keys, bits=bits)
            assert_list(store, ref, keys)
            found = store.memberships.look_up(ref, [f"k{n}-7", f"k{n - 1}-7"])
            assert [one.included for one in found] == [bool(bits), False]
