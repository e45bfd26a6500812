"""Editors without pause, imports one after the other, zombies and readers: nothing is lost."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest

from tests.conformance.building import (
    assert_list,
    build,
    copy_side,
    publish,
    run,
    shard_arguments,
    write_side,
)
from tests.conformance.stores import new_list, opened
from tests.servers import Server
from worker.store import Edit, ListRef, Membership, Store, StoreError
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.memberships import EditOp
from worker.store.reclaiming import reclaim_list

EDITORS: Final = 3
KEYS_OF_AN_EDITOR: Final = 150
RUN_S: Final = 8.0
FEWEST_FLIPS: Final = 10


@dataclass
class Editor:
    """Edits keys that nobody else edits, so it knows what they are after each edit."""

    number: int
    included: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    edits: int = 0

    @property
    def keys(self) -> list[str]:
        return [f"editor {self.number} key {n}" for n in range(KEYS_OF_AN_EDITOR)]

    def edit(self, store: Store, ref: ListRef, chance: random.Random) -> None:
        """Edit some keys and look at one of them at once."""
        edits = []
        for key in chance.sample(self.keys, chance.choice([1, 1, 5, 50])):
            op: EditOp = chance.choice(("i+", "i-", "e+", "e-"))
            edits.append(Edit(op, key))
            side = self.included if op[0] == "i" else self.excluded
            (side.add if op[1] == "+" else side.discard)(key)
        store.memberships.edit(ref, edits)
        self.edits += len(edits)
        key = edits[0].key
        expected = Membership(included=key in self.included, excluded=key in self.excluded)
        assert store.memberships.look_up(ref, [key]) == [expected], "an acknowledged edit is lost"


@contextmanager
def without_pause(*acts: Callable[[], None]) -> Iterator[None]:
    """Repeat each act in a thread of its own until the block ends; the first error is raised."""
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
            yield
        finally:
            ended.set()
        for one in running:
            one.result()


def file_of(number: int) -> set[str]:
    """Give the keys of one import's file: a few hundred, all named after it."""
    return {f"import {number} key {n}" for n in range(100 + 97 * (number % 5))}


class Zombies:
    """Writers of imports that ended; they try for ever, and are always turned away."""

    def __init__(self) -> None:
        self.import_ids = ["never"]
        self.turned_away = 0

    def write(self, store: Store, ref: ListRef) -> None:
        import_id = random.choice(self.import_ids)
        for form in ("put_shards", "fill_shards"):
            shards = shard_arguments(form, ["zombie"], 4)  # type: ignore[arg-type]  # one of the two
            with pytest.raises(Exception, match="FENCED"):
                run(store, form, ref, import_id, INCLUDED, *shards[0], *shards[1])
        with pytest.raises(Exception, match="FENCED"):
            copy_side(store, ref, import_id, EXCLUDED, 0)
        with pytest.raises(StoreError, match=import_id):
            store.memberships.seal(ref, import_id)
        self.turned_away += 1


class FlipReader:
    """Polls one key of each file; two files at once were never in the list."""

    def __init__(self) -> None:
        self.newest = -1
        self.polls = 0

    def poll(self, store: Store, ref: ListRef) -> None:
        before = self.newest
        keys = [f"import {n} key 3" for n in range(max(0, before - 2), before + 4)]
        answers = store.memberships.look_up(ref, keys)
        after = self.newest
        found = [key for key, answer in zip(keys, answers, strict=True) if answer.included]
        allowed = [[f"import {n} key 3"] for n in range(before, after + 2)]
        assert found in (allowed if before >= 0 else [*allowed, []]), f"a mixture: {found}"
        self.polls += 1


def _import(store: Store, ref: ListRef, number: int, zombies: Zombies, flips: FlipReader) -> None:
    """Build twice over (a second try), sometimes give up first, publish, and free the old one."""
    bits = (4, 6, 5, 7, 4)[number % 5]
    import_id, keys = f"i{number}", file_of(number)
    if number % 4 == 3:
        build(store, ref, f"given up {number}", ["zombie"], bits=bits)
        store.memberships.cancel(ref, f"given up {number}")
        zombies.import_ids.append(f"given up {number}")
    target = build(store, ref, import_id, keys, bits=bits)
    write_side(store, ref, import_id, INCLUDED, keys, bits)
    publish(store, ref, import_id, target, retire_after_ms=50)
    flips.newest = number
    zombies.import_ids.append(import_id)
    reclaim_list(store, ref)


def test_list__edited_while_imports_replace_it__loses_no_edit(valkey_server: Server) -> None:
    """The editors' own keys: what a file does not name, only an edit since the claim keeps.

    A replace drops what was included before its claim, so each editor is told of it: it
    holds still at the claim, forgets what is included, and goes on while shards are built.
    """
    with opened(valkey_server) as store:
        ref = new_list(store)
        editors = [Editor(n) for n in range(EDITORS)]
        locks = [threading.Lock() for _ in editors]
        zombies, flips = Zombies(), FlipReader()

        def edit(number: int, chance: random.Random) -> None:
            with locks[number]:
                editors[number].edit(store, ref, chance)
