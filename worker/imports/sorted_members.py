"""Packed members in order of their hashes, each once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker import byte_columns as columns
from worker.byte_columns import Column, take
from worker.store.members import Hashes


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Packed members and their hashes, row by row."""

    packed: Column
    """binary, large_binary or fixed-size binary, without nulls."""
    hashes: Hashes
    """uint64, the hash of each row."""

    def __len__(self) -> int:
        return len(self.hashes)

    def between(self, low: int, high: int) -> "Members":
        """The rows of sorted members whose hash is in ``[low, high)``; no copy."""
        first = int(np.searchsorted(self.hashes, np.uint64(low)))
        stop = len(self) if high >= 1 << 64 else int(np.searchsorted(self.hashes, np.uint64(high)))
        return Members(self.packed[first:stop], self.hashes[first:stop])


def no_members() -> Members:
    """An empty column of members."""
    return Members(pa.array([], pa.binary()), np.empty(0, np.uint64))


def concatenate(parts: Sequence[Members]) -> Members:
    """Join members; their columns may have different types."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return no_members()
    packed = columns.concatenate([part.packed for part in parts])
    return Members(packed, np.concatenate([part.hashes for part in parts]))


def distinct(members: Members) -> Members:
    """Sort by hash and drop repeated members; members with the same hash are sorted by bytes.

    Cost: one argsort and one take; comparing bytes only where hashes are equal.
    """
    order, hashes = _sort_by_hash(members.hashes)
    same = np.flatnonzero(hashes[1:] == hashes[:-1])
    if len(same):
        order, hashes = _drop_repeats(members.packed, order, hashes, same)
    return Members(take(members.packed, order), hashes)


def _sort_by_hash(hashes: Hashes) -> tuple[np.ndarray, Hashes]:
    """Row numbers in order of the hashes, and those hashes; rows of one hash in any order.

    Sorting numbers is several times as fast as sorting indices, so each number holds the
    high bits of a hash that differ and, below them, its row. Where those bits are the
    same for two hashes the order may be wrong; that is detected, and the indices are sorted.
    """
    rows = len(hashes)
    if rows <= 1:
        return np.arange(rows), hashes
    row_bits = np.uint64((rows - 1).bit_length())
    shared_bits = np.uint64(min(63, 64 - (int(hashes.max()) ^ int(hashes.min())).bit_length()))
    numbers = (hashes << shared_bits) >> row_bits << row_bits
    numbers |= np.arange(rows, dtype=np.uint64)
    numbers.sort()
    numbers &= (np.uint64(1) << row_bits) - np.uint64(1)
    order = numbers.view(np.int64)
    in_order = hashes.take(order, mode="clip")
    if (in_order[1:] < in_order[:-1]).any():
        order = np.argsort(hashes)
        in_order = hashes[order]
    return order, in_order


def _drop_repeats(
    packed: Column, order: np.ndarray, hashes: Hashes, same: np.ndarray
) -> tuple[np.ndarray, Hashes]:
    """Order the runs of equal hashes by bytes and keep the first of equal members."""
    in_run = np.zeros(len(order), bool)
    in_run[same] = True
    in_run[same + 1] = True
    rows = np.flatnonzero(in_run)
    column = take(packed, order[rows]).cast(pa.large_binary())
    table = pa.table({"hash": hashes[rows], "member": column, "row": order[rows]})
    table = table.sort_by([("hash", "ascending"), ("member", "ascending")])
    order[rows] = table["row"].to_numpy()
    member = table["member"].combine_chunks()
    if isinstance(member, pa.ChunkedArray):
        member = pa.concat_arrays(member.chunks)
    repeated = pc.equal(member[1:], member[:-1]).to_numpy(zero_copy_only=False)
    repeated &= hashes[rows][1:] == hashes[rows][:-1]
    keep = np.ones(len(order), bool)
    keep[rows[1:][repeated]] = False
    return order[keep], hashes[keep]
