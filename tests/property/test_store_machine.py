"""Any order of edits, builds, publishes and deletes, held against plain sets after each step.

A thread polls beside the machine: what it reads must be a state the list was in while it
was reading.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.conformance.building import (
    assert_list,
    copy_side,
    count,
    keys_of_shard,
    members_of,
    natural_form,
    run,
    shard_arguments,
    shares_copies,
    write_side,
)
from tests.conformance.stores import SCOPE, new_list, opened, raw
from tests.servers import Server
from worker.store import (
    Edit,
    Fenced,
    ImportInProgress,
    ListRef,
    ListUnknown,
    Membership,
    SegmentNotFound,
    Store,
)
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.memberships import Claim, EditOp
from worker.store.reclaiming import lists_to_reclaim, reclaim_list
from worker.store.revisions import Revision

#: Few keys, so that steps meet; the first three share a shard.
UNIVERSE: Final = (
    *keys_of_shard(9, 3),
    "a",
    "12345678",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "d41d8cd98f00b204e9800998ecf8427e",
    "\x00odd",
)
Lists = dict[Side, frozenset[str]]
Answers = tuple[Membership, ...]
EMPTY: Final[Lists] = {INCLUDED: frozenset(), EXCLUDED: frozenset()}
RESHARD: Final = "reshard-"

key_sets = st.frozensets(st.sampled_from(UNIVERSE), max_size=len(UNIVERSE))
edit_ops: st.SearchStrategy[EditOp] = st.sampled_from(["i+", "i-", "e+", "e-"])
edit_lists = st.lists(st.builds(Edit, edit_ops, st.sampled_from(UNIVERSE)), min_size=1, max_size=6)


def applied(lists: Lists, edits: list[Edit]) -> Lists:
    """Give the two lists after some edits."""
    after = dict(lists)
    for edit in edits:
        side: Side = INCLUDED if edit.op[0] == "i" else EXCLUDED
        one = frozenset({edit.key})
        after[side] = after[side] | one if edit.op[1] == "+" else after[side] - one
    return after


def answers_of(lists: Lists | None) -> Answers | None:
    """Give what a look-up of the whole universe must answer; ``None`` is a deleted list."""
    if lists is None:
        return None
    return tuple(Membership(key in lists[INCLUDED], key in lists[EXCLUDED]) for key in UNIVERSE)


@dataclass
class Build:
    """An import in the model: what its file holds, and what was edited since its claim."""

    import_id: str
    claim: Claim
    file: frozenset[str]
    merge: bool
    at_claim: Lists
    edits: list[Edit] = field(default_factory=list)
    target: Revision | None = None
    written: bool = False
    counts: tuple[int, int] | None = None
    seal: int | None = None

    @property
    def result(self) -> Lists:
        """What is live after publishing now."""
        included = self.file | self.at_claim[INCLUDED] if self.merge else self.file
        return applied({**self.at_claim, INCLUDED: included}, self.edits)


class Readers:
    """A thread that polls; it must only ever see states the machine has announced."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ref: ListRef | None = None
        self._history: list[Answers | None] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self.polls = 0
        self.wrong: list[str] = []
        self._thread.start()

    def watch(self, ref: ListRef) -> None:
        with self._lock:
            self._ref, self._history = ref, [answers_of(EMPTY)]

    def expect(self, after: Lists | None) -> None:
        """Announce the state that the next step leads to, before it is taken."""
        with self._lock:
            self._history.append(answers_of(after))

    def settled(self) -> None:
        """Say that the last announced state is now the only one."""
        with self._lock:
            # Polls that began before keep their own view of the history.
            self._history = [*self._history[-1:]]

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                ref, history = self._ref, self._history
                seen = list(history)
            if ref is None:
                self._stopping.wait(0.001)
                continue
            answers = self._look(ref)
            with self._lock:
                allowed = [*seen, *history, *self._history] if self._ref == ref else None
            self.polls += 1
            if allowed is not None and answers not in allowed:
                self.wrong.append(f"read {answers}, but the list was only in {allowed}")

    def _look(self, ref: ListRef) -> Answers | None:
        try:
            return tuple(self._store.memberships.look_up(ref, UNIVERSE))
        except SegmentNotFound:
            return None


