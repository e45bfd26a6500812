"""Admitting an import, however its list arrives: its request, its obstacles, its audit record."""

from datetime import UTC, datetime

from api.access.auth import Caller
from api.audit import audit_segment
from api.jobs.options import ImportOptions
from api.services.services import Services
from worker.store import (
    ImportInProgress,
    ImportRequest,
    JobNotFound,
    JobRef,
    Segment,
    SourceFile,
    Store,
    admit_import,
)


def import_request(
    import_id: str,
    segment: Segment,
    source: SourceFile,
    options: ImportOptions,
    services: Services,
    caller: Caller,
) -> ImportRequest:
    """An import made now by this caller."""
    return ImportRequest(
        import_id,
        segment.ref,
        options.mode,
        (source,),
        options.allow_empty,
        services.clock(),
        caller.name,
        options.wait_on_approvals,
        options.allow_rejected,
        options.allow_shrink,
    )


def require_free(store: Store, segment: Segment) -> None:
    """Make sure that no import holds the list, or only one that gives way.

    Raises:
        ImportInProgress: one does; says which.
        SegmentNotFound: the list was deleted.
        StoreUnavailable: no answer. Safe to retry.
    """
    state = store.memberships.state(segment.ref)
    if state.building is not None and not state.unapproved:
        raise _running(store, segment, state.building)


def admit(services: Services, caller: Caller, segment: Segment, request: ImportRequest) -> None:
    """Let an import in, put it on record and have it worked on.

    Raises:
        ImportInProgress: another one holds the list; says which.
        SegmentNotFound: the list was deleted.
        StoreUnavailable: no answer; it may have been let in.
    """
    store = services.store()
    try:
        superseded = admit_import(store, request)
    except ImportInProgress:
        require_free(store, segment)
        raise  # the one that was in the way has ended since
    _announce(services, caller, segment, request, superseded)


def _announce(
    services: Services,
    caller: Caller,
    segment: Segment,
    request: ImportRequest,
    superseded: JobRef | None,
) -> None:
    """Put the start on record; have the import worked on, and the one that gave way ended."""
    _record(services, caller, segment, request)
    services.work.work(request.ref)
    if superseded is not None:
        services.work.work(superseded)


def _record(services: Services, caller: Caller, segment: Segment, request: ImportRequest) -> None:
    """Put the start of an import on record; how it ends is in the import's own record."""
    source = request.sources[0]
    after = {
        "importId": request.import_id,
        "mode": request.mode,
        "source": source.filename,
        "sizeBytes": source.size_bytes,
        "allowEmpty": request.allow_empty,
        "waitOnApprovals": request.waits or None,
        "allowRejected": request.allow_rejected or None,
        "allowShrink": request.allow_shrink or None,
    }
    audit_segment(
        services,
        caller,
        segment,
        action="createBigSegmentImport",
        verb="started an import into the segment",
        after={name: value for name, value in after.items() if value is not None},
    )


def _running(store: Store, segment: Segment, import_id: str) -> ImportInProgress:
    """The refusal of an import because of another one.

    It says enough for a caller to recognise its own import, whose answer was lost: the id, the
    mode and list, and when it was started.

    Cost: one round trip.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    said = f"segment {segment.key} has an import running: {import_id}"
    try:
        request = store.jobs.get(JobRef("import", segment.scope, import_id)).request
    except JobNotFound:
        return ImportInProgress(said)
    if not isinstance(request, ImportRequest):
        return ImportInProgress(said)
    started = datetime.fromtimestamp(request.created_ms // 1_000, UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    files = ", ".join(one.filename[:80] for one in request.sources)
    return ImportInProgress(f"{said} ({request.mode} of {files}, started {started})")
