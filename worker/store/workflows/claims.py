"""Why an import no longer holds its list."""

from worker.store.errors import ListUnknown, SegmentNotFound
from worker.store.jobs.records import ImportRequest
from worker.store.store import Store

DELETED = "segment deleted"


def is_deleted(store: Store, request: ImportRequest) -> bool:
    """Whether an import's list was deleted, even when its record has been freed since."""
    ref = request.list_ref
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
    newer = store.builds.superseded_by(request.list_ref, request.import_id)
    if newer is not None:
        return superseded_reason(newer)
    return f"superseded: import {request.import_id} no longer holds list {request.list_ref.name}"


def superseded_reason(newer: str) -> str:
    """The reason of an import that was superseded by another one."""
    return f"superseded by import {newer}"
