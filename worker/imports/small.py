"""Importing a list of one chunk in one task, without a spill."""

from typing import Any

from worker.imports.approval import still_holds, wait_for_approval
from worker.imports.composition import wrongly_started
from worker.imports.errors import ShardsMiscounted
from worker.imports.finish import complete_import
from worker.imports.gather import Range, gather
from worker.imports.guards import check_draft
from worker.imports.plan import Plan
from worker.imports.publish import count_shards, counted_before, flip
from worker.imports.report import draft_report
from worker.imports.scatter import ChunkTally, read_chunk
from worker.imports.sizing import fix_size
from worker.imports.sorting import Members, distinct, no_members
from worker.imports.stage_run import StageRun
from worker.jobs.errors import LeaseLost
from worker.store import Fenced
from worker.store.lists import Claim


def run_small(run: StageRun, plan: Plan, claim: Claim) -> bool:
    """Scatter, gather and publish in one go; also rebuilds a list from its base alone.

    Returns:
        Whether it was done, or waits for its approval; ``False`` when the chunk has too many
        rows to be held at once.

    Raises:
        ShardsMiscounted: the store does not hold what was sent. Safe to retry.
    """
    jobs, request = run.context.store.jobs, run.request
    counted = still_holds(run, counted_before(run.context, request))
    if counted is None:
        loaded = _load(run, plan)
        if loaded is None:
            return False
        counted = _build(run, plan, claim, *loaded)
        jobs.put_field(request.ref, "counted", counted)
    if wait_for_approval(run, counted):
        return True
    published = flip(run.context, request, counted, run.progress)
    jobs.put_field(request.ref, "seconds", run.seconds())
    complete_import(run.context, request, published)
    return True


def _load(run: StageRun, plan: Plan) -> tuple[list[dict[str, Any]], Members] | None:
    """The chunk's tally and distinct members; ``None`` when there are too many."""
    if not plan.chunks:
        return [], no_members()
    run.enter("scatter")
    tally = ChunkTally(start="row")
    members = None
    for found in read_chunk(run.context, plan, plan.chunks[0], tally, run.progress):
        if members is not None:
            return None
        members = found
    result = tally.to_json()
    wrongly_started(plan, [result])
    return [result], distinct(members or no_members())


def _open_again(run: StageRun) -> None:
    """Let shards be written although an earlier try got as far as sealing."""
    context, request = run.context, run.request
    try:
        context.store.builds.unseal(request.list_ref, request.import_id)
    except Fenced as exc:
        if context.store.jobs.field(request.ref, "counted") is None:
            raise
        message = f"import {request.import_id} is being published by an earlier try"
        raise LeaseLost(message) from exc


def _build(
    run: StageRun, plan: Plan, claim: Claim, chunks: list[dict[str, Any]], members: Members
) -> dict[str, Any]:
    context, request = run.context, run.request
    run.enter("gather")
    share = len(members) / max(1, sum(chunk["valid"] for chunk in chunks))
    target = fix_size(context, request, claim, chunks, share)
    if run.unit.attempt > 1 or request.waits:
        # The unit of one that has waited is tried for the first time again.
        _open_again(run)
    whole = Range(0, 1)
    gathered = gather(context, request, claim, target, whole, lambda: members, run.progress)
    run.enter("publish")
    found = count_shards(context, request, target, [gathered.to_json()], run.progress)
    if found.miscounted:
        message = f"import {request.import_id}: the store lost shards that were sent to it"
        raise ShardsMiscounted(message)
    draft = draft_report(chunks, [gathered.to_json()], plan.doubts)
    check_draft(context.settings, request, draft)
    return found.to_json(draft)
