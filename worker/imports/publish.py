"""Making a built revision live: count, compare, replay, flip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.imports.gather import Range
from worker.store import ListUnknown
from worker.store.jobs import ImportRequest
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.memberships import Published
from worker.store.revisions import Revision
from worker.units.context import Context
from worker.units.progress import UnitProgress


@dataclass(frozen=True, slots=True)
class Counted:
    """Members found in the sealed shards."""

    included: int
    excluded: int
    miscounted: tuple[int, ...]
    """Ranges that do not hold what was sent to them."""


def count_shards(
    context: Context,
    request: ImportRequest,
    target: Revision,
    ranges: Sequence[dict[str, Any]],
    progress: UnitProgress,
) -> Counted:
    """Seal the build and count every shard of it.

    After sealing nobody can write a shard, so the counts stay true until the first
    edit is replayed.

    Raises:
        Fenced: the import no longer holds the list.
        StoreUnavailable: no answer. Safe to retry.
    """
    context.store.memberships.seal(request.list_ref, request.import_id)
    counts = {INCLUDED: 0, EXCLUDED: 0}
    wrong = set()
    sides: tuple[tuple[Side, str], ...] = ((INCLUDED, "written"), (EXCLUDED, "excluded"))
    for number, result in enumerate(ranges):
        for side, sent in sides:
            found = _count(context, request, target, side, Range(number, len(ranges)))
            if found == result[sent]:
                counts[side] += result[sent]
            else:
                wrong.add(number)
        progress.add()
    return Counted(counts[INCLUDED], counts[EXCLUDED], tuple(sorted(wrong)))


def _count(
    context: Context, request: ImportRequest, target: Revision, side: Side, part: Range
) -> int | None:
    first, stop = part.of(target.shard_count(side))
    try:
        return context.store.memberships.count(request.list_ref, target, side, first, stop)
    except ListUnknown:
        return None


def flip(
    context: Context, request: ImportRequest, counts: tuple[int, int], progress: UnitProgress
) -> Published:
    """Replay the journal and make the revision live, in the same step as the last edit.

    Running it again after the flip gives the same figures.

    Raises:
        Fenced: the import no longer holds the list.
        StoreUnavailable: no answer. Safe to retry.
    """
    while True:
        published = context.store.memberships.publish(
            request.list_ref,
            request.import_id,
            counts=counts,
            retire_after_ms=int(context.settings.retire_after_s * 1000),
        )
        if published is not None:
            return published
        progress.add()
