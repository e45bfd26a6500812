"""What imports do to one segment, beside plain sets; the rest is in ``store_machine``."""

from collections.abc import Callable
from typing import Any, Final

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.property.worker.store.lists.list_model import (
    EMPTY,
    Build,
    Lists,
    Schedules,
    answers_of,
    changed_by,
    scheduled_after,
)
from tests.property.worker.store.lists.polling_reader import GONE, PollingReader
from tests.property.worker.store.lists.sleeping_writer import SleepingWriter
from tests.support.store.building import (
    copy_side,
    count,
    keys_of_shard,
    members_of,
    shares_copies,
    write_side,
)
from tests.support.store.stores import new_list
from worker.store import (
    Edit,
    Fenced,
    ImportInProgress,
    ListRef,
    Store,
    Unapproved,
    Unsealed,
)
from worker.store.jobs import Mode
from worker.store.keyspace import EXCLUDED, INCLUDED, BuilderKind, Side
from worker.store.lists import FIRST_BITS, Claim, EditOp, Held, Revision

#: Few keys, so that steps meet; the first three share a shard.
UNIVERSE: Final = (
    *keys_of_shard(9, 3),
    "a",
    "12345678",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "d41d8cd98f00b204e9800998ecf8427e",
    "\x00odd",
)

_MOST_CALLS: Final = 1_000

modes: st.SearchStrategy[Mode] = st.sampled_from(["merge", "replace", "remove"])
sides: st.SearchStrategy[Side] = st.sampled_from([INCLUDED, INCLUDED, EXCLUDED])
key_sets = st.frozensets(st.sampled_from(UNIVERSE))
edit_ops: st.SearchStrategy[EditOp] = st.sampled_from(["i+", "i-", "e+", "e-"])
edit_lists = st.lists(st.builds(Edit, edit_ops, st.sampled_from(UNIVERSE)), min_size=1, max_size=6)


def builds(condition: Callable[[Build], bool]) -> Callable[[Any], bool]:
    return lambda machine: machine.held is not None and condition(machine.held)


