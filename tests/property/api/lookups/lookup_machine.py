"""Any order of steps on one segment, with look-ups through the coalesced path after each."""

from contextlib import suppress
from typing import ClassVar

import pyarrow as pa
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from api.lookups.bulk_lookups import BulkLookups
from tests.support.store.building import build, publish
from tests.support.systems.lookups import ADDRESS, LookupThread, Seen
from worker.store import (
    IN_EXCLUDED,
    IN_INCLUDED,
    AskedMembers,
    Edit,
    EnvironmentRef,
    ListUnknown,
    NewSegment,
    Segment,
    SegmentNotFound,
    Store,
)
from worker.store.keyspace import INCLUDED
from worker.store.lists import Revision
from worker.store.members import hash_member, pack_key, shard_index

PRODUCTION = EnvironmentRef("default", "production")
KEY = "s"

#: One key of each form that packs in its own way, and enough to share shards.
UNIVERSE = [
    "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "0123456789abcdef",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "12345678",
    "\u00f8",
    "a/b",
    "é",
    *(f"key-{n}" for n in range(8)),
]
_KEYS = st.sampled_from(UNIVERSE)
_EDITS = st.lists(
    st.builds(Edit, st.sampled_from(("i+", "i-", "e+", "e-")), _KEYS), min_size=1, max_size=6
)
_BITS = st.sampled_from((4, 5, 7))


class LookupMachine(RuleBasedStateMachine):
    """The model is two sets, and which included shard was lost."""

    store: ClassVar[Store]
    lookups: ClassVar[LookupThread]

    def __init__(self) -> None:
        super().__init__()
        self.segment: Segment | None = None
        self.included: set[str] = set()
        self.excluded: set[str] = set()
        self.lost: tuple[Revision, int] | None = None
        self.building: tuple[str, Revision, set[str]] | None = None
        self.journal: list[Edit] = []
        self.imports = 0

    @initialize()
    def make(self) -> None:
        self._forget()
        self.create()

    @precondition(lambda self: self.segment is None)
    @rule()
    def create(self) -> None:
        new = NewSegment(KEY, "name", unbounded=True)
        self.segment = self.store.segments.create(PRODUCTION, new)
        self.included, self.excluded = set(), set()
        self.lost = self.building = None

    @precondition(lambda self: self.segment is not None)
    @rule(edits=_EDITS)
    def edit(self, edits: list[Edit]) -> None:
        assert self.segment is not None
        try:
            self.store.memberships.edit(self.segment.ref, edits)
        except ListUnknown:
            assert any(one.op[0] == "i" and self._is_lost(one.key) for one in edits)
            return
        self.journal += edits
        for one in edits:
            _apply(one, self.included, self.excluded)

    @precondition(lambda self: self.segment is not None and self.building is None)
    @rule(keys=st.sets(_KEYS), bits=_BITS)
    def begin_replace(self, keys: set[str], bits: int) -> None:
        assert self.segment is not None
        self.imports += 1
        import_id = f"import-{self.segment.generation}-{self.imports}"
        target = build(self.store, self.segment.ref, import_id, keys, bits=bits)
        self.building, self.journal = (import_id, target, keys), []

    @precondition(lambda self: self.building is not None)
    @rule()
    def publish(self) -> None:
        assert self.segment is not None
        assert self.building is not None
        import_id, target, keys = self.building
        publish(self.store, self.segment.ref, import_id, target)
        self.included = set(keys)
        for one in self.journal:
            _apply(one, self.included, set())
        self.building = self.lost = None

    @precondition(lambda self: self.building is not None)
    @rule()
    def cancel(self) -> None:
        assert self.segment is not None
        assert self.building is not None
        self.store.builds.cancel(self.segment.ref, self.building[0])
        self.building = None

    @precondition(lambda self: self.segment is not None)
    @rule()
    def delete(self) -> None:
        self.store.segments.delete(PRODUCTION, KEY)
        self.segment = self.building = None

    @precondition(lambda self: self.segment is not None and self.lost is None)
    @rule(key=_KEYS)
    def lose_shard(self, key: str) -> None:
        assert self.segment is not None
        live = self.store.memberships.state(self.segment.ref).live
        index = shard_index(hash_member(pack_key(key)), live.included_bits)
        shard = self.store.keyspace.shard(self.segment.ref, live.name, INCLUDED, index)
        self.store.client.unlink(shard)
        self.lost = live, index

    @invariant()
    def answers_agree(self) -> None:
        seen = dict(zip(UNIVERSE, self.lookups.see_all(UNIVERSE), strict=True))
        wrong = {key: answer for key, answer in seen.items() if answer != self._expected(key)}
        assert not wrong, wrong

    @invariant()
    def bulk_answers_agree(self) -> None:
        expected = [self._expected(key) for key in UNIVERSE]
        failed = next((one for one in expected if isinstance(one, type)), None)
        if failed is None:
            assert self._ask_in_bulk() == expected
        else:
            with pytest.raises(failed):
                self._ask_in_bulk()

    def _ask_in_bulk(self) -> list[Seen]:
        keyspace = self.store.keyspace
        bulk = BulkLookups(self.lookups.lookups, keyspace, at_once=1, clock=lambda: 1)
        asked = AskedMembers.of(pa.array(UNIVERSE, pa.string()))
        (answers,) = self.lookups.run(bulk.look_up([ADDRESS], asked))
        codes = answers.codes.tolist()
        return [(bool(code & IN_INCLUDED), bool(code & IN_EXCLUDED)) for code in codes]

    def teardown(self) -> None:
        self._forget()

    def _expected(self, key: str) -> Seen:
        if self.segment is None:
            return SegmentNotFound
        if self._is_lost(key):
            return ListUnknown
        return key in self.included, key in self.excluded

    def _is_lost(self, key: str) -> bool:
        if self.lost is None:
            return False
        revision, index = self.lost
        return shard_index(hash_member(pack_key(key)), revision.included_bits) == index

    def _forget(self) -> None:
        with suppress(SegmentNotFound):
            self.store.segments.delete(PRODUCTION, KEY)


def _apply(edit: Edit, included: set[str], excluded: set[str]) -> None:
    chosen = included if edit.op[0] == "i" else excluded
    if edit.op[1] == "+":
        chosen.add(edit.key)
    else:
        chosen.discard(edit.key)
