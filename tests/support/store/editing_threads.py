"""Threads that edit, read and write beside imports, each knowing what it must find."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest

from tests.support.store.building import Form, copy_side, write_side
from worker.store import Edit, Fenced, ListRef, Membership, Store
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.lists import EditOp

_KEYS_OF_AN_EDITOR: Final = 150
_OPS: Final[tuple[EditOp, ...]] = ("i+", "i-", "e+", "e-")


@contextmanager
def without_pause(*acts: Callable[[], None]) -> Iterator[threading.Event]:
    """Repeat each act in a thread of its own until the block ends; an error ends them all.

    Gives an event that is set when one of them failed.
    """
    ended = threading.Event()

    def repeat(act: Callable[[], None]) -> None:
        try:
            while not ended.is_set():
                act()
        finally:
            ended.set()

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(repeat, act) for act in acts]
        try:
            yield ended
        finally:
            ended.set()
        for one in running:
            one.result()


@dataclass(slots=True)
class Claims:
    """When imports took their place in history, as seen from outside."""

    begun: int = 0
    published: tuple[float, float] = (0.0, 0.0)
    """Just before and just after the claim of the import that is live."""


@dataclass(frozen=True, slots=True)
class LastEdit:
    """The last edit of one key on one side, and when it was sent and acknowledged."""

    there: bool
    sent: float
    acknowledged: float


@dataclass(slots=True)
class Editor:
    """Edits keys that nobody else edits and no file names."""

    store: Store
    ref: ListRef
    number: int
    claims: Claims
    last: dict[tuple[str, str], LastEdit] = field(default_factory=dict)
    edits: int = 0

    def edit(self) -> None:
        """Edit some keys and look at one at once."""
        claims = self.claims.begun
        edits = [
            Edit(random.choice(_OPS), f"editor {self.number} key {n}")
            for n in random.sample(range(_KEYS_OF_AN_EDITOR), random.choice([1, 1, 5, 50]))
        ]
        sent = time.monotonic()
        self.store.memberships.edit(self.ref, edits)
        acknowledged = time.monotonic()
        for edit in edits:
            self.last[edit.op[0], edit.key] = LastEdit(edit.op[1] == "+", sent, acknowledged)
        self.edits += len(edits)
        answer = self.store.memberships.look_up(self.ref, [edits[0].key])[0]
        found = answer.included if edits[0].op[0] == "i" else answer.excluded
        if self.claims.begun == claims:
            assert found == (edits[0].op[1] == "+"), "an acknowledged edit is lost"

    def check(self) -> tuple[int, int]:
        """Compare every key with its last edit; the list must be quiet.

        An edit sent after the live import's claim holds; one acknowledged before it was
        replaced, if it was of the included list; one that overlaps it may be either.

        Returns:
            How many keys were compared, and how many of them had been included again
            since the claim.
        """
        before, after = self.claims.published
        compared = since = 0
        for (side, key), last in self.last.items():
            answer = self.store.memberships.look_up(self.ref, [key])[0]
            found = answer.included if side == "i" else answer.excluded
            if side == "e" or last.sent > after:
                assert found == last.there, f"an edit of {side} is lost"
                since += side == "i"
            elif last.acknowledged < before:
                assert not found, "what was there before the claim is still there"
            compared += 1
        return compared, since


@dataclass(slots=True)
class ZombieWriter:
    """Writes for imports that have ended, for ever, and is always turned away."""

    store: Store
    ref: ListRef
    builds: list[tuple[str, str]] = field(default_factory=lambda: [("never begun", "r0-none")])
    """Id and target of each."""
    turned_away: int = 0

    def write(self) -> None:
        """Try every way to write."""
        import_id, target = random.choice(self.builds)
        forms: tuple[Form, ...] = ("payloads", "members")
        for form in forms:
            with pytest.raises(Fenced):
                write_side(self.store, self.ref, import_id, INCLUDED, ["zombie"], 0, form, target)
        with pytest.raises(Exception, match="FENCED"):
            copy_side(self.store, self.ref, import_id, EXCLUDED, 0)
        with pytest.raises(Fenced):
            self.store.builds.seal(self.ref, import_id)
        self.turned_away += 1


@dataclass(slots=True)
class FlipReader:
    """Polls one key of each import's file: exactly one import is live at any moment."""

    store: Store
    ref: ListRef
    live: int = 0
    """Number of the newest import known to be live."""
    polls: int = 0

    def poll(self) -> None:
        """Look for the keys of some imports around the live one."""
        before = self.live
        numbers = range(max(0, before - 2), before + 5)
        keys = [file_key(n, 3) for n in numbers]
        answers = self.store.memberships.look_up(self.ref, keys)
        after = self.live
        found = [n for n, answer in zip(numbers, answers, strict=True) if answer.included]
        if after + 1 in numbers:
            assert len(found) == 1, f"a mixture of imports {found}"
            assert before <= found[0] <= after + 1
        self.polls += 1

    def expect_no_stranger(self) -> None:
        """Make sure that nobody who was turned away has left anything."""
        nobody = Membership(included=False, excluded=False)
        assert self.store.memberships.look_up(self.ref, ["zombie"]) == [nobody]


def file_key(number: int, row: int) -> str:
    """Give one key of one import's file."""
    return f"import {number} key {row}"
