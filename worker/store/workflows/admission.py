"""Admitting an import or export: its record first, then its claim."""

from typing import Final

from worker.store.errors import StoreError
from worker.store.jobs.records import ExportRequest, ImportRequest, JobRef
from worker.store.jobs.stage_state import PREVIOUS, SUPERSEDES
from worker.store.store import Store
from worker.store.workflows.claims import superseded_reason

#: Seconds for which the record of an import that was not admitted is kept; no caller knows its id.
_KEEP_REFUSED_S: Final = 3_600


def admit_import(store: Store, request: ImportRequest, *, supersedes: bool = True) -> JobRef | None:
    """Write an import's record and claim its list; once this returns, workers start on it.

    A crash between the two leaves a record that the sweep repairs. Of several calls with one id
    one has an effect; the others change nothing.

    Args:
        store: the store.
        request: the import.
        supersedes: whether it supersedes an import that still waits for its approval, which
            is stopped then; a dry run never does.

    Returns:
        The import that it superseded, so that what that one used can be freed at once.

    Raises:
        ImportInProgress: another import holds the list; nothing is left behind.
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost the list.
        StoreUnavailable: no answer. Safe to retry with a new id.
    """
    if not store.jobs.create(request, stage="claim", units=0) and _has_begun(store, request):
        return None
    store.memberships.watch(request.list_ref)
    try:
        claim = store.builds.claim(
            request.list_ref,
            request.import_id,
            waits=request.waits,
            dry_run=request.dry_run,
            supersedes=supersedes and not request.dry_run,
            kind=request.kind,
        )
    except StoreError as exc:
        if request.inbox_ms is not None:
            # Its object is still there, and will be tried again under the same id.
            store.jobs.discard(request.ref)
            raise
        store.jobs.end(
            request.ref, "stopped", reason=str(exc), keep_s=_KEEP_REFUSED_S, refused=True
        )
        store.jobs.forget(request.ref)
        raise
    if request.kind == "import":
        store.imports.add(request)
    found = [] if claim.previous is None else [PREVIOUS.entry(claim.previous)]
    older = None
    if claim.superseded is not None:
        older = JobRef("import", request.list_ref.env, claim.superseded)
        if not _has_ended(store, older):
            found.append(SUPERSEDES.entry(claim.superseded))
    store.jobs.advance(request.ref, "claim", "plan", 1, *found)
    if older is None:
        return None
    _supersede(store, older, request.import_id)
    return older


def _has_begun(store: Store, request: ImportRequest) -> bool:
    state = store.jobs.get(request.ref)
    return state.stage != "claim" or state.ended_ms is not None


def _has_ended(store: Store, older: JobRef) -> bool:
    """Whether it is a dry run that is complete, whose build is not freed yet."""
    return all(state.ended_ms is not None for state in store.jobs.get_all((older,)))


def _supersede(store: Store, older: JobRef, newer: str) -> None:
    """End an import that has lost its list; the sweep repairs a crash before this."""
    reason = superseded_reason(newer)
    store.jobs.end(older, "stopped", reason=reason, keep_s=store.job_retention_s)
    store.build_memory.release(older)


def admit_export(store: Store, request: ExportRequest) -> None:
    """Write an export's record; once this returns, workers start on it.

    Raises:
        StoreUnavailable: no answer. Safe to retry with a new id.
    """
    store.jobs.create(request, stage="write", units=1)
    store.exports.add(request)
