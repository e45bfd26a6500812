"""Imports that wait for an approval before they are published.

The list record says whether an import is approved; the job's record follows it. What an
approval needs, and what ends the wait, is decided there in one step.
"""

from dataclasses import dataclass

from worker.store.errors import Fenced, ImportNotWaiting, JobNotFound, Unsealed
from worker.store.jobs.records import WAITING_STAGE, ImportRequest, JobRef, JobState
from worker.store.keyspace import ListRef
from worker.store.server.connections import driver_errors
from worker.store.store import Store


@dataclass(frozen=True, slots=True)
class Held:
    """A build that waits, after some edits were replayed onto it."""

    more: bool
    """Whether edits are left to replay."""
    journal: int
    """Ops that are left in the journal."""
    edited_included: int
    """How replayed edits have changed the included count."""
    edited_excluded: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a build that has waited must hold, by what was counted and what was replayed."""

    counts: tuple[int, int]
    untouched: bool
    """Whether no edit was replayed onto it, so that it can be opened and written again."""


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
    reply = store.database.run(f"approve {job}", "approve", [record], [import_id])
    if reply not in (b"ok", b"done"):
        # It has given way, or its time was over, since the job was read.
        message = f"import {import_id} does not wait for an approval any more"
        raise ImportNotWaiting(message)
    go_on(store, job)
    return job


def hold(
    store: Store, ref: ListRef, import_id: str, *, counts: tuple[int, int], seal: int
) -> Held | None:
    """Replay some edits onto a build that waits, and drop them from the journal.

    The first call fixes the counts; from then on the import can be approved. Cost: about
    10 ms of the server for 5,000 edits.

    Args:
        store: Where the list is.
        ref: The list.
        import_id: The import that built the revision.
        counts: As for :meth:`MembershipStore.publish`.
        seal: The same.

    Returns:
        ``None`` when it waits no longer: it is approved, or was published.

    Raises:
        Fenced: the import no longer holds the list.
        Unsealed: the build was opened since it was counted. Seal and count again.
        OutOfMemory: the server is full.
        StoreUnavailable: no answer. Safe to retry.
    """
    keys = [store.keyspace.list_record(ref), store.keyspace.edits(ref)]
    arguments = (import_id, *counts, 0, seal, 1)
    reply = store.database.run(f"hold {ref.name}", "publish", keys, arguments)
    match reply[0]:
        case b"held":
            return Held(bool(reply[1]), *reply[2:])
        case b"lost":
            message = f"import {import_id} no longer holds list {ref.name}"
            raise Fenced(message)
        case b"unsealed":
            message = f"the build of import {import_id} was opened again; seal and count again"
            raise Unsealed(message)
        case _:
            return None


def hold_job(
    store: Store, job: JobRef, from_stage: str, moments: dict[str, int], edited: int
) -> bool:
    """Have a job whose build is held do nothing until it is approved.

    Args:
        store: Where its record is.
        job: The import.
        from_stage: Where it is, and goes on afterwards.
        moments: When each stage was entered, this one too.
        edited: See :func:`note_edited`.

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


def expected_counts(store: Store, ref: ListRef) -> Expected | None:
    """What the build of this list holds if nothing was lost while it waited.

    Returns:
        ``None`` when its counts are not fixed: it was never held, or opened again since.
    """
    names = ("counted", "replay_included", "replay_excluded", "replayed")
    with driver_errors(f"read list {ref.name}"):
        found = store.client.hmget(store.keyspace.list_record(ref), names)
    if found[0] is None:
        return None
    included, excluded = map(int, found[0].split())
    return Expected(
        (included + int(found[1] or 0), excluded + int(found[2] or 0)),
        untouched=found[3] == b"0-0",
    )


def journal_ops(store: Store, ref: ListRef) -> int:
    """Edits of this list that are left to replay. Cost: one round trip."""
    with driver_errors(f"read list {ref.name}"):
        return int(store.client.hget(store.keyspace.list_record(ref), "journal") or 0)


def superseded_by(store: Store, ref: ListRef, import_id: str) -> str | None:
    """The import that took this one's place in the last two days, if any did."""
    with driver_errors(f"read list {ref.name}"):
        found = store.client.hget(store.keyspace.list_record(ref), f"superseded:{import_id}")
    return None if found is None else found.decode().partition(" ")[2]
