"""Finds stalled jobs and abandoned claims."""

import logging
from typing import Final

from worker.jobs.runner import end_unreadable
from worker.jobs.services import Services
from worker.store import (
    ImportInProgress,
    JobNotFound,
    StoreError,
    UnreadableRecord,
    admit_import,
)
from worker.store.jobs import ExportRequest, ImportRequest, JobRef, JobRequest, JobState
from worker.store.workflows import cancelled_reason
from worker.upkeep.pending import tend_pending

logger = logging.getLogger("bigseg.upkeep")

#: A record that was written but not claimed within this time has lost its request.
_CLAIM_GRACE_MS: Final = 30_000


def sweep_jobs(services: Services) -> int:
    """Send hints for stalled jobs.

    A job is stalled when no unit was taken, renewed or finished for a sweep interval; so is one
    that has ended and was not tidied up. At most one hint is sent for it in half a lease,
    however many workers sweep. A job that waits for an approval is not stalled; its edits are
    replayed instead.

    Cost: one round trip an environment and one a job.

    Returns:
        Hints sent.
    """
    sent = 0
    for env in services.store.environments.list_refs():
        for ref in services.store.jobs.active(env):
            sent += _tend_job(services, ref)
    return sent


def _tend_job(services: Services, ref: JobRef) -> int:
    try:
        state = services.store.jobs.get(ref)
    except JobNotFound:
        # Its record has expired: only the active set still holds it.
        services.store.jobs.forget(ref)
        return 0
    except UnreadableRecord as exc:
        end_unreadable(services, ref, exc)
        return 0
    request = state.request
    if state.ended_ms is None and _end_if_cancelled(services, request):
        return _send_hint(services, state)
    if state.stage == "claim" and state.ended_ms is None:
        _mend_claim(services, state)
        return 0
    if state.status == "pending_approval" and isinstance(request, ImportRequest):
        return tend_pending(services, request, state)
    return _send_hint(services, state)


def _send_hint(services: Services, state: JobState) -> int:
    settings, ref = services.settings, state.request.ref
    still_ms = services.clock_ms() - (state.progress.touched_ms or state.request.created_ms)
    if still_ms < settings.sweep_s * 1000:
        return 0
    if not services.store.jobs.take_turn(f"hint:{ref}", int(settings.lease_s * 500)):
        return 0
    services.announce(ref, 1)
    return 1


def _end_if_cancelled(services: Services, request: JobRequest) -> bool:
    """Finish a cancellation that was cut off; whether the list's record knows of one."""
    if not isinstance(request, ImportRequest):
        return False
    by = services.store.builds.cancelled_by(request.list_ref, request.import_id)
    if by is None:
        return False
    reason, keep_s = cancelled_reason(by), services.settings.job_retention_s
    if services.store.jobs.end(request.ref, "stopped", reason=reason, keep_s=keep_s):
        logger.warning("import.stopped", extra={"job": str(request.ref), "reason": reason})
    return True


def _mend_claim(services: Services, state: JobState) -> None:
    """Finish an admission that was cut off between the record and the claim."""
    request = state.request
    if services.clock_ms() - request.created_ms < _CLAIM_GRACE_MS:
        return
    if isinstance(request, ExportRequest):
        return
    try:
        # The import that it would supersede may have been started after it.
        admit_import(services.store, request, supersedes=False)
    except (ImportInProgress, StoreError) as exc:
        logger.warning("import.refused", extra={"job": str(request.ref), "reason": str(exc)})
