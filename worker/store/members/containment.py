"""Which members of one list are in another, whatever the order and the shards of both."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, take
from worker.store.members.hashing import Hashes
from worker.store.members.sorted_members import Members, distinct, sort_by_hash

_BYTES: Final = pa.large_binary()


@dataclass(frozen=True, slots=True, eq=False)
class OrderedMembers:
    """Members by their places in order of the hashes; none is moved."""

    entries: Column
    places: np.ndarray
    hashes: Hashes
    """In order."""

    @classmethod
    def of(cls, members: Members) -> "OrderedMembers":
        """Sort them; see :func:`sort_by_hash` for the cost."""
        return cls(members.entries, *sort_by_hash(members.hashes))

    def where(self, mask: np.ndarray) -> "OrderedMembers":
        """Those of the rows of a mask, which are in order."""
        return OrderedMembers(self.entries, self.places[mask], self.hashes[mask])

    def bytes_at(self, rows: np.ndarray) -> Column:
        """Some of them, by their rows in order."""
        return take(self.entries, self.places[rows]).cast(_BYTES)

    def members(self) -> Members:
        """Copy them in order of their hashes, then of their bytes."""
        found = Members(take(self.entries, self.places), self.hashes)
        shares_hash = (self.hashes[1:] == self.hashes[:-1]).any()
        return distinct(found) if shares_hash else found


def contained(members: OrderedMembers, others: OrderedMembers) -> np.ndarray:
    """Which members are among the others.

    Cost: a search of sorted hashes in sorted hashes, and a comparison of bytes where one is found.

    Args:
        members: Each once.
        others: Each once, and none was left out of them by :meth:`OrderedMembers.where`.

    Returns:
        A mask of the members, in order of their hashes.
    """
    found = np.zeros(len(members.hashes), bool)
    if not len(members.hashes) or not len(others.hashes):
        return found
    places = np.searchsorted(others.hashes, members.hashes)
    np.minimum(places, len(others.hashes) - 1, out=places)
    rows = np.flatnonzero(others.hashes[places] == members.hashes)
    same = pc.equal(members.bytes_at(rows), others.bytes_at(places[rows]))
    found[rows] = same.to_numpy(zero_copy_only=False)
    left = rows[~found[rows]]
    if len(left):
        # Two members share a hash; the one that is meant may be the second of the others.
        among = pc.is_in(members.bytes_at(left), value_set=others.entries.cast(_BYTES))
        found[left] = among.to_numpy(zero_copy_only=False)
    return found
