"""Imports that wait for an approval before they are published.

The list record says whether an import is approved; the job's record follows it. What an
approval needs, and what ends the wait, is decided there in one step.
"""

from worker.store.errors import ImportNotWaiting, JobNotFound
from worker.store.jobs.records import WAITING_STAGE, ImportRequest, JobRef, JobState
from worker.store.keyspace import ListRef
from worker.store.store import Store


def require_approvable(store: Store, ref: ListRef, import_id: str) -> JobRef:
    """Make sure that an import of this list waits for an approval, or has just been given it.

    Changes nothing. Cost: one round trip.

    Raises:
        ImportNotWaiting: it does not; says why.
        StoreUnavailable: no answer. Safe to retry.
    """
    job = JobRef("import", ref.scope, import_id)
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
    why = _why_not(state, state.request)
    if why is not None:
        message = f"import {import_id} does not wait for an approval: {why}"
        raise ImportNotWaiting(message)
    return job


def _why_not(state: JobState, request: ImportRequest) -> str | None:
    if not request.waits:
        return "it was not asked to"
    if state.ended_ms is not None:
        return f"it is {state.status}" + (f", {state.reason}" if state.reason else "")
    if state.status not in ("pending_approval", "in_progress"):
        return "it is not built yet; wait until its status is pending_approval"
    return None


def approve_import(store: Store, ref: ListRef, import_id: str) -> JobRef:
    """Let an import that waits be published; when this returns, it will be.

    Approving again is the same as approving once. A crash in between leaves a record that
    the sweep mends. Cost: four round trips.

    Returns:
        The job, which has work to be done.

    Raises:
        ImportNotWaiting: it does not wait; nothing was changed.
        StoreUnavailable: no answer. Safe to retry.
    """
    job = require_approvable(store, ref, import_id)
    record = store.keyspace.list_record(ref)
    reply = store.database.run(f"approve {job}", "list/approve", [record], [import_id])
    if reply not in (b"ok", b"done"):
        # It has given way, or its time was over, since the job was read.
        message = f"import {import_id} does not wait for an approval any more"
        raise ImportNotWaiting(message)
    go_on(store, job)
    return job


def hold_job(
    store: Store, job: JobRef, from_stage: str, moments: dict[str, int], edited: int
) -> bool:
    """Have a job whose build is held do nothing until it is approved.

    Args:
        store: Where its record is.
        job: The import.
        from_stage: Where it is, and goes on afterwards.
        moments: When each stage was entered, this one too.
        edited: see :func:`note_edited`.

    Returns:
        Whether this call did it, and not another worker.
    """
    return store.jobs.advance(
        job, from_stage, WAITING_STAGE, 0, entered=moments, edited=edited, held_from=from_stage
    )


def note_edited(store: Store, job: JobRef, edited: int) -> None:
    """Write down how edits replayed while it waits have changed the included count."""
    store.jobs.put_field(job, "edited", edited)


def go_on(store: Store, job: JobRef) -> None:
    """Have an approved job go on where it was held; does nothing if it waits no longer."""
    stage = store.jobs.field(job, "held_from")
    if stage is not None:
        store.jobs.reopen(job, WAITING_STAGE, stage, 1, [0])
