"""Differences: which keys one revision of a list has and another has not, shard against shard.

Both are read in order of their hashes, in steps of some tens of thousands of members, so memory
does not depend on the size of the list. The two may have any numbers of shards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from worker.byte_columns import Column, take
from worker.store.keyspace import EXCLUDED, INCLUDED, ListRef, Side
from worker.store.lists.revisions import Revision
from worker.store.lists.shard_reader import read_shards
from worker.store.members import (
    Members,
    OrderedMembers,
    contained,
    hash_members,
    join_members,
    no_members,
    unpack_members,
)
from worker.store.server.database import Database

#: What a step reads of each revision, about; the first one has fewer members.
_MEMBERS: Final = 49_152
_BYTES: Final = 4 * 1024 * 1024
_FIRST_SHARDS: Final = 256
_MOST_SHARDS: Final = 8_192
_HASHES: Final = 1 << 64


@dataclass(frozen=True, slots=True, eq=False)
class SideChanges:
    """Context keys that one of two lists has got and lost, of one interval of hashes."""

    side: Side
    added: Column
    """Binary, the UTF-8 of each key once."""
    removed: Column

    def __len__(self) -> int:
        return len(self.added) + len(self.removed)


def read_whole(database: Database, ref: ListRef, revision: Revision) -> Iterator[SideChanges]:
    """Give all keys of a revision as added ones, some tens of thousands at a time.

    A key that is added or removed meanwhile may be among them or not.

    Cost: 0.2 to 0.3 µs of CPU a member here, in steps of some 25 ms.

    Raises:
        ListUnknown: a shard is missing: the revision is not whole, or was freed.
        StoreUnavailable: no answer. Safe to retry from the start.
    """
    for side in (INCLUDED, EXCLUDED):
        reader = _Reader(database, ref, revision, side)
        for stop, parts in _steps(reader):
            yield SideChanges(side, _keys(reader.read(stop, parts).entries), _no_keys())


def differences(
    database: Database,
    ref: ListRef,
    old: Revision,
    new: Revision,
    sides: Sequence[Side] = (INCLUDED, EXCLUDED),
) -> Iterator[SideChanges]:
    """Compare two revisions; one that is pinned keeps its shards meanwhile.

    Cost: 0.6 µs of CPU here for each member of one of them if one in a hundred differs, 0.8 µs if
    half of them do; in steps of some 100 ms.

    Args:
        database: Holds the list.
        ref: The list.
        old: One revision.
        new: The other; a key that is added or removed meanwhile may be told or not.
        sides: Which of the two lists, in this order.

    Yields:
        Of one interval of hashes after the other what differs, which may be nothing; the steps that
        read a list take as long whether or not anything does.

    Raises:
        ListUnknown: a shard is missing: a revision is not whole, or was freed.
        StoreUnavailable: no answer. Safe to retry from the start.
    """
    for side in sides:
        before, after = (_Reader(database, ref, each, side) for each in (old, new))
        for stop, parts in _steps(before, after):
            yield _compare(side, before.read(stop, parts), after.read(stop, parts))


class _Reader:
    """Reads one side of a revision in order of the hashes, each shard once."""

    def __init__(self, database: Database, ref: ListRef, revision: Revision, side: Side) -> None:
        self._database = database
        self._ref = ref
        self._revision = revision
        self._side = side
        self.shards = revision.shard_count(side)
        self._read = 0
        self._ahead = no_members()
        self.last = no_members()
        """What was read last."""

    def read(self, stop: int, parts: int) -> Members:
        """The members below one of so many equal parts of the hashes that were not read before.

        Args:
            stop: The part.
            parts: How many; at least the shards there are, and a power of two as they are.
        """
        until = -(-stop * self.shards // parts)
        found = join_members([self._ahead, *self._shards(self._read, until)])
        self._read, self._ahead = until, no_members()
        bound = stop * (_HASHES // parts)
        if until * (_HASHES // self.shards) > bound:
            inside = found.hashes < np.uint64(bound)
            self._ahead, found = _where(found, ~inside), _where(found, inside)
        self.last = found
        return found

    def _shards(self, first: int, stop: int) -> Iterator[Members]:
        if first == stop:
            return
        for packed in read_shards(
            self._database, self._ref, self._revision, self._side, first, stop
        ):
            yield Members(packed, hash_members(packed))


def _steps(*readers: _Reader) -> Iterator[tuple[int, int]]:
    """Where each step ends, in parts of the hashes, and how many parts there are."""
    parts = max(reader.shards for reader in readers)
    stop, size = 0, _FIRST_SHARDS
    while stop < parts:
        stop = min(stop + size, parts)
        yield stop, parts
        share = max(
            max(len(reader.last) / _MEMBERS, reader.last.entries.nbytes / _BYTES)
            for reader in readers
        )
        # Hashes are spread evenly: the next shards are as large as these.
        size = max(1, min(_MOST_SHARDS, 4 * size, int(size / max(share, 0.01))))


def _compare(side: Side, old: Members, new: Members) -> SideChanges:
    before, after = OrderedMembers.of(old), OrderedMembers.of(new)
    stays = contained(after, before)
    added = take(new.entries, after.places[~stays])
    if np.count_nonzero(stays) == len(old):
        return SideChanges(side, _keys(added), _no_keys())
    removed = take(old.entries, before.places[~contained(before, after)])
    return SideChanges(side, _keys(added), _keys(removed))


def _where(members: Members, mask: np.ndarray) -> Members:
    rows = np.flatnonzero(mask)
    return Members(take(members.entries, rows), members.hashes[rows])


def _keys(members: Column) -> Column:
    return unpack_members(members) if len(members) else _no_keys()


def _no_keys() -> Column:
    return pa.array([], pa.binary())
