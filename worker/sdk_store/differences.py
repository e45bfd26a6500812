"""What is in a revision, and what differs between two, range by range of the hashes.

Of each range the revision with fewer shards is held in memory, and the other one streams past it.
"""

from collections.abc import Generator, Iterator
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, concatenate
from worker.sdk_store.list_source import Batch, SideChanges
from worker.store import EXCLUDED, INCLUDED, ListRef, Side, unpack_members
from worker.store.lists import Revision, read_shards
from worker.store.server import Database

#: Shards of a range, as a power of two: some 32,000 members.
_RANGE_BITS: Final = 9

_NOTHING: Final[Column] = pa.array([], pa.binary())
_Kinds = Literal["added", "removed", "both"]


class ListDifferences:
    """Reads revisions that are pinned."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def whole(self, ref: ListRef, revision: Revision) -> Iterator[Batch]:
        """All keys of a revision, as added ones; some tens of thousands at a time.

        Raises:
            ListUnknown: the revision is not whole, or freed.
            StoreUnavailable: no answer. Begin again.
        """
        for side in (EXCLUDED, INCLUDED):
            for members in self._read(ref, revision, side, 0, revision.shard_count(side)):
                yield Batch((SideChanges(side, unpack_members(members), _NOTHING),))

    def differences(self, ref: ListRef, old: Revision, new: Revision) -> Iterator[Batch]:
        """Which keys differ between two revisions; raises as :meth:`whole`.

        A key that goes from one side to the other is added there before it is removed here.

        Cost: reading both revisions, the excluded lists twice.
        """
        yield from self._of_side(ref, old, new, EXCLUDED, "added")
        yield from self._of_side(ref, old, new, INCLUDED, "both")
        yield from self._of_side(ref, old, new, EXCLUDED, "removed")

    def _of_side(
        self, ref: ListRef, old: Revision, new: Revision, side: Side, kinds: _Kinds
    ) -> Iterator[Batch]:
        fewer, more = sorted((old, new), key=lambda revision: revision.bits(side))
        bits = min(fewer.bits(side), max(0, more.bits(side) - _RANGE_BITS))
        for number in range(1 << bits):
            held = _joined(self._range(ref, fewer, side, number, bits))
            seen = np.zeros(len(held), np.bool_)
            for passing in self._range(ref, more, side, number, bits):
                members = passing.cast(pa.binary())
                only_more = members.filter(pc.invert(pc.is_in(members, value_set=held)))
                seen |= _mask(pc.is_in(held, value_set=members))
                yield _batch(side, only_more, kinds, adds=more is new)
            only_fewer = held.filter(pa.array(~seen))
            yield _batch(side, only_fewer, kinds, adds=fewer is new)

    def _range(
        self, ref: ListRef, revision: Revision, side: Side, number: int, bits: int
    ) -> Generator[Column, None, None]:
        width = revision.shard_count(side) >> bits
        return self._read(ref, revision, side, number * width, (number + 1) * width)

    def _read(
        self, ref: ListRef, revision: Revision, side: Side, first: int, stop: int
    ) -> Generator[Column, None, None]:
        return read_shards(self._db, ref, revision, side, first, stop)


def _joined(columns: Iterator[Column]) -> Column:
    return concatenate([column.cast(pa.binary()) for column in columns])


def _mask(column: Column) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return np.asarray(column.to_numpy(zero_copy_only=False), np.bool_)


def _batch(side: Side, members: Column, kinds: _Kinds, *, adds: bool) -> Batch:
    """A batch of members of one kind, unless that kind is not asked for."""
    if not len(members) or kinds == ("removed" if adds else "added"):
        return Batch(())
    keys = unpack_members(members)
    return Batch((SideChanges(side, *((keys, _NOTHING) if adds else (_NOTHING, keys))),))
