"""A machine of everything that can happen to one segment, beside plain sets."""

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import invariant, precondition, rule

from tests.property.worker.store.lists.import_machine import UNIVERSE, edit_lists, key_sets
from tests.property.worker.store.lists.list_model import answers_of, applied, scheduled_after
from tests.property.worker.store.lists.revision_machine import RevisionMachine
from tests.support.store.building import (
    assert_list,
    copy_side,
    count,
    run,
    write_side,
)
from tests.support.store.stores import PRODUCTION, keys_of, raw
from worker.store import Edit, Fenced, ImportInProgress, ListUnknown, SegmentNotFound, Superseded
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import (
    FIRST_BITS,
    EditOp,
    ScheduleAct,
    ScheduleChange,
    change_schedules,
    expire_members,
    pin,
    read_schedules,
    unpin,
)
from worker.store.members import hash_member, pack_key, shard_index
from worker.store.workflows import lists_to_reclaim, reclaim_list

_PAST_MS, _LATER_MS = 1_000, 1 << 42


class StoreMachine(RevisionMachine):
    """All that an import does, and everything else, in any order."""

    # What happens to the list

    @precondition(lambda self: self.lists is not None)
    @rule(edits=edit_lists)
    def edit(self, edits: list[Edit]) -> None:
        if self.held is not None:
            self.held.edit(edits)
        self.version += 1
        assert self.lists is not None
        self.schedules = scheduled_after(self.lists, self.schedules, edits)
        self.step(applied(self.lists, edits), lambda: self.store.memberships.edit(self.ref, edits))

    @precondition(lambda self: self.lists is not None)
    @rule(
        act=st.sampled_from(["add", "add", "update", "remove"]),
        side=st.sampled_from([INCLUDED, EXCLUDED]),
        key=st.sampled_from(UNIVERSE),
        due=st.sampled_from([_PAST_MS, _LATER_MS]),
    )
    def schedule(self, act: ScheduleAct, side: Side, key: str, due: int) -> None:
        assert self.lists is not None
        target, there = (side, key), (side, key) in self.schedules
        answer = change_schedules(
            self.store.database, self.ref, [ScheduleChange(act, side, key, due, id="x")]
        )
        if act == "add":
            absent = key not in self.lists[side]
            assert answer == ["absent" if absent else "there" if there else "done"]
        else:
            assert answer == ["done" if there else "none"]
        if answer == ["done"]:
            if act == "remove":
                del self.schedules[target]
            else:
                self.schedules[target] = due

    @precondition(lambda self: self.lists is not None)
    @rule()
    def expire(self) -> None:
        assert self.lists is not None
        due = [target for target, due in self.schedules.items() if due == _PAST_MS]
        ops: dict[Side, EditOp] = {INCLUDED: "i-", EXCLUDED: "e-"}
        edits = [Edit(ops[side], key) for side, key in due]
        if self.held is not None:
            self.held.edit(edits)
        self.version += bool(edits)
        after = applied(self.lists, edits)
        expired = self.step(after, lambda: expire_members(self.store.database, self.ref))
        assert expired.removed == len(due)

    @precondition(lambda self: self.lists is not None)
    @rule()
    def read_schedules(self) -> None:
        """Not after each step: it drops what a claim would have to."""
        found = read_schedules(self.store.database, self.ref)
        assert {(one.side, one.key): one.due_ms for one in found} == self.schedules

    @precondition(lambda self: self.lists is not None)
    @rule()
    def delete(self) -> None:
        building = None
        if self.held is not None:
            build = self.give_up()
            building = None if build.is_reshard else build.import_id
        _, found = self.step(None, lambda: self.store.segments.delete(PRODUCTION, self.key))
        assert found == building
        self.pins.clear()
        assert not raw(self.store).exists(self.store.keyspace.fence(self.ref))

    @precondition(lambda self: self.lists is None)
    @rule()
    def create_again(self) -> None:
        generation = self.ref.generation
        self.create()
        assert self.ref.generation == generation + 1

    # What must not matter

    @precondition(lambda self: self.zombies)
    @rule(data=st.data(), keys=key_sets)
    def zombie(self, data: st.DataObject, keys: frozenset[str]) -> None:
        """An import that no longer holds the list tries everything."""
        ref, import_id, target = data.draw(st.sampled_from(self.zombies))
        builds = self.store.builds
        with pytest.raises(Fenced):
            write_side(self.store, ref, import_id, INCLUDED, keys, FIRST_BITS, target=target)
        with pytest.raises(Exception, match="FENCED"):
            copy_side(self.store, ref, import_id, EXCLUDED, FIRST_BITS)
        for act in (builds.seal, builds.unseal, builds.target):
            with pytest.raises(Fenced):
                act(ref, import_id)
        figures = self.published.get((ref, import_id))
        if figures is not None and ref == self.ref and self.lists is not None:
            with pytest.raises(ImportInProgress):
                builds.claim(ref, import_id)
        if (ref, import_id) in self.superseded and ref == self.ref and self.lists is not None:
            with pytest.raises(Superseded):
                builds.claim(ref, import_id, supersedes=True)
        assert run(self.store, "list/approve", ref, import_id) == (b"done" if figures else b"lost")
        assert builds.cancel(ref, import_id) == (figures is not None)
        if figures is None:
            with pytest.raises(Fenced):
                builds.publish(ref, import_id, counts=(1, 1), retire_after_ms=0, seal=0)
        else:
            again = builds.publish(ref, import_id, counts=(1, 1), retire_after_ms=0, seal=0)
            assert again is not None
            assert (again.included_count, again.excluded_count) == figures

    @precondition(lambda self: self.lists is not None)
    @rule()
    def create_late(self) -> None:
        """A second creation of the same generation changes nothing."""
        self.store.memberships.create(self.ref)

    @precondition(lambda self: self.lists is not None)
    @rule(holder=st.sampled_from(["x", "y"]))
    def pin(self, holder: str) -> None:
        revision = pin(self.store.database, self.ref, holder, 600_000)
        assert revision.name == self.pins.setdefault(holder, revision).name

    @precondition(lambda self: self.lists is not None)
    @rule(holder=st.sampled_from(["x", "y"]))
    def unpin(self, holder: str) -> None:
        unpin(self.store.database, self.ref, holder)
        self.pins.pop(holder, None)

    @rule(most=st.integers(0, 3))
    def reclaim(self, most: int = 0) -> None:
        keep = self.retention(most)
        for ref in lists_to_reclaim(self.store, PRODUCTION):
            reclaim_list(self.store, ref, keep)
            if ref != self.ref or self.lists is None:
                # Its record is forgotten, and with it what was published.
                self.published = {one: f for one, f in self.published.items() if one[0] != ref}

    @precondition(lambda self: self.lists is not None)
    @rule(key=st.sampled_from(UNIVERSE))
    def lose_a_shard_for_a_while(self, key: str) -> None:
        live = self.store.memberships.state(self.ref).live
        index = shard_index(hash_member(pack_key(key)), live.included_bits)
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
        assert state.unapproved == (self.held is not None and self.held.unapproved)
        shown = self.held is not None and not self.held.is_reshard
        assert state.building == (self.build.import_id if shown else None)
        writable = self.held is not None and self.held.target and self.held.seal is None
        fence = raw(self.store).get(self.store.keyspace.fence(self.ref))
        assert fence == (self.build.claim.target.encode() if writable else None)
        for pinned in self.pins.values():
            shard = self.store.keyspace.shard(self.ref, pinned.name, INCLUDED, 0)
            assert raw(self.store).exists(shard)

    def teardown(self) -> None:
        self.reader.look_away()
        if self.sleeper is not None:
            self.wake()
        if self.lists is not None:
            self.store.segments.delete(PRODUCTION, self.key)
        self.reclaim()
        tag = f"{{{PRODUCTION.project}:{PRODUCTION.environment}:{self.key}.g"
        assert not [key for key in keys_of(self.store) if tag in key], "something is left"
