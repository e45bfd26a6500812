"""A machine of everything that can happen to one segment, beside plain sets."""

from collections.abc import Callable
from typing import Any, Final

import hypothesis.strategies as st
import pytest
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
from tests.conformance.stores import SCOPE, new_list, raw
from tests.property.list_model import EMPTY, Build, Lists, answers_of, applied
from tests.property.polling_reader import GONE, PollingReader
from worker.store import Edit, Fenced, ImportInProgress, ListRef, ListUnknown, SegmentNotFound, Store
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.member_codec import pack_one
from worker.store.member_hash import hash_one, shard_index
from worker.store.memberships import RESHARD_PREFIX, EditOp
from worker.store.pins import pin, unpin
from worker.store.reclaiming import lists_to_reclaim, reclaim_list
from worker.store.revisions import FIRST_BITS, Revision

#: Few keys, so that steps meet; the first three share a shard.
UNIVERSE: Final = (
    *keys_of_shard(9, 3),
    "a",
    "12345678",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "d41d8cd98f00b204e9800998ecf8427e",
    "\x00odd",
)

key_sets = st.frozensets(st.sampled_from(UNIVERSE))
edit_ops: st.SearchStrategy[EditOp] = st.sampled_from(["i+", "i-", "e+", "e-"])
edit_lists = st.lists(st.builds(Edit, edit_ops, st.sampled_from(UNIVERSE)), min_size=1, max_size=6)


def _builds(condition: Callable[[Build], bool]) -> Callable[[Any], bool]:
    return lambda machine: machine.held is not None and condition(machine.held)


