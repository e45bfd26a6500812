"""Frees memory and files that are no longer read."""

import logging

from worker.jobs.export_place import ExportPlace
from worker.jobs.services import Services
from worker.objects import rejected_prefix
from worker.store import JobNotFound, JobRef, ListRef, UnreadableRecord
from worker.store.jobs import FILES_DELETED, ExportRequest
from worker.store.workflows import (
    builder_of,
    finish_deletions,
    free_kept_on_full_servers,
    lists_to_tidy,
    reclaim_list,
    settle_lists,
)

logger = logging.getLogger("bigseg.upkeep")


def tidy_lists(services: Services) -> int:
    """Retire and free revisions, abandoned builds and deleted lists.

    Kept revisions stay as long as the settings say, and as long as memory permits. Bounded steps
    on the server; safe to run concurrently and to interrupt.

    Returns:
        Shards freed.
    """
    freed, store, keep = 0, services.store, services.retention
    for env in store.environments.list_refs():
        for ref in lists_to_tidy(store, env, keep):
            _release_dead_claim(services, ref)
            freed += reclaim_list(store, ref, keep)
    return freed + free_kept_on_full_servers(store, keep, services.settings.kept_memory_share)


def finish_deleted(services: Services) -> int:
    """Continue unfinished deletions of environments and projects, and of attached lists.

    Returns:
        Environments, projects and attached lists that were removed.
    """
    return finish_deletions(services.store) + settle_lists(services.store)


def _release_dead_claim(services: Services, ref: ListRef) -> None:
    """Cancel the claim of an import whose job has ended or is gone."""
    holder = builder_of(services.store, ref)
    if holder is None or _is_running(services, holder):
        return
    # Read twice: the job's record is written before its claim, never after.
    if builder_of(services.store, ref) == holder:
        services.store.builds.cancel(ref, holder.job_id)
        logger.warning("claim.released", extra={"list": ref.name, "job": str(holder)})


def _is_running(services: Services, ref: JobRef) -> bool:
    try:
        return services.store.jobs.get(ref).ended_ms is None
    except (JobNotFound, UnreadableRecord):
        return False


def expire_exports(services: Services) -> int:
    """Delete exported files that have expired, and those of exports that callers have deleted.

    Files at a destination are theirs who read them: only a caller deletes those.

    Returns:
        Exports deleted.
    """
    due = services.store.export_files.expired(services.clock_ms())
    for ref in due:
        _delete_file(services, ref)
        services.store.export_files.forget(ref)
    return len(due)


def expire_rejected(services: Services) -> int:
    """Delete the files of rejected rows that have expired, or whose list is deleted.

    Returns:
        Imports whose file was deleted, or would have been.
    """
    due = services.store.rejected_files.expired(services.clock_ms())
    for ref in due:
        services.objects.delete_prefix(rejected_prefix(ref.owner, ref.import_id))
        services.store.rejected_files.forget(ref)
    return len(due)


def _delete_file(services: Services, ref: JobRef) -> None:
    try:
        state = services.store.jobs.get(ref)
    except (JobNotFound, UnreadableRecord):
        return
    if not isinstance(state.request, ExportRequest):
        return
    place = ExportPlace.of(services.objects.bucket, state.request)
    is_due = place.is_own or state.status == "stopped" or state.discarded_by is not None
    # Where bigseg may not delete they stay, and the receipt of an erasure is to say so.
    if is_due and place.clear(services.objects):
        services.store.jobs.write(ref, FILES_DELETED, services.clock_ms())
