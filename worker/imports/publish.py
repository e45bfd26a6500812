"""Publish: count a built revision, compare, replay edits, flip."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.imports.approval import recheck, wait_for_approval
from worker.imports.errors import ImportStopped
from worker.imports.gather import Range
from worker.imports.guards import check_draft
from worker.imports.report import draft_report
from worker.imports.stages import GATHERED_AGAIN, SIDES, ChunkResult, RangeResult, StageRun
from worker.store import ListUnknown
from worker.store.jobs.stage_state import COUNTED, BuildCount
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists.lists import Published
from worker.store.lists.revisions import Revision


def publish_import(run: StageRun) -> Published | None:
    """Count the build and make it live; ``None`` if it is gathered again, or waits.

    Running it again after the flip gives the same figures.
    """
    counted = recheck(run, _counted_before(run))
    if counted is None:
        counted = _count_build(run)
    if counted is None or wait_for_approval(run, counted):
        return None
    return _flip(run, counted)


def _counted_before(run: StageRun) -> BuildCount | None:
    """What an earlier try counted, if it still holds; seals the build to find out.

    It holds under the seal it was counted under, and for good once edits are replayed.
    """
    store, request = run.services.store, run.request
    counted = store.jobs.read(request.ref, COUNTED)
    if counted is None:
        return None
    sealed = store.memberships.seal(request.list_ref, request.import_id)
    return counted if sealed.counts is not None or counted.seal == sealed.number else None


def _count_build(run: StageRun) -> BuildCount | None:
    """Count every shard and draft the report; ``None`` if ranges are gathered again."""
    plan, ranges = run.plan(), run.range_results()
    chunks = run.chunk_results(plan)
    found = count_shards(run, run.target(), ranges)
    if found.miscounted:
        _gather_again(run, chunks, len(ranges), found.miscounted)
        return None
    draft = draft_report(chunks, ranges, plan.doubts)
    check_draft(run.services.settings, run.request, draft)
    counted = BuildCount(found.counts[INCLUDED], found.counts[EXCLUDED], found.seal, draft)
    run.services.store.jobs.write(run.request.ref, COUNTED, counted)
    return counted


@dataclass(frozen=True, slots=True)
class ShardCount:
    """Members found in the sealed shards."""

    counts: dict[Side, int]
    miscounted: tuple[int, ...]
    """Ranges that do not hold what was sent to them."""
    seal: int


def count_shards(run: StageRun, target: Revision, ranges: Sequence[RangeResult]) -> ShardCount:
    """Seal the build and count every shard of it.

    After sealing nobody can write a shard, so the counts stay true until the first
    edit is replayed.

    Raises:
        Fenced: the import no longer holds the list.
        StoreUnavailable: no answer.
    """
    sealed = run.services.store.memberships.seal(run.request.list_ref, run.request.import_id)
    counts = dict.fromkeys(SIDES, 0)
    wrong = set()
    for number, result in enumerate(ranges):
        for side in SIDES:
            if _count(run, target, side, Range(number, len(ranges))) == result.written(side):
                counts[side] += result.written(side)
            else:
                wrong.add(number)
        run.progress.add()
    return ShardCount(counts, tuple(sorted(wrong)), sealed.number)


def _count(run: StageRun, target: Revision, side: Side, part: Range) -> int | None:
    first, stop = part.of(target.shard_count(side))
    memberships = run.services.store.memberships
    try:
        return memberships.count(run.request.list_ref, target, side, first, stop)
    except ListUnknown:
        return None


def _gather_again(
    run: StageRun, chunks: Sequence[ChunkResult], range_count: int, numbers: Sequence[int]
) -> None:
    """Have ranges gathered again that the store has lost shards of; not for ever."""
    store, request = run.services.store, run.request
    times = (store.jobs.read(request.ref, GATHERED_AGAIN) or 0) + 1
    if times >= run.services.settings.unit_tries:
        message = f"the store lost shards of {len(numbers)} ranges {times} times; look at its log"
        raise ImportStopped(message)
    store.jobs.write(request.ref, GATHERED_AGAIN, times)
    store.memberships.unseal(request.list_ref, request.import_id)
    if any(chunk.spill for chunk in chunks):
        run.reopen("gather", range_count, numbers)
    else:
        run.reopen("scatter", 1, [0])


def _flip(run: StageRun, counted: BuildCount) -> Published:
    """Replay the journal and make the revision live, in the same step as the last edit.

    Raises:
        Fenced: the import no longer holds the list.
        Unsealed: the build was opened since it was counted.
        StoreUnavailable: no answer.
    """
    request = run.request
    while True:
        published = run.services.store.memberships.publish(
            request.list_ref,
            request.import_id,
            counts=counted.counts,
            seal=counted.seal,
            retire_after_ms=int(run.services.settings.retire_after_s * 1000),
        )
        if published is not None:
            return published
        run.progress.add()