class StoreMachine(RuleBasedStateMachine):
    """One segment, at most one build that holds its list, and any number of zombies."""

    store: Store
    readers: Readers

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._published: dict[tuple[ListRef, str], tuple[int, int]] = {}
        self._zombies: list[tuple[ListRef, str]] = []
        self._build: Build | None = None
        self._lists: Lists | None = None
        self._version = 1
        self._key = f"s{id(self)}"
        self._create()

    # What happens to the list -------------------------------------------------------

    def _create(self) -> None:
        self._ref = new_list(self.store, self._key)
        self._lists, self._build, self._version = EMPTY, None, 1
        self.readers.watch(self._ref)

    def _step(self, after: Lists | None, act: Callable[[], object]) -> object:
        """Announce a state, go there, and say that it is reached."""
        self.readers.expect(after)
        result = act()
        self.readers.settled()
        self._lists = after
        return result

    @property
    def _live(self) -> Lists:
        assert self._lists is not None
        return self._lists

    @precondition(lambda self: self._lists is not None)
    @rule(edits=edit_lists)
    def edit(self, edits: list[Edit]) -> None:
        if self._build is not None:
            self._build.edits += edits
        self._version += 1
        self._step(
            applied(self._live, edits), lambda: self.store.memberships.edit(self._ref, edits)
        )

    @precondition(lambda self: self._lists is None)
    @rule()
    def create_again(self) -> None:
        old = self._ref.generation
        self._create()
        assert self._ref.generation == old + 1

    @precondition(lambda self: self._lists is not None)
    @rule()
    def delete(self) -> None:
        expected = None
        if self._build is not None:
            self._zombies.append((self._ref, self._build.import_id))
            if not self._build.import_id.startswith(RESHARD):
                expected = self._build.import_id
        delete = self.store.segments.delete
        _, building = self._step(None, lambda: delete(SCOPE, self._key))  # type: ignore[misc]  # the pair that delete gives
        assert building == expected
        self._build = None

    # What an import does -------------------------------------------------------------

    @precondition(lambda self: self._lists is not None)
    @rule(file=key_sets, merge=st.booleans(), reshard=st.booleans())
    def claim(self, file: frozenset[str], *, merge: bool, reshard: bool) -> None:
        self._number += 1
        import_id = f"{RESHARD if reshard else 'i'}{self._number}"
        holder = self._build
        gives_way = holder is not None and holder.import_id.startswith(RESHARD) and not reshard
        if holder is not None and not gives_way:
            with pytest.raises(ImportInProgress):
                self.store.memberships.claim(self._ref, import_id)
            return
        if holder is not None:
            self._zombies.append((self._ref, holder.import_id))
        claim = self.store.memberships.claim(self._ref, import_id)
        if reshard:
            file, merge = frozenset(), True
        self._build = Build(import_id, claim, file, merge, self._live)

    @precondition(lambda self: self._build is not None)
    @rule()
    def claim_again(self) -> None:
        build = self._held
        again = self.store.memberships.claim(self._ref, build.import_id)
        assert (again.target, again.base) == (build.claim.target, build.claim.base)

    @property
    def _held(self) -> Build:
        assert self._build is not None
        return self._build

    @precondition(lambda self: self._build is not None)
    @rule(bits=st.sampled_from([0, 4, 5]))
    def prepare(self, bits: int) -> None:
        build = self._held
        if build.file or (build.merge and build.claim.base.included_bits):
            bits = max(bits, 4)
        target = self.store.memberships.prepare(self._ref, build.import_id, bits, 0)
        assert build.target in (None, target)
        build.target = target

    @precondition(lambda self: self._build is not None and self._build.target is not None)
    @rule()
    def gather(self) -> None:
        """Write both sides as an import does: from the file, and from the base as it is now."""
        build, target = self._held, self._target
        if build.seal is not None:
            with pytest.raises(Exception, match="FENCED"):
                self._write(build, target)
            return
        self._write(build, target)
        build.written = True

    @property
    def _target(self) -> Revision:
        assert self._held.target is not None
        return self._held.target

    def _write(self, build: Build, target: Revision) -> None:
        for side in (INCLUDED, EXCLUDED):
            base, bits = build.claim.base, target.bits(side)
            new = build.file if side == INCLUDED else frozenset[str]()
            keeps = base.bits(side) > 0 and (build.merge or side == EXCLUDED)
            if keeps and bits == base.bits(side) and not shares_copies(self.store):
                copy_side(self.store, self._ref, build.import_id, side, bits, new)
            else:
                kept = members_of(self.store, self._ref, base, side) if keeps else set()
                write_side(self.store, self._ref, build.import_id, side, {*new, *kept}, bits)

    @precondition(lambda self: self._build is not None and self._build.written)
    @rule()
    def seal(self) -> None:
        build = self._held
        sealed = self.store.memberships.seal(self._ref, build.import_id)
        build.seal = sealed.number
        if sealed.counts is None:
            build.counts = count(self.store, self._ref, self._target)
        assert sealed.counts in (None, build.counts)

    @precondition(lambda self: self._build is not None and self._build.seal is not None)
    @rule()
    def unseal(self) -> None:
        build = self._held
        self.store.memberships.unseal(self._ref, build.import_id)
        build.seal = None

    @precondition(lambda self: self._build is not None and self._build.seal is not None)
    @rule(late=st.lists(edit_lists, max_size=3))
    def publish(self, late: list[list[Edit]]) -> None:
        """Publish at once, or with a replay of several steps and edits between them."""
        build, keys = self._held, (self._ref, self._held.import_id)
        assert build.counts is not None
        if late:
            # Enough edits for more than one step; they end as they began.
            key = UNIVERSE[0]
            side = "i" if key in self._live[INCLUDED] else "e"
            there = key in self._live[INCLUDED if side == "i" else EXCLUDED]
            toggles: tuple[EditOp, ...] = ("i-", "i+") if there else ("e+", "e-")
            for _ in range(5):
                self._quiet_edit([Edit(op, key) for op in toggles * 500])
            assert self._flip(build) is None
            with pytest.raises(Fenced):
                self.store.memberships.unseal(*keys)
            for edits in late:
                self.edit_now(edits)
        self._publish_to_the_end(build)
        self._zombies.append(keys)
        self._build = None

    def edit_now(self, edits: list[Edit]) -> None:
        self._held.edits += edits
        self._version += 1
        self._step(
            applied(self._live, edits), lambda: self.store.memberships.edit(self._ref, edits)
        )

    def _quiet_edit(self, edits: list[Edit]) -> None:
        """Edit in one step that leaves the list as it was."""
        self._held.edits += edits
        self._version += 1
        self.store.memberships.edit(self._ref, edits)

    def _flip(self, build: Build) -> object:
        assert build.counts is not None
        return self.store.memberships.publish(
            self._ref, build.import_id, counts=build.counts, retire_after_ms=0, seal=build.seal
        )

    def _publish_to_the_end(self, build: Build) -> None:
        def act() -> None:
            while self._flip(build) is None:
                pass

        result = build.result
        if not build.import_id.startswith(RESHARD):
            self._version += 1
        self._step(result, act)
        figures = len(result[INCLUDED]), len(result[EXCLUDED])
        self._published[self._ref, build.import_id] = figures

    @precondition(lambda self: self._build is not None)
    @rule()
    def cancel(self) -> None:
        build = self._held
        assert not self.store.memberships.cancel(self._ref, build.import_id)
        self._zombies.append((self._ref, build.import_id))
        self._build = None

    # What must not matter ------------------------------------------------------------

    @precondition(lambda self: self._zombies)
    @rule(data=st.data(), keys=key_sets)
    def zombie(self, data: st.DataObject, keys: frozenset[str]) -> None:
        """An import that no longer holds the list tries everything."""
        ref, import_id = data.draw(st.sampled_from(self._zombies))
        memberships = self.store.memberships
        for form in {natural_form(self.store), "fill_shards"}:
            shard = shard_arguments(form, keys, 4)[9]  # type: ignore[arg-type]  # one of the two
            with pytest.raises(Exception, match="FENCED"):
                run(self.store, form, ref, import_id, INCLUDED, *shard)
        with pytest.raises(Exception, match="FENCED"):
            copy_side(self.store, ref, import_id, EXCLUDED, 4)
        for act in (memberships.seal, memberships.unseal, memberships.target):
            with pytest.raises(Fenced):
                act(ref, import_id)
        figures = self._published.get((ref, import_id))
        assert memberships.cancel(ref, import_id) == (figures is not None)
        if figures is None:
            with pytest.raises(Fenced):
                memberships.publish(ref, import_id, counts=(1, 1), retire_after_ms=0)
        else:
            again = memberships.publish(ref, import_id, counts=(1, 1), retire_after_ms=0)
            assert again is not None
            assert (again.included_count, again.excluded_count) == figures

    @rule()
    def reclaim(self) -> None:
        for ref in lists_to_reclaim(self.store, SCOPE):
            reclaim_list(self.store, ref)
            if ref != self._ref:
                # Its record is forgotten, and with it what it had published.
                self._zombies = [one for one in self._zombies if one[0] != ref]

    @precondition(lambda self: self._lists is not None)
    @rule(key=st.sampled_from(UNIVERSE))
    def lose_a_shard(self, key: str) -> None:
        """While a shard is gone its keys are unknown; put back, all is as before."""
        live = self.store.memberships.state(self._ref).live
        shard = self.store.keyspace.shard(self._ref, live.name, INCLUDED, 0)
        if live.included_bits:
            index = next(n for n, one in enumerate(shard_arguments("fill_shards", [key], 4)) if one[1])
            index <<= live.included_bits - 4
            shard = self.store.keyspace.shard(self._ref, live.name, INCLUDED, index)
        hidden = f"{shard}-hidden"
        self.readers.watch_nothing()
        raw(self.store).rename(shard, hidden)
        try:
            with pytest.raises(ListUnknown):
                self.store.memberships.look_up(self._ref, UNIVERSE)
            with pytest.raises(ListUnknown):
                count(self.store, self._ref, live)
        finally:
            raw(self.store).rename(hidden, shard)
        self.readers.watch(self._ref)

    # What always holds ---------------------------------------------------------------

    @invariant()
    def answers_and_counts_are_right(self) -> None:
        assert not self.readers.wrong, self.readers.wrong[0]
        if self._lists is None:
            with pytest.raises(SegmentNotFound):
                self.store.memberships.look_up(self._ref, UNIVERSE)
            return
        found = tuple(self.store.memberships.look_up(self._ref, UNIVERSE))
        assert found == answers_of(self._lists)
        assert_list(self.store, self._ref, set(self._lists[INCLUDED]), self._lists[EXCLUDED])
        state = self.store.memberships.state(self._ref)
        assert state.version == self._version
        held = None if self._build is None else self._build.import_id
        assert state.building == (None if held and held.startswith(RESHARD) else held)
