"""Letting an import or export in: its record first, then its place in history."""

from worker.store.errors import StoreError
from worker.store.jobs import ExportRequest, ImportRequest
from worker.store.opening import Store

_KEEP_REFUSED_S = 3_600


def admit_import(store: Store, request: ImportRequest) -> None:
    """Write an import's record and claim its list; when this returns it will be worked on.

    A crash between the two leaves a record that the sweep mends.

    Raises:
        ImportInProgress: another import holds the list; nothing is left behind.
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost the list.
        StoreUnavailable: no answer. Safe to retry with a new id.
    """
    store.jobs.create(request, stage="claim", units=0)
    store.memberships.watch(request.list_ref)
    try:
        store.memberships.claim(request.list_ref, request.import_id)
    except StoreError as exc:
        store.jobs.end(request.ref, "stopped", reason=str(exc), keep_s=_KEEP_REFUSED_S)
        store.jobs.forget(request.ref)
        raise
    store.jobs.advance(request.ref, "claim", "plan", 1, claimed=1)


def admit_export(store: Store, request: ExportRequest) -> None:
    """Write an export's record; when this returns it will be worked on.

    Raises:
        StoreUnavailable: no answer. Safe to retry with a new id.
    """
    store.jobs.create(request, stage="write", units=1)