class ImportMachine(RuleBasedStateMachine):
    """One segment, at most one build that holds its list, and any number of zombies.

    A subclass sets the store and the reader.
    """

    store: Store
    reader: PollingReader

    def __init__(self) -> None:
        super().__init__()
        self.imports = 0
        self.key = f"s{self.reader.polls}-{id(self)}"
        self.zombies: list[tuple[ListRef, str, str]] = []
        self.sleeper: SleepingWriter | None = None
        self.published: dict[tuple[ListRef, str], tuple[int, int]] = {}
        self.pins: dict[str, Revision] = {}
        self.superseded: set[tuple[ListRef, str]] = set()
        self.held: Build | None = None
        self.create()

    def create(self) -> None:
        self.ref = new_list(self.store, self.key)
        self.lists: Lists | None = EMPTY
        self.schedules: Schedules = {}
        self.version = 1
        self.reader.watch(self.ref, answers_of(EMPTY, UNIVERSE))

    def step(self, after: Lists | None, act: Callable[[], Any]) -> Any:
        """Go to a state of which the reader knows."""
        self.reader.expect(GONE if after is None else answers_of(after, UNIVERSE))
        result = act()
        self.reader.arrived()
        self.lists = after
        self.schedules = {
            (side, key): due
            for (side, key), due in self.schedules.items()
            if after is not None and key in after[side]
        }
        return result

    def give_up(self) -> Build:
        """Take the list from whoever holds it; what is left is a zombie."""
        assert self.held is not None
        build, self.held = self.held, None
        self.zombies.append((self.ref, build.import_id, build.claim.target))
        return build

    # What an import does

    @precondition(lambda self: self.lists is not None)
    @rule(
        file=key_sets,
        mode=modes,
        side=sides,
        reshard=st.booleans(),
        waits=st.booleans(),
        supersedes=st.booleans(),
    )
    def claim(
        self,
        *,
        file: frozenset[str],
        mode: Mode,
        side: Side,
        reshard: bool,
        waits: bool = False,
        supersedes: bool = False,
    ) -> None:
        self.imports += 1
        import_id = f"i{self.imports}"
        kind: BuilderKind = "reshard" if reshard else "import"
        waits = waits and not reshard
        gone = None
        if self.held is not None:
            gives_way = self.held.is_reshard or (supersedes and self.held.unapproved)
            if reshard or not gives_way:
                with pytest.raises(ImportInProgress):
                    self._claimed(import_id, kind, waits=waits, supersedes=supersedes)
                return
            older = self.give_up()
            self.superseded.add((self.ref, older.import_id))
            gone = None if older.is_reshard else older.import_id
        claim = self._claimed(import_id, kind, waits=waits, supersedes=supersedes)
        assert claim.superseded == gone
        assert self.lists is not None
        if reshard:
            file, mode, side = frozenset(), "reshard", INCLUDED
        self.held = Build(import_id, claim, file, mode, side, self.lists, waits=waits)

    def _claimed(
        self, import_id: str, kind: BuilderKind, *, waits: bool, supersedes: bool
    ) -> Claim:
        return self.store.builds.claim(
            self.ref, import_id, waits=waits, supersedes=supersedes, kind=kind
        )

    @precondition(builds(lambda _: True))
    @rule()
    def claim_again(self) -> None:
        build = self.build
        again = self.store.builds.claim(self.ref, build.import_id)
        assert (again.target, again.base) == (build.claim.target, build.claim.base)

    @property
    def build(self) -> Build:
        assert self.held is not None
        return self.held

    @property
    def target(self) -> Revision:
        assert self.build.target is not None
        return self.build.target

    @precondition(builds(lambda _: True))
    @rule(bits=st.sampled_from([0, FIRST_BITS, FIRST_BITS + 1]))
    def prepare(self, bits: int) -> None:
        build = self.build
        side, adds = build.side, build.mode != "remove"
        if (build.file and adds) or (build.mode != "replace" and build.claim.base.bits(side)):
            bits = max(bits, FIRST_BITS)
        included, excluded = (bits, 0) if side == INCLUDED else (0, bits)
        target = self.store.builds.prepare(self.ref, build.import_id, included, excluded, side=side)
        assert build.target is None or build.target.name == target.name
        assert build.replaying or build.target in (None, target)
        build.target = build.target or target

    @precondition(builds(lambda build: build.target is not None))
    @rule()
    def gather(self) -> None:
        if self.build.seal is not None:
            with pytest.raises(Exception, match="does not hold"):
                self.write_shards()
            return
        self.write_shards()
        self.build.written = True

    @precondition(builds(lambda build: build.target is not None and build.seal is None))
    @rule()
    def fall_asleep(self) -> None:
        """A writer stops for a while after its first window; what it writes is wrong."""
        if self.sleeper is None:
            self.sleeper = SleepingWriter.of(self.store, self.ref, self.build)
            self.build.written = False

    @precondition(lambda self: self.sleeper is not None)
    @rule()
    def wake(self) -> None:
        """It goes on as if nothing had happened, and may do so only if nothing has."""
        sleeper, self.sleeper = self.sleeper, None
        assert sleeper is not None
        sleeper.wake(self.held)
        if self.held is not None and self.held.seal is None:
            self.held.written = False

    def write_shards(self) -> None:
        """Write both sides as an import does: from the file, and from the base as it is now."""
        build = self.build
        for side in (INCLUDED, EXCLUDED):
            base, bits = build.claim.base, self.target.bits(side)
            mode, new = (build.mode, build.file) if side == build.side else ("merge", frozenset())
            reads = base.bits(side) > 0 and mode != "replace"
            if reads and bits == base.bits(side) and not shares_copies(self.store):
                removes = mode == "remove"
                copy_side(self.store, self.ref, build.import_id, side, bits, new, removes=removes)
            else:
                read = members_of(self.store, self.ref, base, side) if reads else set()
                keys = changed_by(new, mode, read)
                write_side(self.store, self.ref, build.import_id, side, keys, bits)

    @precondition(builds(lambda build: build.written))
    @rule()
    def seal(self) -> None:
        build = self.build
        sealed = self.store.builds.seal(self.ref, build.import_id)
        assert sealed.counts == (build.counts if build.replaying else None)
        if not build.replaying:
            build.seal, build.counts = sealed.number, count(self.store, self.ref, self.target)
            self.publish_under_a_broken_seal()

    def publish_under_a_broken_seal(self) -> None:
        """What was counted before the build was opened again does not hold."""
        build = self.build
        if build.broken_seal is not None:
            with pytest.raises(Unsealed):
                self._published_or_held(build, (7, 7), build.broken_seal)

    @precondition(builds(lambda build: build.seal is not None))
    @rule()
    def unseal(self) -> None:
        build = self.build
        if build.replaying and (build.touched or build.unapproved):
            with pytest.raises(Fenced):
                self.store.builds.unseal(self.ref, build.import_id)
            return
        self.store.builds.unseal(self.ref, build.import_id)
        build.seal, build.broken_seal, build.replaying = None, build.seal, False
        self.publish_under_a_broken_seal()

    @precondition(builds(lambda build: build.seal is not None))
    @rule()
    def publish_one_step_of_many(self) -> None:
        """Make so many edits that one call cannot replay them all; they change nothing."""
        assert self.lists is not None
        key = UNIVERSE[0]
        side = "i" if key in self.lists[INCLUDED] else "e"
        there = key in self.lists[INCLUDED if side == "i" else EXCLUDED]
        toggles: list[EditOp] = ["i-", "i+"] if side == "i" else ["e-", "e+"]
        ops = toggles if there else toggles[::-1]
        edits = [Edit(op, key) for op in ops]
        self.schedules = scheduled_after(self.lists, self.schedules, edits)
        for _ in range(5):
            self.version += 1
            self.store.memberships.edit(self.ref, edits * 500)
        self.build.edits += edits
        self.build.journal += 5_000
        if self.build.unapproved:
            held = self.hold_once()
            assert (held.more, held.journal < self.build.journal) == (True, True)
            self.build.journal = held.journal
        else:
            assert self.publish_once() is None
        # From now on the counts are the server's, whoever goes on.
        self.build.replaying = self.build.touched = True

    def _published_or_held(self, build: Build, counts: tuple[int, int], seal: int) -> None:
        if build.unapproved:
            self.store.builds.hold(self.ref, build.import_id, counts=counts, seal=seal)
        else:
            self.store.builds.publish(
                self.ref, build.import_id, counts=counts, retire_after_ms=0, seal=seal
            )

    def hold_once(self) -> Held:
        build = self.build
        assert build.seal is not None
        counts = (7, 7) if build.replaying else build.counts
        held = self.store.builds.hold(self.ref, build.import_id, counts=counts, seal=build.seal)
        assert held is not None
        return held

    def publish_once(self) -> Any:
        build = self.build
        counts = (7, 7) if build.replaying else build.counts
        assert build.seal is not None
        return self.store.builds.publish(
            self.ref, build.import_id, counts=counts, retire_after_ms=0, seal=build.seal
        )

    @precondition(builds(lambda build: build.seal is not None))
    @rule()
    def publish(self) -> None:
        def to_the_end() -> None:
            assert any(self.publish_once() for _ in range(_MOST_CALLS)), "it comes to no end"

        if self.build.unapproved:
            with pytest.raises(Unapproved):
                self.publish_once()
            return
        result = self.build.result
        self.version += not self.build.is_reshard
        self.publish_to_the_end(result, to_the_end)
        build = self.give_up()
        figures = len(result[INCLUDED]), len(result[EXCLUDED])
        self.published[self.ref, build.import_id] = figures

    def publish_to_the_end(self, result: Lists, act: Callable[[], None]) -> None:
        """Flip; a subclass notes more."""
        self.step(result, act)

    @precondition(lambda self: self.lists is not None)
    @rule(
        file=key_sets,
        mode=modes,
        side=sides,
        waits=st.booleans(),
        choice=st.integers(0, 3),
        times=st.integers(1, 6),
    )
    def go_on(
        self,
        *,
        file: frozenset[str],
        mode: Mode,
        side: Side,
        waits: bool,
        choice: int,
        times: int,
    ) -> None:
        """Take the next steps of an import; the single rules alone would rarely reach its end."""
        for _ in range(times):
            if self.held is None:
                self.claim(file=file, mode=mode, side=side, reshard=choice == 3, waits=waits)
            elif self.held.target is None:
                self.prepare(bits=(0, FIRST_BITS, FIRST_BITS + 1, FIRST_BITS)[choice])
            elif not self.held.written:
                self.gather()
            elif self.held.seal is None:
                self.seal()
            elif choice == 0:
                self.publish_one_step_of_many()
            elif choice == 1 and self.held.broken_seal is None:
                self.unseal()
            else:
                self.publish()

    @precondition(builds(lambda _: True))
    @rule(by=st.sampled_from(["", "ann"]))
    def cancel(self, by: str = "") -> None:
        build = self.give_up()
        assert not self.store.builds.cancel(self.ref, build.import_id, by=by)
        assert self.store.builds.cancelled_by(self.ref, build.import_id) == (by or None)

    @precondition(lambda self: any(ref == self.ref for ref, _ in self.published))
    @rule()
    def cancel_too_late(self) -> None:
        """What is published stays so, and nothing is noted of the cancellation."""
        import_id = next(one for ref, one in self.published if ref == self.ref)
        if self.lists is not None:
            assert self.store.builds.cancel(self.ref, import_id, by="ann")
            assert self.store.builds.cancelled_by(self.ref, import_id) is None
