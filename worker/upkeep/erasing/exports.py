"""What of an erasure is in files of exports: in bigseg's own prefix and at destinations."""

import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from worker.errors import TransientError
from worker.jobs.export_place import ExportPlace
from worker.jobs.services import Services
from worker.objects import ObjectError
from worker.store import EnvironmentRef, JobNotFound, JobRef, ListRef, UnreadableRecord
from worker.store.jobs import FILES_DELETED, ExportRequest
from worker.store.schedules import ExportSchedule, KeptFiles
from worker.upkeep.erasing.jobs import request_of

logger = logging.getLogger("bigseg.upkeep")

#: An export that was stopped has files if it might not delete what it had written.
_ENDED: Final = ("complete", "stopped")


def find_exports(services: Services, env: EnvironmentRef, but: Collection[ListRef]) -> set[str]:
    """Ids of the exports that may have files, as far as there is a record of them.

    Of those at destinations these are the newest 1,000 of the environment and 100 of each list, and
    all that schedules keep.

    Cost: a few round trips, two for each list, one for each schedule and each export that has
    files.

    Args:
        services: Whose store it is.
        env: The environment.
        but: Lists whose exports are of no concern.
    """
    store, found = services.store, set[str]()
    for ref in store.export_files.listed(env):
        request = request_of(services, ref)
        if request is not None and request.list_ref not in but:
            found.add(ref.job_id)
    lists = [each.ref for each in store.segments.read_remaining(env) if each.unbounded]
    owners: list[ListRef | EnvironmentRef] = [env, *(ref for ref in lists if ref not in but)]
    for owner in owners:
        for overview in store.exports.overviews(owner):
            request = overview.request
            if request.list_ref in but or request.options.destination is None:
                continue
            if overview.status in _ENDED and _has_files(services, request.ref):
                found.add(request.export_id)
    kept = _kept(services, env)
    return found | {name for name, (_, each) in kept if each.request.list_ref not in but}


def delete_exports(services: Services, env: EnvironmentRef, ids: Collection[str]) -> set[str]:
    """Delete the files of exports that have ended. Safe to repeat and to interrupt.

    Cost: a few requests for each.

    Returns:
        Those whose files stay, because bigseg may not delete at their destination.

    Raises:
        TransientError: the bucket or the store did not answer. Safe to retry.
    """
    kept, left = dict(_kept(services, env)) if ids else {}, set[str]()
    for export_id in sorted(ids):
        ref = JobRef("export", env, export_id)
        request = _request(services, ref, kept)
        if request is None:
            services.store.export_files.forget(ref)
        elif _clear(services, request):
            _note_deleted(services, ref, kept)
        else:
            left.add(export_id)
    return left


def _has_files(services: Services, ref: JobRef) -> bool:
    try:
        return services.store.jobs.get(ref).files_deleted_ms is None
    except (JobNotFound, UnreadableRecord):
        return False


def _clear(services: Services, request: ExportRequest) -> bool:
    place = ExportPlace.of(services.objects.bucket, request)
    try:
        return place.clear(services.objects)
    except ObjectError as exc:
        if place.is_own or isinstance(exc, TransientError):
            raise
        # Such as a bucket that is gone: it is the same at the next turn.
        logger.warning("export.undeleted", extra={"reason": str(exc)})
        return False


def _note_deleted(
    services: Services, ref: JobRef, kept: Mapping[str, tuple[ExportSchedule, KeptFiles]]
) -> None:
    store = services.store
    if request_of(services, ref) is not None:
        store.jobs.write(ref, FILES_DELETED, services.clock_ms())
    store.export_files.forget(ref)
    if ref.job_id in kept:
        store.export_schedules.drop(*kept[ref.job_id])


def _request(
    services: Services, ref: JobRef, kept: Mapping[str, tuple[ExportSchedule, KeptFiles]]
) -> ExportRequest | None:
    """What an export was asked for; a schedule knows it longer than its own record."""
    request = request_of(services, ref)
    if isinstance(request, ExportRequest):
        return request
    return kept[ref.job_id][1].request if ref.job_id in kept else None


def _kept(
    services: Services, env: EnvironmentRef
) -> Iterator[tuple[str, tuple[ExportSchedule, KeptFiles]]]:
    schedules = services.store.export_schedules
    for stored in schedules.read_all(env):
        for files in schedules.kept(stored.value):
            yield files.request.export_id, (stored.value, files)
