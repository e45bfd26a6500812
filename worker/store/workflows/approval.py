"""Imports that wait for an approval before they are published.

The list record says whether an import is approved, and decides in one step whether it may be;
the job's record follows it.
"""

from worker.store.errors import ImportNotWaiting, JobNotFound
from worker.store.jobs.records import WAITING_STAGE, ImportRequest, JobRef, JobState
from worker.store.keyspace import ListRef
from worker.store.store import Store


def require_approvable(store: Store, ref: ListRef, import_id: str) -> JobRef:
    """Check that an import of this list waits for an approval, or has just been approved.

    Changes nothing. Cost: one round trip.

    Raises:
        ImportNotWaiting: it does not; the message says why.
    """
    job = JobRef("import", ref.env, import_id)
    try:
        state = store.jobs.get(job)
    except JobNotFound:
        state = None
    if state is None or not isinstance(state.request, ImportRequest):
        message = f"import {import_id} does not exist"
        raise ImportNotWaiting(message)
    if state.request.list_ref != ref:
        message = f"segment {ref.segment} has no import {import_id}"
        raise ImportNotWaiting(message)
    why = _reason_to_refuse(state, state.request)
    if why is not None:
        message = f"import {import_id} does not wait for an approval: {why}"
        raise ImportNotWaiting(message)
    return job


def _reason_to_refuse(state: JobState, request: ImportRequest) -> str | None:
    if request.dry_run:
        return "it is a dry run; start it without dryRun"
    if state.ended_ms is not None:
        return f"it is {state.status}" + (f", {state.reason}" if state.reason else "")
    if not request.waits and WAITING_STAGE not in state.entered:
        return "it was not asked to"
    if state.status not in ("pending_approval", "in_progress"):
        return "it is not built yet; wait until its status is pending_approval"
    return None


def approve_import(store: Store, ref: ListRef, import_id: str) -> JobRef:
    """Let an import that waits be published; when this returns, it will be.

    Idempotent. A crash in between leaves a record that the sweep repairs. Cost: four round trips.

    Returns:
        The job, which has a unit to do again.

    Raises:
        ImportNotWaiting: it does not wait; nothing was changed.
    """
    job = require_approvable(store, ref, import_id)
    record = store.keyspace.list_record(ref)
    reply = store.database.run(f"approve {job}", "list/approve", [record], [import_id])
    if reply not in (b"ok", b"done"):
        # It was superseded, or its time has run out, since the job was read.
        message = f"import {import_id} does not wait for an approval any more"
        raise ImportNotWaiting(message)
    store.jobs.resume(job)
    return job
