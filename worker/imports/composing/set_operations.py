"""Union, intersection and difference of members."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, take
from worker.imports.building.sorted_members import Members, concatenate, distinct, sort_by_hash
from worker.store.jobs import Operation
from worker.store.members import Hashes

_BYTES: Final = pa.large_binary()


def combine(op: Operation, parts: Sequence[Members]) -> Members:
    """What an operation makes of some lists.

    Cost: one sort of the hashes of each list; but for a union, a search of sorted hashes by sorted
    ones, and only members whose hash is in both are compared or moved.

    Args:
        op: The operation; ``except`` takes those of the first that are in no other.
        parts: Members of each list, each once, in any order; at least one list.

    Returns:
        Distinct members in order of their hashes; those with one hash are in order of their bytes.
    """
    if op == "union" or len(parts) == 1:
        return distinct(concatenate(parts))
    left = _Ordered.of(parts[0])
    for part in parts[1:]:
        found = _contained(left, _Ordered.of(part))
        left = left.where(found if op == "intersect" else ~found)
    return left.members()


@dataclass(frozen=True, slots=True, eq=False)
class _Ordered:
    """Members by their places in order of the hashes; none is moved."""

    entries: Column
    places: np.ndarray
    hashes: Hashes
    """In order."""

    @classmethod
    def of(cls, members: Members) -> "_Ordered":
        return cls(members.entries, *sort_by_hash(members.hashes))

    def where(self, mask: np.ndarray) -> "_Ordered":
        return _Ordered(self.entries, self.places[mask], self.hashes[mask])

    def bytes_at(self, rows: np.ndarray) -> Column:
        """Some of them, by their rows in order."""
        return take(self.entries, self.places[rows]).cast(_BYTES)

    def members(self) -> Members:
        found = Members(take(self.entries, self.places), self.hashes)
        shares_hash = (self.hashes[1:] == self.hashes[:-1]).any()
        return distinct(found) if shares_hash else found


def _contained(members: _Ordered, others: _Ordered) -> np.ndarray:
    """Which members are among the others."""
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
