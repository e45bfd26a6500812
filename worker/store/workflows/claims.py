"""Which job holds a list, and why an import no longer does."""

from worker.store.errors import ListUnknown, SegmentNotFound
from worker.store.jobs.records import ImportRequest, JobRef, JobRequest
from worker.store.keyspace import ListRef
from worker.store.server.connections import driver_errors
from worker.store.store import Store

DELETED = "segment deleted"


def builder_of(store: Store, ref: ListRef) -> JobRef | None:
    """The job that holds the list: an import, or a re-shard."""
    record = store.keyspace.list_record(ref)
    with driver_errors(f"read list {ref.name}"):
        job_id, kind = store.client.hmget(record, ["building", "builder"])
    if job_id is None:
        return None
    return JobRef("reshard" if kind == b"reshard" else "import", ref.env, job_id.decode())


def is_deleted(store: Store, request: JobRequest) -> bool:
    """Whether the list of a job was deleted; see :func:`is_list_deleted`."""
    return is_list_deleted(store, request.list_ref)


def is_list_deleted(store: Store, ref: ListRef) -> bool:
    """Whether a list was deleted, even if its record has been freed since."""
    try:
        store.memberships.state(ref)
    except SegmentNotFound:
        return True
    except ListUnknown:
        try:
            return store.segments.get(ref.env, ref.segment).generation != ref.generation
        except SegmentNotFound:
            return True
    return False


def why_lost(store: Store, request: ImportRequest) -> str:
    """Why an import no longer holds its list, as the reason of its end."""
    if is_deleted(store, request):
        return DELETED
    by = store.builds.cancelled_by(request.list_ref, request.import_id)
    if by is not None:
        return cancelled_reason(by)
    newer = store.builds.superseded_by(request.list_ref, request.import_id)
    if newer is not None:
        return superseded_reason(newer)
    return f"superseded: import {request.import_id} no longer holds list {request.list_ref.name}"


def superseded_reason(newer: str) -> str:
    """The reason of an import that was superseded by another one."""
    return f"superseded by import {newer}"


def cancelled_reason(by: str) -> str:
    """The reason of an import that somebody has cancelled."""
    return f"cancelled by {by}"
