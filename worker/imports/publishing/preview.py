"""Preview: keys that publishing a build would add or remove, and some that it leaves."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from worker.byte_columns import Column, concatenate, take
from worker.store import ListRef, ListUnknown
from worker.store.jobs import Preview
from worker.store.keyspace import Side
from worker.store.lists import Revision, read_shards
from worker.store.members import Hashes, hash_members, unpack_member
from worker.store.server import Database

#: Keys shown of each kind.
SAMPLE_KEYS: Final = 20
#: Shards compared at first; the next step takes twice as many, as few changes are far apart.
_FIRST_SHARDS: Final = 64
_MOST_SHARDS: Final = 4_096
#: Shards compared in all, of each revision: some 9 million members, a few seconds. A rarer change
#: of a longer list may be shown by fewer keys than there are.
_SHARDS_IN_ALL: Final = 131_072


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """Members of one revision whose hashes are in one interval."""

    members: Column
    hashes: Hashes

    def keys_where(self, mask: np.ndarray, most: int) -> list[str]:
        """The first keys by hash among the rows of a mask."""
        rows = np.flatnonzero(mask)
        rows = rows[np.argsort(self.hashes[rows], kind="stable")][:most]
        listed: list[Any] = take(self.members, rows).to_pylist()
        return [unpack_member(member) for member in listed]


@dataclass(slots=True)
class _Samples:
    """What was found so far, and how many there are to find."""

    wanted: Mapping[str, int]
    found: dict[str, list[str]] = field(default_factory=dict)

    def missing(self, kind: str) -> int:
        """How many more keys of a kind are looked for."""
        return min(SAMPLE_KEYS, self.wanted[kind]) - len(self.found.get(kind, ()))

    @property
    def are_complete(self) -> bool:
        """Whether nothing more is looked for."""
        return all(self.missing(kind) <= 0 for kind in self.wanted)

    def compare(self, live: _Slice, built: _Slice) -> None:
        """Take keys from one interval of hashes of both."""
        in_live = np.isin(built.hashes, live.hashes)
        gone = ~np.isin(live.hashes, built.hashes)
        for kind, part, mask in (
            ("added", built, ~in_live),
            ("removed", live, gone),
            ("unchanged", built, in_live),
        ):
            if (missing := self.missing(kind)) > 0:
                self.found.setdefault(kind, []).extend(part.keys_where(mask, missing))


def sample_changes(
    database: Database,
    ref: ListRef,
    live: Revision,
    built: Revision,
    side: Side,
    wanted: Mapping[str, int],
    on_progress: Callable[[], None],
) -> Preview:
    """Compare two revisions until there are enough keys of each kind, or no more.

    Cost: of a build that changes much, one step of some thousand members; of one that changes
    little, reading both at 0.3 µs a member, up to 9 million of each.

    Args:
        database: Holds the shards.
        ref: The list.
        live: The revision that readers see.
        built: The one that would replace it.
        side: Which of the two lists.
        wanted: How many members are ``added``, ``removed`` and ``unchanged``.
        on_progress: Called after each step.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    samples = _Samples(wanted)
    for first, stop, parts in _steps(max(live.shard_count(side), built.shard_count(side))):
        if samples.are_complete:
            break
        try:
            slices = [
                _read(database, ref, revision, side, first, stop, parts)
                for revision in (live, built)
            ]
        except ListUnknown:
            # A replace mends a list that has lost shards; these cannot be compared.
            continue
        samples.compare(*slices)
        on_progress()
    return Preview(**{kind: tuple(keys) for kind, keys in samples.found.items()})


def _steps(parts: int) -> Iterator[tuple[int, int, int]]:
    first, size = 0, _FIRST_SHARDS
    while first < min(parts, _SHARDS_IN_ALL):
        stop = min(first + size, parts)
        yield first, stop, parts
        first, size = stop, min(2 * size, _MOST_SHARDS)


def _read(
    database: Database,
    ref: ListRef,
    revision: Revision,
    side: Side,
    first: int,
    stop: int,
    parts: int,
) -> _Slice:
    """The members in these parts of all hashes, of a revision that may have fewer shards."""
    shards, width = revision.shard_count(side), (1 << 64) // parts
    low, high = first * shards // parts, -(-stop * shards // parts)
    columns = list(read_shards(database, ref, revision, side, low, high))
    if not columns:
        return _Slice(pa.array([], pa.binary()), np.empty(0, np.uint64))
    members = concatenate(columns)
    hashes = hash_members(members)
    inside = hashes >= np.uint64(first * width)
    if stop < parts:
        inside &= hashes < np.uint64(stop * width)
    return _Slice(members.filter(pa.array(inside)), hashes[inside])
