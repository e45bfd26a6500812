"""Members in order of their hashes, each once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker import byte_columns as columns
from worker.byte_columns import Column, take
from worker.store.members.hashing import Hashes

_RADIX_BITS: Final = 16
#: Rows of a column that are looked at for repeats, and how many of them have to be: one key in
#: twenty is found, and what is less frequent than one in a thousand mostly is not.
_SAMPLE_ROWS: Final = 4_096
_FREQUENT_REPEATS: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Members as entries of shards, and their hashes, row by row."""

    entries: Column
    """binary, large_binary or fixed-size binary, without nulls."""
    hashes: Hashes
    """uint64, the hash of each row."""

    def __len__(self) -> int:
        return len(self.hashes)

    def between(self, low: int, high: int) -> "Members":
        """The rows of sorted members whose hash is in ``[low, high)``; no copy."""
        first = int(np.searchsorted(self.hashes, np.uint64(low)))
        stop = len(self) if high >= 1 << 64 else int(np.searchsorted(self.hashes, np.uint64(high)))
        return Members(self.entries[first:stop], self.hashes[first:stop])


def no_members() -> Members:
    """An empty column of members."""
    return Members(pa.array([], pa.binary()), np.empty(0, np.uint64))


def join_members(parts: Sequence[Members]) -> Members:
    """Join members; their columns may have different types."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return no_members()
    entries = columns.concatenate([part.entries for part in parts])
    return Members(entries, np.concatenate([part.hashes for part in parts]))


def distinct(members: Members) -> Members:
    """Sort by hash and drop repeated members; members with the same hash are sorted by bytes.

    Cost: one sort and one take; comparing bytes only where hashes are equal.
    """
    order, hashes = sort_by_hash(members.hashes)
    same = np.flatnonzero(hashes[1:] == hashes[:-1])
    if len(same):
        order, hashes = _drop_repeats(members.entries, order, hashes, same)
    return Members(take(members.entries, order), hashes)


def subtract(members: Members, removed: Members) -> Members:
    """The members, in their order, that are not among those removed.

    Cost: 50 to 100 ns a member.
    """
    gone = pc.is_in(
        members.entries.cast(pa.large_binary()),
        value_set=removed.entries.cast(pa.large_binary()),
    )
    kept = np.flatnonzero(~gone.to_numpy(zero_copy_only=False))
    return Members(take(members.entries, kept), members.hashes[kept])


def drop_frequent(members: Members) -> Members:
    """Drop repeated members if some are frequent; the others stay in their order.

    All copies of a member are in one range of hashes, so without this a list that holds one key
    millions of times would be gathered by one unit, in gigabytes. Rare repeats stay, and those
    of two members that share a hash.

    Cost: under 1 ns a row where no member is frequent, else a sort, with less memory than
    `distinct`.
    """
    step = max(1, len(members) // _SAMPLE_ROWS)
    sample = members.hashes[::step]
    if len(sample) - len(np.unique(sample)) < _FREQUENT_REPEATS:
        return members
    _, firsts, places = np.unique(members.hashes, return_index=True, return_inverse=True)
    same: Any = pc.equal(members.entries, take(members.entries, firsts[places]))
    keep = ~same.to_numpy(zero_copy_only=False)
    keep[firsts] = True
    return Members(members.entries.filter(pa.array(keep)), members.hashes[keep])


def sort_by_hash(hashes: Hashes) -> tuple[np.ndarray, Hashes]:
    """Row numbers in order of the hashes, and those hashes; rows of one hash in any order.

    Two radix sorts, of sixteen bits each, order the rows by the highest 32 bits that differ;
    the few rows that agree in these are then sorted by all. Cost: 20 to 35 ns a row; with
    numpy's own sort of 64-bit numbers it was 60 to 70 on a processor where that takes 48, not 11.
    """
    rows = len(hashes)
    if rows <= 1:
        return np.arange(rows), hashes
    differing = (int(hashes.max()) ^ int(hashes.min())).bit_length()
    shift = max(0, differing - 2 * _RADIX_BITS)
    # A stable sort of two bytes is a radix sort in numpy.
    low = (hashes >> np.uint64(shift)).astype(np.uint16)
    high = (hashes >> np.uint64(shift + _RADIX_BITS)).astype(np.uint16)
    order = np.argsort(low, kind="stable")
    order = order.take(np.argsort(high.take(order, mode="clip"), kind="stable"), mode="clip")
    in_order = hashes.take(order, mode="clip")
    if not (in_order[1:] >= in_order[:-1]).all():
        prefixes = in_order >> np.uint64(shift)
        tied = np.zeros(rows, bool)
        np.equal(prefixes[1:], prefixes[:-1], out=tied[1:])
        tied[:-1] |= tied[1:]
        places = np.flatnonzero(tied)
        order[places] = order[places].take(np.argsort(in_order[places]))
        in_order[places] = np.sort(in_order[places])
    return order, in_order


def _drop_repeats(
    entries: Column, order: np.ndarray, hashes: Hashes, same: np.ndarray
) -> tuple[np.ndarray, Hashes]:
    """Order the runs of equal hashes by bytes and keep the first of equal members."""
    in_run = np.zeros(len(order), bool)
    in_run[same] = True
    in_run[same + 1] = True
    rows = np.flatnonzero(in_run)
    column = take(entries, order[rows]).cast(pa.large_binary())
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
