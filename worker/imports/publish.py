"""Making a built revision live: count, compare, replay, flip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.imports.gather import Range
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Context
from worker.store import ListUnknown
from worker.store.jobs.records import ImportRequest
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import Published, Revision


@dataclass(frozen=True, slots=True)
class Counted:
    """Members found in the sealed shards."""

    included: int
    excluded: int
    miscounted: tuple[int, ...]
    """Ranges that do not hold what was sent to them."""
    seal: int
    """The seal under which was counted; without it the figures mean nothing."""

    def to_json(self, draft: dict[str, Any]) -> dict[str, Any]:
        """The form in which the job keeps them, with the report's draft."""
        counts = [self.included, self.excluded]
        return {"counts": counts, "seal": self.seal, "draft": draft}


def counted_before(context: Context, request: ImportRequest) -> dict[str, Any] | None:
    """What an earlier try counted, if it still holds; seals the build to find out.

    It holds under the seal it was counted under, and for good once edits are replayed.

    Raises:
        Fenced: the import no longer holds the list.
        StoreUnavailable: no answer. Safe to retry.
    """
    counted: dict[str, Any] | None = context.store.jobs.field(request.ref, "counted")
    if counted is None:
        return None
    sealed = context.store.builds.seal(request.list_ref, request.import_id)
    holds = sealed.counts is not None or counted["seal"] == sealed.number
    return counted if holds else None


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
    sealed = context.store.builds.seal(request.list_ref, request.import_id)
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
    return Counted(counts[INCLUDED], counts[EXCLUDED], tuple(sorted(wrong)), sealed.number)


def _count(
    context: Context, request: ImportRequest, target: Revision, side: Side, part: Range
) -> int | None:
    first, stop = part.of(target.shard_count(side))
    try:
        return context.store.builds.count(request.list_ref, target, side, first, stop)
    except ListUnknown:
        return None


def flip(
    context: Context, request: ImportRequest, counted: dict[str, Any], progress: UnitProgress
) -> Published:
    """Replay the journal and make the revision live, in the same step as the last edit.

    Running it again after the flip gives the same figures.

    Args:
        context: The outside world.
        request: The import.
        counted: What :meth:`Counted.to_json` gave, now or in an earlier try.
        progress: Keeps the lease.

    Raises:
        Fenced: the import no longer holds the list.
        Unsealed: the build was opened since it was counted. Safe to retry.
        StoreUnavailable: no answer. Safe to retry.
    """
    included, excluded = counted["counts"]
    while True:
        published = context.store.builds.publish(
            request.list_ref,
            request.import_id,
            counts=(included, excluded),
            seal=counted["seal"],
            retire_after_ms=int(context.settings.retire_after_s * 1000),
        )
        if published is not None:
            return published
        progress.add()
