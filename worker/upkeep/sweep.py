"""Looking for jobs that nobody works on, and for claims that nobody holds."""

import logging
from typing import Final

from worker.jobs.services import Context
from worker.store import ImportInProgress, JobNotFound, StoreError, admit_import
from worker.store.jobs.records import ExportRequest, ImportRequest, JobRef, JobState
from worker.upkeep.pending import look_after

logger = logging.getLogger("bigseg.upkeep")

#: A record that was written but not claimed within this time has lost its request.
_CLAIM_GRACE_MS: Final = 30_000


def sweep_jobs(context: Context) -> int:
    """Send hints for jobs that stand still.

    A job stands still when no unit was taken, renewed or finished for a sweep's time, also
    one that has ended without being tidied up. At most one hint is sent for it in a lease's
    time, however many workers sweep. One that waits for its approval stands still for good
    reason, and is looked after.

    Cost: one round trip an environment and one a job.

    Returns:
        Hints sent.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    sent = 0
    for scope in context.store.environments.scopes():
        for ref in context.store.jobs.active(scope):
            sent += _look_at(context, ref)
    return sent


def _look_at(context: Context, ref: JobRef) -> int:
    try:
        state = context.store.jobs.get(ref)
    except JobNotFound:
        # Its record has expired: only the active set still knows it.
        context.store.jobs.forget(ref)
        return 0
    if state.stage == "claim" and state.ended_ms is None:
        _mend_claim(context, state)
        return 0
    request = state.request
    if state.status == "pending_approval" and isinstance(request, ImportRequest):
        return look_after(context, request)
    settings, now = context.settings, context.clock_ms()
    still_ms = now - (state.progress.touched_ms or state.request.created_ms)
    if still_ms < settings.sweep_s * 1000:
        return 0
    if not context.store.jobs.take_turn(f"hint:{ref}", int(settings.lease_s * 500)):
        return 0
    context.announce(ref, 1)
    return 1


def _mend_claim(context: Context, state: JobState) -> None:
    """Finish an admission that was cut off between the record and the claim."""
    request = state.request
    if context.clock_ms() - request.created_ms < _CLAIM_GRACE_MS:
        return
    if isinstance(request, ExportRequest):
        return
    try:
        # What it would have superseded may have been started after it.
        admit_import(context.store, request, supersedes=False)
    except (ImportInProgress, StoreError) as exc:
        logger.warning("import.refused", extra={"job": str(request.ref), "reason": str(exc)})
