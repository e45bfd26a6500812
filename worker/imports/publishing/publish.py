"""Publish: counts a built revision, holds it until it is approved, replays edits and flips.

Nothing works on an import while it is held: it has no lease, no message and no process. The
sweep replays edits onto it and ends the wait; see ``worker/upkeep/pending.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.imports.building.gather import Range
from worker.imports.composing.figures import composed_figures, count_composed
from worker.imports.errors import ImportStopped
from worker.imports.guarding.guards import find_build_findings, object_to
from worker.imports.planning.file_table import tabulate
from worker.imports.publishing.preview import sample_changes
from worker.imports.report import draft_report
from worker.imports.stage_results import GATHERED_AGAIN, SIDES, ChunkResult, RangeResult
from worker.imports.stage_run import StageRun
from worker.store import ListUnknown
from worker.store.jobs import COUNTED, OBJECTION, PREVIEW, BuildCount
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import Held, Published, Revision
from worker.store.workflows import announce_job, record_outcome, release_sources, summarise

#: Memory of one edit in the journal, and of the member that it may add.
_BYTES_PER_EDIT: Final = 200
#: Shards counted between two signs of progress.
_SHARDS_PER_STEP: Final = 65_536


def publish_import(run: StageRun) -> Published | None:
    """Count the build and make it live; ``None`` if ranges are gathered again, or it is held.

    It is held if its caller asked for an approval, or if a guard did. Running it again after the
    flip gives the same figures. Of a dry run nothing becomes live, and the figures are those that
    it would have had now.

    Raises:
        ImportStopped: a guard stops it, or shards were lost that cannot be written again.
        Fenced: the import no longer holds the list.
        Unsealed: the build was opened since it was counted.
    """
    counted = _read_valid_count(run) or _count_build(run)
    if counted is None:
        return None
    if run.request.dry_run:
        _preview(run, counted)
        version = run.services.store.memberships.state(run.request.list_ref).version
        return Published(counted.included, counted.excluded, 0, 0, version)
    if _needs_approval(run) and _hold(run, counted):
        return None
    return _flip(run, counted)


def _needs_approval(run: StageRun) -> bool:
    request = run.request
    return request.waits or run.services.store.jobs.read(request.ref, OBJECTION) is not None


def _read_valid_count(run: StageRun) -> BuildCount | None:
    """The counts of an earlier try, if they are still valid; seals the build to find out.

    They are valid under the seal they were counted under, and for good once edits are replayed.
    """
    store, request = run.services.store, run.request
    counted = store.jobs.read(request.ref, COUNTED)
    if counted is None:
        return None
    sealed = store.builds.seal(request.list_ref, request.import_id)
    if sealed.counts is None and counted.seal != sealed.number:
        return None
    return None if _needs_approval(run) and _has_lost_shards(run) else counted


def _has_lost_shards(run: StageRun) -> bool:
    """Whether an approved build has lost shards since it was counted, perhaps days ago.

    If so, and if no edit has been replayed onto it, it is unsealed to be written again.
    """
    store, ref = run.services.store, run.request.list_ref
    if store.memberships.state(ref).unapproved:
        return False
    expected = store.builds.expected_counts(ref)
    while expected is not None and expected.counts != _count_sides(run):
        # An earlier try that is still alive may have replayed edits while we counted.
        before, expected = expected, store.builds.expected_counts(ref) or expected
        if before != expected:
            continue
        if not expected.untouched:
            message = "the store lost part of what was built while it waited; import the list again"
            raise ImportStopped(message)
        store.builds.unseal(ref, run.request.import_id)
        return True
    return False


def _count_sides(run: StageRun) -> tuple[int | None, ...]:
    target = run.target()
    return tuple(_count(run, target, side, 0, target.shard_count(side)) for side in SIDES)


def _count_build(run: StageRun) -> BuildCount | None:
    """Count every shard and draft the report; ``None`` if ranges are gathered again."""
    plan, ranges = run.plan(), run.range_results()
    chunks = run.chunk_results(plan)
    found = _count_ranges(run, run.target(), ranges)
    if found.miscounted:
        _gather_again(run, chunks, len(ranges), found.miscounted)
        return None
    if run.request.composition is not None:
        chunks = [count_composed(ranges)]
    files = tabulate(run, plan, chunks)
    draft = draft_report(
        chunks,
        ranges,
        plan.doubts,
        files,
        side=run.request.side,
        removes=run.request.mode == "remove",
    )
    if run.request.composition is not None:
        draft |= composed_figures(run.request.composition, ranges)
    findings = find_build_findings(
        run.services.settings, run.request, chunks, files, draft, plan.doubts
    )
    object_to(run, findings, accepted=draft["accepted"])
    counted = BuildCount(found.counts[INCLUDED], found.counts[EXCLUDED], found.seal, draft)
    run.services.store.jobs.write(run.request.ref, COUNTED, counted)
    return counted


@dataclass(frozen=True, slots=True)
class ShardCount:
    """Members counted in the sealed shards."""

    counts: dict[Side, int]
    miscounted: tuple[int, ...]
    """Ranges whose shards do not hold as many members as were written."""
    seal: int


def _count_ranges(run: StageRun, target: Revision, ranges: Sequence[RangeResult]) -> ShardCount:
    """Seal the build and count every shard of it.

    After sealing no shard can be written, so the counts stay valid until the first edit is
    replayed.
    """
    sealed = run.services.store.builds.seal(run.request.list_ref, run.request.import_id)
    run.progress.expect(sum(target.shard_count(side) for side in SIDES))
    counts = dict.fromkeys(SIDES, 0)
    wrong = set()
    for number, result in enumerate(ranges):
        for side in SIDES:
            first, stop = Range(number, len(ranges)).of(target.shard_count(side))
            if _count(run, target, side, first, stop) == result.written(side):
                counts[side] += result.written(side)
            else:
                wrong.add(number)
    return ShardCount(counts, tuple(sorted(wrong)), sealed.number)


def _count(run: StageRun, target: Revision, side: Side, first: int, stop: int) -> int | None:
    """Members of some shards; ``None`` if one is missing."""
    builds, total = run.services.store.builds, 0
    for start in range(first, stop, _SHARDS_PER_STEP):
        last = min(start + _SHARDS_PER_STEP, stop)
        try:
            total += builds.count(run.request.list_ref, target, side, start, last)
        except ListUnknown:
            return None
        run.progress.add(work=last - start)
    return total


def _gather_again(
    run: StageRun, chunks: Sequence[ChunkResult], range_count: int, numbers: Sequence[int]
) -> None:
    """Gather the ranges again of which the store has lost shards; a limited number of times."""
    store, request = run.services.store, run.request
    times = (store.jobs.read(request.ref, GATHERED_AGAIN) or 0) + 1
    if times >= run.services.settings.unit_tries:
        message = f"the store lost shards of {len(numbers)} ranges {times} times; look at its log"
        raise ImportStopped(message)
    store.jobs.write(request.ref, GATHERED_AGAIN, times)
    store.builds.unseal(request.list_ref, request.import_id)
    if request.composition is not None or any(chunk.spill for chunk in chunks):
        run.reopen("gather", range_count, numbers)
    else:
        run.reopen("scatter", 1, [0])


def _hold(run: StageRun, counted: BuildCount) -> bool:
    """Hold the build unless it is approved; whether it is held. Safe to repeat.

    Edits made until now are replayed first, so that the approver sees correct figures and the
    journal starts short.
    """
    jobs, ref, side = run.services.store.jobs, run.request.ref, run.request.side
    held = _replay(run, counted)
    if held is None:
        return False
    _preview(run, counted)
    if run.request.composition is not None:
        # All is built; an approval may take days.
        sources = run.request.composition.sources
        release_sources(run.services.store, run.request.import_id, sources)
    after = counted.count(side) + held.edited(side)
    figures = summarise({**counted.report, "membersAfter": after})
    objection = jobs.read(ref, OBJECTION)
    if objection is not None:
        figures["guard"] = objection.guard
    record_outcome(run.services.store, run.request, "pending_approval", figures)
    # What is written is in use now, no longer only reserved.
    most_edits = run.services.settings.approval_journal_ops
    run.services.store.build_memory.limit(ref, most_edits * _BYTES_PER_EDIT)
    held_now = jobs.hold(ref, run.unit.stage, held.edited(side))
    state = jobs.get(ref)
    if not held_now and state.ended_ms is not None:
        # It may have been tidied up just before the memory was reserved.
        run.services.store.build_memory.release(ref)
    if state.status == "pending_approval":
        announce_job(run.services.store, state)
    return True


def _preview(run: StageRun, counted: BuildCount) -> None:
    """Take samples of what publishing the build would change, unless a try before this one did."""
    store, request = run.services.store, run.request
    if store.jobs.read(request.ref, PREVIEW) is not None:
        return
    report = counted.report
    found = sample_changes(
        store.database,
        request.list_ref,
        store.memberships.state(request.list_ref).live,
        run.target(),
        request.side,
        {
            "added": report["added"],
            "removed": report["removed"],
            # Of a merge the report's figure leaves out members that the file does not name.
            "unchanged": report["membersBefore"] - report["removed"],
        },
        run.progress.add,
    )
    store.jobs.write(request.ref, PREVIEW, found)


def _replay(run: StageRun, counted: BuildCount) -> Held | None:
    """Replay all edits onto a build that is held; ``None`` if it is approved."""
    store, request = run.services.store, run.request
    while True:
        held = store.builds.hold(
            request.list_ref,
            request.import_id,
            counts=counted.counts,
            seal=counted.seal,
        )
        if held is None:
            return None
        run.progress.add()
        if not held.more:
            return held


def _flip(run: StageRun, counted: BuildCount) -> Published:
    """Replay the journal and make the revision live, in the same step as the last edit."""
    request = run.request
    while True:
        published = run.services.store.builds.publish(
            request.list_ref,
            request.import_id,
            counts=counted.counts,
            seal=counted.seal,
            retire_after_ms=int(run.services.settings.retire_after_s * 1000),
        )
        if published is not None:
            return published
        run.progress.add()
