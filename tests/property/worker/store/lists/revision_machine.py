"""What is kept of a segment's earlier revisions, beside plain sets."""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import invariant, precondition, rule

from tests.property.worker.store.lists.approval_machine import ApprovalMachine
from tests.property.worker.store.lists.import_machine import key_sets, modes, sides
from tests.property.worker.store.lists.list_model import Lists
from tests.support.store.building import members_of
from tests.support.store.stores import raw
from worker.store import EditsSince, ImportInProgress, RevisionDamaged, RevisionNotFound
from worker.store.jobs import Mode
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import FIRST_BITS, KeptRevision, Retention

_AGE_MS = 1 << 40


class RevisionMachine(ApprovalMachine):
    """Imports that replace revisions, and revisions that are made live again."""

    def create(self) -> None:
        super().create()
        self.number = 0
        self.since = 1
        self.kept: list[tuple[int, Lists]] = []

    def flip(self, number: int, *, keeps: bool, act: Callable[[], Any]) -> None:
        """Note that another revision is live."""
        assert self.lists is not None
        if keeps:
            self.kept.insert(0, (self.number, self.lists))
            self.since = self.version
        act()
        self.number = number

    def publish_to_the_end(self, result: Lists, act: Callable[[], None]) -> None:
        build = self.build
        assert build.target is not None
        self.flip(
            build.target.number,
            keeps=not build.is_reshard,
            act=lambda: super(RevisionMachine, self).publish_to_the_end(result, act),
        )

    @precondition(lambda self: self.lists is not None)
    @rule(
        file=key_sets,
        mode=modes,
        side=sides,
        bits=st.sampled_from([FIRST_BITS, FIRST_BITS + 1]),
    )
    def replace(self, *, file: frozenset[str], mode: Mode, side: Side, bits: int) -> None:
        """Do a whole import; few random orders of its steps come to its end."""
        self.make_free()
        self.claim(file=file, mode=mode, side=side, reshard=False)
        self.prepare(bits=bits)
        self.gather()
        self.seal()
        self.publish()

    @precondition(lambda self: self.lists is not None)
    @rule(
        choice=st.integers(0, 2),
        force=st.booleans(),
        lose=st.sampled_from([False, False, True]),
        free=st.booleans(),
    )
    def roll_back(self, *, choice: int, force: bool, lose: bool, free: bool) -> None:
        if free:
            self.make_free()
        if choice >= len(self.kept):
            with pytest.raises(RevisionNotFound):
                self.store.revisions.publish(self.ref, 999, force=force)
            assert not self.store.revisions.publish(self.ref, self.number)
            return
        number, lists = self.kept[choice]
        if lose:
            self.roll_back_to_a_damaged_one(number)
        elif self.held is not None and not self.held.is_reshard:
            with pytest.raises(ImportInProgress):
                self.store.revisions.publish(self.ref, number, force=force)
        elif self.version > self.since and not force:
            edits = self.version - self.since
            with pytest.raises(EditsSince, match=f"by {edits:,} edit"):
                self.store.revisions.publish(self.ref, number)
        else:
            self.go_back_to(number, lists, force=force)

    def make_free(self) -> None:
        """End an import that holds the list, which it mostly does in a random order of steps."""
        if self.held is not None and not self.held.is_reshard:
            self.cancel()

    def go_back_to(self, number: int, lists: Lists, *, force: bool) -> None:
        if self.held is not None:
            self.superseded.add((self.ref, self.give_up().import_id))
        self.kept.remove((number, lists))
        self.version += 1

        def publish() -> None:
            assert self.store.revisions.publish(self.ref, number, force=force)

        self.flip(number, keeps=True, act=lambda: self.step(lists, publish))

    def roll_back_to_a_damaged_one(self, number: int) -> None:
        before = self.store.memberships.state(self.ref)
        revision = self.find(number).revision
        shard = self.store.keyspace.shard(self.ref, revision.name, EXCLUDED, 0)
        raw(self.store).rename(shard, f"{shard}-lost")
        with pytest.raises(RevisionDamaged):
            self.store.revisions.publish(self.ref, number, force=True)
        raw(self.store).rename(f"{shard}-lost", shard)
        assert self.store.memberships.state(self.ref) == before

    def find(self, number: int) -> KeptRevision:
        kept = self.store.revisions.find_all(self.ref)
        return next(each for each in kept if each.number == number)

    def retention(self, most: int) -> Retention:
        """Keep so many from now on; those that somebody has pinned stay as well."""
        pinned = {revision.number for revision in self.pins.values()}
        self.kept = [
            (number, lists)
            for place, (number, lists) in enumerate(self.kept)
            if place < most or number in pinned
        ]
        return Retention(most, _AGE_MS)

    @invariant()
    def kept_revisions_are_whole(self) -> None:
        if self.lists is None:
            return
        live, *others = self.store.revisions.find_all(self.ref)
        assert (live.number, live.edits) == (self.number, self.version - self.since)
        assert [each.number for each in others] == [number for number, _ in self.kept]
        for kept, (_, lists) in zip(others, self.kept, strict=True):
            counts = (kept.included_count, kept.excluded_count)
            assert counts == (len(lists[INCLUDED]), len(lists[EXCLUDED]))
        if others:
            last, lists = others[-1], self.kept[-1][1]
            for side in (INCLUDED, EXCLUDED):
                assert members_of(self.store, self.ref, last.revision, side) == lists[side]
