"""Admitting an import, however its list arrives: its request, its conflicts, its audit entry."""

from collections.abc import Sequence

from api.errors import InvalidRequest, NotFound
from api.jobs.options import ImportOptions
from api.jobs.running import import_in_progress
from api.jobs.starting import Start
from worker.store import (
    EXCLUDED,
    START_ACTION,
    START_VERB,
    ImportInProgress,
    ImportRequest,
    SourceFile,
    admit_import,
    summarise_start,
)


def import_request(
    import_id: str, sources: Sequence[SourceFile], options: ImportOptions, start: Start
) -> ImportRequest:
    """The request of an import by this caller, now.

    Raises:
        InvalidRequest: it is meant for excluded keys, and there is no list of them.
    """
    if options.target == EXCLUDED and not start.has_excluded:
        raise InvalidRequest(
            "target: an attached list has no excluded keys; import into the list of the other side"
        )
    return ImportRequest(
        import_id,
        start.ref,
        options.mode,
        tuple(sources),
        options.allow_empty,
        start.services.clock(),
        start.caller.name,
        options.wait_on_approvals,
        options.allow_rejected,
        options.allow_shrink,
        options.reading,
        options.target,
        guards=options.guards,
        allow_erased=options.allow_erased,
        dry_run=options.dry_run,
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
        raise import_in_progress(store, start.owner, start.ref, state.building)


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
    if not request.dry_run:
        start.record(START_ACTION, START_VERB, summarise_start(request))
