"""The five stages of an import, one unit at a time; each returns how many hints to send."""

from collections.abc import Sequence
from typing import Any, Final

from worker.imports.approval import still_holds, wait_for_approval
from worker.imports.composition import wrongly_started
from worker.imports.errors import ImportStopped
from worker.imports.finish import complete_import
from worker.imports.gather import Range, gather, load_spills
from worker.imports.guards import check_draft
from worker.imports.plan import Plan, make_plan
from worker.imports.publish import count_shards, counted_before, flip
from worker.imports.report import draft_report
from worker.imports.scatter import ChunkTally, read_chunk
from worker.imports.sizing import fix_size
from worker.imports.small import run_small
from worker.imports.sorting import distinct
from worker.imports.spills import SpillFile
from worker.imports.stage_run import MOST_HINTS, StageRun, moments_with
from worker.jobs.services import Context
from worker.lists.spills import SpillIndex, SpillWriter
from worker.store.jobs.records import Drained, JobRef
from worker.store.lists import Claim, Revision

#: Rows a worker may gather together; a range is a few of the spills' ranges.
_ROWS_PER_RANGE: Final = 1_000_000
#: Stages of many units, and what each leads to.
_FOLLOWING: Final = {"scatter": "size", "gather": "publish"}


def open_next(context: Context, ref: JobRef, drained: Drained) -> None:
    """Open the stage behind one whose units are all done.

    Whoever finds it so does this, not the worker of the last unit: that one may have died
    between the two. Opening twice is once.
    """
    following = _FOLLOWING[drained.stage]
    context.store.jobs.advance(
        ref,
        drained.stage,
        following,
        1,
        drained=True,
        entered=moments_with(context, ref, following),
        # Only of use behind gather, which is what a publication counts.
        ranges=drained.units,
    )


def run_plan(run: StageRun) -> int:
    """Cut the list; a list of one chunk is imported at once."""
    jobs, request = run.context.store.jobs, run.request
    claim = run.claim()
    data = jobs.field(request.ref, "plan")
    plan = Plan.from_json(data) if data else None
    if plan is None:
        plan = make_plan(
            run.context, request, base_count=claim.included_count, on_wait=run.progress.add
        )
        jobs.put_field(request.ref, "plan", plan.to_json())
        jobs.put_field(request.ref, "bytes_total", plan.bytes_total)
    if len(plan.chunks) <= 1 and run_small(run, plan, claim):
        return 0
    return run.advance("scatter", len(plan.chunks))


def run_scatter(run: StageRun) -> int:
    """Read one chunk into one spill."""
    plan, number = run.plan(), run.unit.number
    starts = run.context.store.jobs.field(run.request.ref, "starts") or {}
    tally = ChunkTally(start=starts.get(str(number), "row"))
    files: list[SpillFile] = []
    with run.spills.write(number, run.unit.token, files) as sink:
        writer = SpillWriter(sink, plan.range_bits)
        for members in read_chunk(run.context, plan, plan.chunks[number], tally, run.progress):
            writer.add_run(members.packed, members.hashes)
        index = writer.close()
    result = tally.to_json() | {"spill": files[0].to_json(), "index": index.to_json()}
    if run.done(result) is None:
        # Another try was first, or the import has ended and its spills are gone.
        run.spills.remove(files[0])
    return 0


def run_size(run: StageRun) -> int:
    """Check that the chunks fit together; fix the size of the revision."""
    plan = run.plan()
    chunks = run.results("scatter", len(plan.chunks))
    jobs, ref = run.context.store.jobs, run.request.ref
    wrong = wrongly_started(plan, chunks)
    if wrong:
        jobs.put_field(ref, "starts", {str(n): state for n, state in wrong.items()})
        jobs.reopen(ref, "size", "scatter", len(plan.chunks), sorted(wrong))
        return min(MOST_HINTS, len(wrong) - 1)
    claim = run.claim()
    share = _distinct_share(run, chunks)
    target = fix_size(run.context, run.request, claim, chunks, share)
    return run.advance("gather", _range_count(plan, chunks, claim, target))


def _distinct_share(run: StageRun, chunks: Sequence[dict[str, Any]]) -> float:
    """The share of distinct members in the first range of all spills."""
    written = _spills(chunks)
    count = max(index.range_count for _, index in written)
    members = load_spills(run.spills, written, Range(0, count))
    return len(distinct(members)) / len(members) if len(members) else 1.0


def _range_count(
    plan: Plan, chunks: Sequence[dict[str, Any]], claim: Claim, target: Revision
) -> int:
    """As few ranges as rows and bytes allow, each of whole shards and whole spill ranges."""
    rows = sum(chunk["valid"] for chunk in chunks) + claim.included_count
    most = 1 << min(plan.range_bits, target.included_bits)
    needed = -(-rows // _ROWS_PER_RANGE)
    wanted: int = 1 << max(0, needed - 1).bit_length()
    return min(most, max(most // 4, wanted))


def _spills(chunks: Sequence[dict[str, Any]]) -> list[tuple[SpillFile, SpillIndex]]:
    return [
        (SpillFile.from_json(chunk["spill"]), SpillIndex.from_json(chunk["index"]))
        for chunk in chunks
    ]


def run_gather(run: StageRun) -> int:
    """Build the shards of one range."""
    plan = run.plan()
    written = _spills(run.results("scatter", len(plan.chunks)))
    claim, part = run.claim(), Range(run.unit.number, run.unit.units)
    target = run.context.store.builds.target(run.request.list_ref, run.request.import_id)
    gathered = gather(
        run.context,
        run.request,
        claim,
        target,
        part,
        lambda: load_spills(run.spills, written, part),
        run.progress,
    )
    run.done(gathered.to_json())
    return 0


def run_publish(run: StageRun) -> int:
    """Count, flip, report; or have miscounted ranges gathered again, or wait for an approval."""
    context, request = run.context, run.request
    jobs = context.store.jobs
    counted = still_holds(run, counted_before(context, request))
    if counted is None:
        range_count = jobs.field(request.ref, "ranges")
        ranges = run.results("gather", range_count)
        target = context.store.builds.target(request.list_ref, request.import_id)
        found = count_shards(context, request, target, ranges, run.progress)
        if found.miscounted:
            return _gather_again(run, range_count, found.miscounted)
        plan = run.plan()
        chunks = run.results("scatter", len(plan.chunks))
        draft = draft_report(chunks, ranges, plan.doubts)
        check_draft(context.settings, request, draft)
        counted = found.to_json(draft)
        jobs.put_field(request.ref, "counted", counted)
    if wait_for_approval(run, counted):
        return 0
    published = flip(context, request, counted, run.progress)
    jobs.put_field(request.ref, "seconds", run.seconds())
    complete_import(run.context, request, published)
    return 0


def _gather_again(run: StageRun, range_count: int, numbers: Sequence[int]) -> int:
    """Have ranges gathered again that the store has lost shards of; not for ever."""
    jobs, request = run.context.store.jobs, run.request
    times = (jobs.field(request.ref, "gathered_again") or 0) + 1
    if times >= run.context.settings.unit_tries:
        message = f"the store lost shards of {len(numbers)} ranges {times} times; look at its log"
        raise ImportStopped(message)
    jobs.put_field(request.ref, "gathered_again", times)
    run.context.store.builds.unseal(request.list_ref, request.import_id)
    jobs.reopen(request.ref, "publish", "gather", range_count, numbers)
    return min(MOST_HINTS, len(numbers) - 1)
