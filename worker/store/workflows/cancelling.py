"""Cancelling imports and exports.

Of an import, the list record decides, in one step, whether it was in time. That record keeps who
has cancelled it. If this process dies before it has ended the job, a worker that meets the record
or the sweep does; nothing can claim the list for that import again.
"""

from worker.store.errors import ImportOver
from worker.store.jobs.records import ExportRequest, ImportRequest, JobState
from worker.store.jobs.stage_state import DISCARDED
from worker.store.store import Store
from worker.store.workflows.claims import cancelled_reason


def cancel_import(store: Store, request: ImportRequest, by: str) -> bool:
    """End an import whose list is not live yet, and leave the live list as it is.

    When this returns, it can never be published. Its memory is released; files and shards are
    left to the worker that is told of it. Cost: six round trips.

    Args:
        store: The store.
        request: The import.
        by: Who cancels it, as the reason of its end names them.

    Returns:
        Whether this call did it; ``False`` if it was cancelled before.

    Raises:
        ImportOver: it is published, or has ended for another reason.
        JobNotFound: its record has expired.
        StoreUnavailable: no answer. Safe to retry.
    """
    state = store.jobs.get(request.ref)
    if state.ended_ms is not None:
        return _require_cancelled(state)
    if store.builds.cancel(request.list_ref, request.import_id, by=by):
        raise _published(request)
    first = store.builds.cancelled_by(request.list_ref, request.import_id) or by
    reason, keep_s = cancelled_reason(first), store.job_retention_s
    ended = store.jobs.end(request.ref, "stopped", reason=reason, keep_s=keep_s)
    store.build_memory.release(request.ref)
    return ended or _require_cancelled(store.jobs.get(request.ref))


def cancel_export(store: Store, request: ExportRequest, by: str) -> bool:
    """End an export that has not ended, and have the files of a complete one deleted.

    Its record stays. Files are left to a worker that is told of it. Cost: four round trips.

    Args:
        store: The store.
        request: The export.
        by: Who cancels it, as the reason of its end names them.

    Returns:
        Whether this call did it; ``False`` if it was cancelled before, or was stopped.

    Raises:
        JobNotFound: its record has expired.
        StoreUnavailable: no answer. Safe to retry.
    """
    ref = request.ref
    reason, keep_s = cancelled_reason(by), store.job_retention_s
    if store.jobs.end(ref, "stopped", reason=reason, keep_s=keep_s):
        return True
    state = store.jobs.get(ref)
    if state.status != "complete":
        return False
    if state.discarded_by is None:
        store.jobs.write(ref, DISCARDED, by)
    store.export_files.expire(ref, 0)
    return state.discarded_by is None


def _require_cancelled(state: JobState) -> bool:
    """``False`` for an import that was cancelled; else the reason why it cannot be."""
    request = state.request
    if state.status != "stopped" and isinstance(request, ImportRequest):
        raise _published(request)
    reason = state.reason or ""
    if not reason.startswith(cancelled_reason("")):
        message = f"{request.ref.kind} {request.ref.job_id} is stopped already: {reason}"
        raise ImportOver(message)
    return False


def _published(request: ImportRequest) -> ImportOver:
    return ImportOver(
        f"import {request.import_id} is published, so it cannot be cancelled; an earlier revision "
        "of the list can be made live again: `revisions publish`"
    )
