"""Ending an import: complete or stopped, once, with nothing left behind."""

import logging

from worker.imports.report import final_report
from worker.imports.spills import SpillStore
from worker.jobs.services import Context
from worker.store.jobs.records import ImportRequest
from worker.store.jobs.reservations import release_memory
from worker.store.lists import Published

logger = logging.getLogger("bigseg.imports")


def complete_import(context: Context, request: ImportRequest, published: Published) -> None:
    """End an import whose revision is live. Safe to repeat; the first report stays.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
        ObjectStoreUnavailable: no answer from the bucket. Safe to retry.
    """
    jobs, ref = context.store.jobs, request.ref
    counted = jobs.field(ref, "counted") or {}
    state = jobs.get(ref)
    started = state.progress.started_ms or request.created_ms
    seconds = dict(jobs.field(ref, "seconds") or {})
    seconds["total"] = (context.clock_ms() - started) / 1000
    report = final_report(counted.get("draft", {}), published, seconds)
    ended = jobs.end(ref, "complete", report=report, keep_s=context.settings.job_retention_s)
    tidy_up(context, request)
    if ended:
        facts = {name: report.get(name) for name in ("rowsRead", "accepted", "rejected")}
        logger.info("import.published", extra={"job": str(ref), **facts})


def stop_import(context: Context, request: ImportRequest, reason: str) -> None:
    """End an import that cannot be completed; the live list is as it was.

    When its revision turns out to be live, the import is complete instead.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
        ObjectStoreUnavailable: no answer from the bucket. Safe to retry.
    """
    builds, ref = context.store.builds, request.list_ref
    if builds.cancel(ref, request.import_id):
        published = builds.published(ref, request.import_id)
        if published is not None:
            complete_import(context, request, published)
            return
    ended = context.store.jobs.end(
        request.ref, "stopped", reason=reason, keep_s=context.settings.job_retention_s
    )
    tidy_up(context, request)
    if ended:
        logger.warning("import.stopped", extra={"job": str(request.ref), "reason": reason})


def tidy_up(context: Context, request: ImportRequest) -> None:
    """Free what an ended import used; only then is it struck off the active jobs.

    Idempotent. A sweep comes back to an import whose worker died before, or whose
    segment was deleted under it.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
        ObjectStoreUnavailable: no answer from the bucket. Safe to retry.
    """
    release_memory(context.store.database, request.ref)
    if request.sources:
        SpillStore(context.objects, context.settings.spill_dir, request).discard()
    for file in request.sources:
        if file.uploaded:
            context.objects.delete(file.key)
    context.store.jobs.forget(request.ref)