class StoreMachine(RuleBasedStateMachine):
    """One segment, at most one build that holds its list, and any number of zombies.

    A subclass sets the store and the reader.
    """

    store: Store
    reader: PollingReader

    def __init__(self) -> None:
        super().__init__()
        self.imports = 0
        self.key = f"s{self.reader.polls}-{id(self)}"
        self.zombies: list[tuple[ListRef, str]] = []
        self.published: dict[tuple[ListRef, str], tuple[int, int]] = {}
        self.pins: dict[str, Revision] = {}
        self.held: Build | None = None
        self.create()

    def create(self) -> None:
        self.ref = new_list(self.store, self.key)
        self.lists: Lists | None = EMPTY
        self.version = 1
        self.reader.watch(self.ref, answers_of(EMPTY, UNIVERSE))

    def step(self, after: Lists | None, act: Callable[[], Any]) -> Any:
        """Go to a state of which the reader knows."""
        self.reader.expect(GONE if after is None else answers_of(after, UNIVERSE))
        result = act()
        self.reader.arrived()
        self.lists = after
        return result

    def give_up(self) -> Build:
        """Take the list from whoever holds it; what is left is a zombie."""
        assert self.held is not None
        build, self.held = self.held, None
        self.zombies.append((self.ref, build.import_id))
        return build

    # What happens to the list

    @precondition(lambda self: self.lists is not None)
    @rule(edits=edit_lists)
    def edit(self, edits: list[Edit]) -> None:
        if self.held is not None:
            self.held.edits += edits
        self.version += 1
        assert self.lists is not None
        self.step(applied(self.lists, edits), lambda: self.store.memberships.edit(self.ref, edits))

    @precondition(lambda self: self.lists is not None)
    @rule()
    def delete(self) -> None:
        building = None
        if self.held is not None:
            build = self.give_up()
            building = None if build.is_reshard else build.import_id
        _, found = self.step(None, lambda: self.store.segments.delete(SCOPE, self.key))
        assert found == building
        self.pins.clear()

    @precondition(lambda self: self.lists is None)
    @rule()
    def create_again(self) -> None:
        generation = self.ref.generation
        self.create()
        assert self.ref.generation == generation + 1

    # What an import does

    @precondition(lambda self: self.lists is not None)
    @rule(file=key_sets, merge=st.booleans(), reshard=st.booleans())
    def claim(self, *, file: frozenset[str], merge: bool, reshard: bool) -> None:
        self.imports += 1
        import_id = f"{RESHARD_PREFIX if reshard else 'i'}{self.imports}"
        if self.held is not None:
            if reshard or not self.held.is_reshard:
                with pytest.raises(ImportInProgress):
                    self.store.memberships.claim(self.ref, import_id)
                return
            self.give_up()
        claim = self.store.memberships.claim(self.ref, import_id)
        assert self.lists is not None
        if reshard:
            file, merge = frozenset(), True
        self.held = Build(import_id, claim, file, merge, self.lists)

    @precondition(_builds(lambda _: True))
    @rule()
    def claim_again(self) -> None:
        build = self.build
        again = self.store.memberships.claim(self.ref, build.import_id)
        assert (again.target, again.base) == (build.claim.target, build.claim.base)

    @property
    def build(self) -> Build:
        assert self.held is not None
        return self.held

    @property
    def target(self) -> Revision:
        assert self.build.target is not None
        return self.build.target

    @precondition(_builds(lambda _: True))
    @rule(bits=st.sampled_from([0, FIRST_BITS, FIRST_BITS + 1]))
    def prepare(self, bits: int) -> None:
        build = self.build
        if build.file or (build.merge and build.claim.base.included_bits):
            bits = max(bits, FIRST_BITS)
        target = self.store.memberships.prepare(self.ref, build.import_id, bits, 0)
        assert build.target is None or build.target.name == target.name
        assert build.replaying or build.target in (None, target)
        build.target = build.target or target

    @precondition(_builds(lambda build: build.target is not None))
    @rule()
    def gather(self) -> None:
        if self.build.seal is not None:
            with pytest.raises(Exception, match="FENCED"):
                self.write_shards()
            return
        self.write_shards()
        self.build.written = True

    def write_shards(self) -> None:
        """Write both sides as an import does: from the file, and from the base as it is now."""
        build = self.build
        for side in (INCLUDED, EXCLUDED):
            base, bits = build.claim.base, self.target.bits(side)
            new = build.file if side == INCLUDED else frozenset[str]()
            keeps = base.bits(side) > 0 and (build.merge or side == EXCLUDED)
            if keeps and bits == base.bits(side) and not shares_copies(self.store):
                copy_side(self.store, self.ref, build.import_id, side, bits, new)
            else:
                kept = members_of(self.store, self.ref, base, side) if keeps else set()
                write_side(self.store, self.ref, build.import_id, side, {*new, *kept}, bits)

    @precondition(_builds(lambda build: build.written))
    @rule()
    def seal(self) -> None:
        build = self.build
        sealed = self.store.memberships.seal(self.ref, build.import_id)
        assert sealed.counts == (build.counts if build.replaying else None)
        if not build.replaying:
            build.seal, build.counts = sealed.number, count(self.store, self.ref, self.target)

    @precondition(_builds(lambda build: build.seal is not None))
    @rule()
    def unseal(self) -> None:
        build = self.build
        if build.replaying:
            with pytest.raises(Fenced):
                self.store.memberships.unseal(self.ref, build.import_id)
            return
        self.store.memberships.unseal(self.ref, build.import_id)
        build.seal = None

    @precondition(_builds(lambda build: build.seal is not None))
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
        for _ in range(5):
            self.version += 1
            self.store.memberships.edit(self.ref, edits * 500)
        self.build.edits += edits
        assert self.publish_once() is None
        self.build.replaying = True

    def publish_once(self) -> Any:
        build = self.build
        return self.store.memberships.publish(
            self.ref, build.import_id, counts=build.counts, retire_after_ms=0, seal=build.seal
        )

    @precondition(_builds(lambda build: build.seal is not None))
    @rule()
    def publish(self) -> None:
        def to_the_end() -> None:
            while self.publish_once() is None:
                pass

        result = self.build.result
        self.version += not self.build.is_reshard
        self.step(result, to_the_end)
        build = self.give_up()
        figures = len(result[INCLUDED]), len(result[EXCLUDED])
        self.published[self.ref, build.import_id] = figures

    @precondition(_builds(lambda _: True))
    @rule()
    def cancel(self) -> None:
        build = self.give_up()
        assert not self.store.memberships.cancel(self.ref, build.import_id)

    # What must not matter

    @precondition(lambda self: self.zombies)
    @rule(data=st.data(), keys=key_sets)
    def zombie(self, data: st.DataObject, keys: frozenset[str]) -> None:
        """An import that no longer holds the list tries everything."""
        ref, import_id = data.draw(st.sampled_from(self.zombies))
        memberships = self.store.memberships
        shard = shard_arguments(natural_form(self.store), keys, FIRST_BITS)[9]
        with pytest.raises(Exception, match="FENCED"):
            run(self.store, natural_form(self.store), ref, import_id, INCLUDED, *shard)
        with pytest.raises(Exception, match="FENCED"):
            copy_side(self.store, ref, import_id, EXCLUDED, FIRST_BITS)
        for act in (memberships.seal, memberships.unseal, memberships.target):
            with pytest.raises(Fenced):
                act(ref, import_id)
        figures = self.published.get((ref, import_id))
        assert memberships.cancel(ref, import_id) == (figures is not None)
        if figures is None:
            with pytest.raises(Fenced):
                memberships.publish(ref, import_id, counts=(1, 1), retire_after_ms=0)
        else:
            again = memberships.publish(ref, import_id, counts=(1, 1), retire_after_ms=0)
            assert again is not None
            assert (again.included_count, again.excluded_count) == figures

    @precondition(lambda self: self.lists is not None)
    @rule(holder=st.sampled_from(["x", "y"]))
    def pin(self, holder: str) -> None:
        revision = pin(self.store, self.ref, holder, 600_000)
        assert revision.name == self.pins.setdefault(holder, revision).name

    @precondition(lambda self: self.lists is not None)
    @rule(holder=st.sampled_from(["x", "y"]))
    def unpin(self, holder: str) -> None:
        unpin(self.store, self.ref, holder)
        self.pins.pop(holder, None)

    @rule()
    def reclaim(self) -> None:
        for ref in lists_to_reclaim(self.store, SCOPE):
            reclaim_list(self.store, ref)
            if ref != self.ref or self.lists is None:
                # Its record is forgotten, and with it what was published.
                self.published = {one: f for one, f in self.published.items() if one[0] != ref}

    @precondition(lambda self: self.lists is not None)
    @rule(key=st.sampled_from(UNIVERSE))
    def lose_a_shard_for_a_while(self, key: str) -> None:
        live = self.store.memberships.state(self.ref).live
        index = shard_index(hash_one(pack_one(key)), live.included_bits)
        shard = self.store.keyspace.shard(self.ref, live.name, INCLUDED, index)
        self.reader.look_away()
        raw(self.store).rename(shard, f"{shard}-lost")
        before = self.store.memberships.state(self.ref)
        with pytest.raises(ListUnknown):
            self.store.memberships.look_up(self.ref, UNIVERSE)
        with pytest.raises(ListUnknown):
            count(self.store, self.ref, live)
        with pytest.raises(ListUnknown):
            self.store.memberships.edit(self.ref, [Edit("e+", key), Edit("i-", key)])
        assert self.store.memberships.state(self.ref) == before
        raw(self.store).rename(f"{shard}-lost", shard)
        assert self.lists is not None
        self.reader.watch(self.ref, answers_of(self.lists, UNIVERSE))

    # What always holds

    @invariant()
    def answers_counts_and_record_are_right(self) -> None:
        assert not self.reader.wrong, self.reader.wrong[0]
        look_up = self.store.memberships.look_up
        if self.lists is None:
            with pytest.raises((SegmentNotFound, ListUnknown)):
                look_up(self.ref, UNIVERSE)
            return
        assert tuple(look_up(self.ref, UNIVERSE)) == answers_of(self.lists, UNIVERSE)
        assert_list(self.store, self.ref, self.lists[INCLUDED], self.lists[EXCLUDED])
        state = self.store.memberships.state(self.ref)
        assert state.version == self.version
        shown = self.held is not None and not self.held.is_reshard
        assert state.building == (self.build.import_id if shown else None)
        for pinned in self.pins.values():
            shard = self.store.keyspace.shard(self.ref, pinned.name, INCLUDED, 0)
            assert raw(self.store).exists(shard)

    def teardown(self) -> None:
        self.reader.look_away()
        if self.lists is not None:
            self.store.segments.delete(SCOPE, self.key)
        self.reclaim()
