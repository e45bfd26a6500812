"""Compares the sets with whole lists, after it was lost what changed one of the two.

First everything that is in the lists is added, then the sets are scanned for what is not. So what
is right stays there all the time, and what the sets held of others, or of lists that were deleted,
is removed on the way.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.sdk_store.filling import Steps, Work, begin
from worker.sdk_store.hashed_keys import Firsts, HashedKeys
from worker.sdk_store.sdk_sets import FoundSets, SdkSets
from worker.store import EXCLUDED, INCLUDED, ListUnknown, SegmentNotFound, Side
from worker.store.lists import MOST_MEAN_LOAD

logger = logging.getLogger("bigseg.sdk_store")

#: Hashes of members to compare the sets with: eight bytes each, twice that while they are sorted.
_HASHES_AT_ONCE: Final = 8_000_000
_BITS: Final = 64

_Key = tuple[Side, str]


def compare(
    work: Work,
    sets: SdkSets,
    names: Sequence[str],
    postpone: Callable[[str], None],
    *,
    scans: bool,
) -> Steps:
    """Make the sets hold these lists exactly, and nothing of lists that are not followed.

    Cost: reading the lists once for each 8 million members that they may have together, and a scan
    of the server's keys as often.

    Args:
        work: What it needs.
        sets: The same as those that it writes to.
        names: The lists, ``segment.gN``.
        postpone: Told of each list that cannot be read now, which keeps its need to be compared.
        scans: Whether the sets may hold anything: not if they were empty.
    """
    gone = work.lists.gone()
    names = list(_begin_all(work, names, postpone))
    slices = -(-_most_members(work, names) // _HASHES_AT_ONCE) if scans else 1
    for number in range(max(1, slices)):
        wanted = _Wanted(number, max(1, slices), names)
        for name in tuple(names):
            try:
                yield from _add(work, name, wanted, writes=number == 0, scans=scans)
            except (ListUnknown, SegmentNotFound):
                names.remove(name)
                wanted.forget(name)
                postpone(name)
        wanted.settle()
        for found in sets.scan() if scans else ():
            if found is not None:
                _remove(work, sets, found, wanted)
            yield
    for name in names:
        if name in work.lists:
            work.lists.mark(name, held=True, whole=False)
    work.lists.drop(name for name in gone if name in work.lists and work.lists[name].gone)
    logger.info("sdk_store.compared", extra={"lists": len(names), "removed": len(gone)})


def _begin_all(work: Work, names: Sequence[str], postpone: Callable[[str], None]) -> Iterator[str]:
    for name in names:
        before = work.lists[name].holder
        try:
            begin(work, name, whole=True)
        except (ListUnknown, SegmentNotFound):
            # The definition tells which of the two it is.
            postpone(name)
            continue
        work.source.unfollow(work.lists.ref(name), before)
        yield name


def _most_members(work: Work, names: Sequence[str]) -> int:
    revisions = [work.lists.revision(name) for name in names]
    shards = sum(one.shard_count(side) for one in revisions for side in (INCLUDED, EXCLUDED))
    return shards * MOST_MEAN_LOAD


def _add(work: Work, name: str, wanted: "_Wanted", *, writes: bool, scans: bool) -> Steps:
    """Read a list, and add all that is in it; later times only note what is in it."""
    ref, revision = work.lists.ref(name), work.lists.revision(name)
    for batch in work.source.whole(ref, revision):
        if writes:
            for added in work.writer.write(name, batch, logs=False):
                for side, hashes in added if scans else ():
                    wanted.note((side, name), hashes)
                yield
        else:
            for change in batch.changes:
                wanted.note((change.side, name), HashedKeys.of(change.added))
        yield


class _Wanted:
    """What the sets are to hold: the hashes of some lists that lie in one slice of all hashes."""

    def __init__(self, number: int, slices: int, names: Sequence[str]) -> None:
        width = -(-(1 << _BITS) // slices)
        self._low, self._high = number * width, min((number + 1) * width, 1 << _BITS) - 1
        self._noted: dict[_Key, list[Firsts]] = {
            (side, name): [] for name in names for side in (INCLUDED, EXCLUDED)
        }
        self._sorted: dict[_Key, Firsts] = {}

    def forget(self, name: str) -> None:
        """Want nothing of a list, and keep what the sets hold of it."""
        for side in (INCLUDED, EXCLUDED):
            self._noted.pop((side, name), None)

    def note(self, key: _Key, hashes: HashedKeys) -> None:
        firsts = hashes.firsts()
        self._noted[key].append(firsts[self._in_slice(firsts)])

    def settle(self) -> None:
        """Make :meth:`lacks` possible."""
        for key, pieces in self._noted.items():
            merged = np.concatenate(pieces) if pieces else np.empty(0, np.uint64)
            pieces.clear()
            merged.sort()
            self._sorted[key] = merged

    def lacks(self, key: _Key, firsts: Firsts) -> NDArray[np.bool_]:
        """Which of these hashes lie in the slice, and are not wanted there."""
        known = self._sorted.get(key)
        if known is None:
            return np.zeros(len(firsts), np.bool_)
        at = np.searchsorted(known, firsts)
        there = np.zeros(len(firsts), np.bool_)
        inside = at < len(known)
        there[inside] = known[at[inside]] == firsts[inside]
        return self._in_slice(firsts) & ~there

    def _in_slice(self, firsts: Firsts) -> NDArray[np.bool_]:
        return (firsts >= np.uint64(self._low)) & (firsts <= np.uint64(self._high))


def _remove(work: Work, sets: SdkSets, found: FoundSets, wanted: _Wanted) -> None:
    rows_of: dict[str, list[int]] = {}
    for row, refs in enumerate(found.refs):
        for ref in refs:
            rows_of.setdefault(ref, []).append(row)
    firsts = found.hashes.firsts()
    followed = set(work.lists.alive())
    removals: list[tuple[str, str]] = []
    for ref, rows in rows_of.items():
        # Whatever is not followed is none of these sets.
        unwanted = [True] * len(rows)
        if ref in followed:
            unwanted = wanted.lacks((found.side, ref), firsts[rows]).tolist()
        removals += [(key, ref) for key in found.keys_at([*compress(rows, unwanted)])]
    if removals:
        sets.sweep(found.side, removals)
