"""Admitting an import, however its list arrives: its request, its conflicts, its audit entry."""

from datetime import UTC, datetime

from api.errors import NotFound
from api.jobs.options import ImportOptions
from api.jobs.starting import Start
from worker.guard_options import GuardOptions
from worker.list_options import ListOptions
from worker.store import (
    ImportInProgress,
    ImportRequest,
    JobNotFound,
    JobRef,
    SourceFile,
    Store,
    admit_import,
)


def import_request(
    import_id: str, source: SourceFile, options: ImportOptions, start: Start
) -> ImportRequest:
    """The request of an import by this caller, now."""
    return ImportRequest(
        import_id,
        start.ref,
        options.mode,
        (source,),
        options.allow_empty,
        start.services.clock(),
        start.caller.name,
        options.wait_on_approvals,
        options.allow_rejected,
        options.allow_shrink,
        options.reading,
        options.guards,
        options.dry_run,
    )


def require_free(start: Start, *, supersedes: bool = True) -> None:
    """Make sure that no import holds the list but one that a new import supersedes.

    Args:
        start: Of the new import.
        supersedes: Whether it does: a dry run supersedes none.

    Raises:
        ImportInProgress: one does; says which.
        SegmentNotFound: the list was deleted.
    """
    store = start.services.store()
    state = store.memberships.state(start.ref)
    if state.building is not None and not (supersedes and state.unapproved):
        raise _conflict(store, start, state.building)


def admit(start: Start, request: ImportRequest) -> None:
    """Admit an import, record it in the audit log and announce it to the worker.

    Raises:
        ImportInProgress: another one holds the list; says which.
        SegmentNotFound: the list was deleted.
        NotFound: it would have to be made for a dry run.
        StoreUnavailable: no answer; it may have been admitted.
    """
    services = start.services
    if request.dry_run and start.is_new:
        raise NotFound(f"{start.owner} is not there, and a dry run makes none")
    try:
        superseded = admit_import(services.store(), request)
    except ImportInProgress:
        require_free(start, supersedes=not request.dry_run)
        raise  # the other one has ended since
    _record(start, request)
    services.work.work(request.ref)
    if superseded is not None:
        services.work.work(superseded)


def _record(start: Start, request: ImportRequest) -> None:
    """Record the start in the audit log; how the import ends is in its own record.

    A dry run changes nothing, so it is not recorded.
    """
    if request.dry_run:
        return
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
        **_describe_guards(request.guards),
        **_describe_reading(request.reading),
    }
    start.record(
        "createBigSegmentImport",
        "started an import into the segment",
        {name: value for name, value in after.items() if value is not None},
    )


def _describe_guards(guards: GuardOptions) -> dict[str, str | float | None]:
    """What was said of the guards, apart from what is usual."""
    return {
        "onGuard": None if guards.on_guard == "pend" else guards.on_guard,
        "onWarning": guards.on_warning,
        "maxRejectedShare": guards.max_rejected_share,
        "maxWarningShare": guards.max_warning_share,
        "maxShrinkShare": guards.max_shrink_share,
        "maxGrowthShare": guards.max_growth_share,
    }


def _describe_reading(reading: ListOptions) -> dict[str, str | bool | None]:
    """What was said of the list, without the text that may be a key."""
    return {
        "format": reading.format,
        "delimiter": reading.delimiter,
        "header": reading.header,
        "column": reading.column,
        "compression": reading.compression,
        "encoding": reading.encoding,
        "trim": reading.trim or None,
        "lowercase": reading.lowercase or None,
    }


def _conflict(store: Store, start: Start, import_id: str) -> ImportInProgress:
    """The refusal of an import because of another one.

    It says enough for a caller to recognise its own import, whose answer was lost: the id, the
    mode, the list and the start time.

    Cost: one round trip.
    """
    message = f"{start.owner} has an import running: {import_id}"
    try:
        request = store.jobs.get(JobRef("import", start.ref.env, import_id)).request
    except JobNotFound:
        return ImportInProgress(message)
    if not isinstance(request, ImportRequest):
        return ImportInProgress(message)
    started = datetime.fromtimestamp(request.created_ms // 1_000, UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    files = ", ".join(source.filename[:80] for source in request.sources)
    return ImportInProgress(f"{message} ({request.mode} of {files}, started {started})")
