"""Letting an import or export in: its record first, then its place in history."""

import dataclasses

from worker.store.errors import StoreError
from worker.store.jobs.records import ExportRequest, ImportRequest, JobRef
from worker.store.jobs.reservations import release_memory
from worker.store.lists import RESHARD_PREFIX
from worker.store.store import Store
from worker.store.workflows.claims import superseded_reason

_KEEP_REFUSED_S = 3_600
#: Seconds for which the record of an import that has given way can be read.
_KEEP_SUPERSEDED_S = 30 * 86_400


def admit_import(store: Store, request: ImportRequest, *, supersedes: bool = True) -> JobRef | None:
    """Write an import's record and claim its list; when this returns it will be worked on.

    A crash between the two leaves a record that the sweep mends.

    Args:
        store: Where it is admitted.
        request: The import.
        supersedes: Whether it takes the place of an import that waits for an approval
            which nobody has given. That one is stopped.

    Returns:
        The import whose place it took, so that what that one used can be freed at once.

    Raises:
        ImportInProgress: another import holds the list; nothing is left behind.
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost the list.
        StoreUnavailable: no answer. Safe to retry with a new id.
    """
    store.jobs.create(request, stage="claim", units=0)
    store.memberships.watch(request.list_ref)
    try:
        claim = store.builds.claim(
            request.list_ref, request.import_id, waits=request.waits, supersedes=supersedes
        )
    except StoreError as exc:
        store.jobs.end(request.ref, "stopped", reason=str(exc), keep_s=_KEEP_REFUSED_S)
        store.jobs.forget(request.ref)
        raise
    previous = {} if claim.previous is None else dataclasses.asdict(claim.previous)
    store.jobs.advance(request.ref, "claim", "plan", 1, claimed=1, previous=previous)
    if claim.superseded is None or claim.superseded.startswith(RESHARD_PREFIX):
        return None
    older = JobRef("import", request.list_ref.scope, claim.superseded)
    _supersede(store, older, request.import_id)
    return older


def _supersede(store: Store, older: JobRef, newer: str) -> None:
    """End the record of an import that has lost its list; a crash before it is mended."""
    reason = superseded_reason(newer)
    store.jobs.end(older, "stopped", reason=reason, keep_s=_KEEP_SUPERSEDED_S)
    release_memory(store.database, older)


def admit_export(store: Store, request: ExportRequest) -> None:
    """Write an export's record; when this returns it will be worked on.

    Raises:
        StoreUnavailable: no answer. Safe to retry with a new id.
    """
    store.jobs.create(request, stage="write", units=1)
