"""Freeing memory and files that nobody reads any more."""

import logging

from worker.jobs.services import Context
from worker.objects.layout import export_prefix
from worker.store import JobNotFound, JobRef, ListRef
from worker.store.jobs.records import ExportRequest
from worker.store.server import driver_errors
from worker.store.workflows.deleting import finish_deletions
from worker.store.workflows.reclaiming import building_of, lists_to_reclaim, reclaim_list

logger = logging.getLogger("bigseg.upkeep")


def tidy_lists(context: Context) -> int:
    """Retire and free revisions, abandoned builds and deleted lists.

    Bounded steps on the server; safe to run twice at once and to interrupt.

    Returns:
        Shards freed.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    freed = 0
    for scope in context.store.environments.scopes():
        for ref in lists_to_reclaim(context.store, scope):
            _release_dead_claim(context, ref)
            freed += reclaim_list(context.store, ref)
    return freed


def finish_deleted(context: Context) -> int:
    """Go on with deletions of environments and projects that are not finished.

    Returns:
        Places whose last trace was removed.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    return finish_deletions(context.store)


def _release_dead_claim(context: Context, ref: ListRef) -> None:
    """Take the list from an import whose job has ended or is gone."""
    holder = building_of(context.store, ref)
    if holder is None or _is_running(context, JobRef("import", ref.scope, holder)):
        return
    # Looked at twice: the job's record is written before its claim, never after.
    if building_of(context.store, ref) == holder:
        context.store.builds.cancel(ref, holder)
        logger.warning("claim.released", extra={"list": ref.name, "import": holder})


def _is_running(context: Context, ref: JobRef) -> bool:
    try:
        return context.store.jobs.get(ref).ended_ms is None
    except JobNotFound:
        return False


def expire_exports(context: Context) -> int:
    """Delete exported files whose time is over.

    Returns:
        Exports deleted.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
        ObjectStoreUnavailable: no answer from the bucket. Safe to retry.
    """
    key = context.store.keyspace.expiring_exports()
    with driver_errors("list expiring exports"):
        due = context.store.client.zrangebyscore(key, 0, context.clock_ms(), start=0, num=100)
    for text in due:
        ref = JobRef.parse(text.decode())
        _delete_export(context, ref)
        with driver_errors(f"expire {ref}"):
            context.store.client.zrem(key, text)
    return len(due)


def _delete_export(context: Context, ref: JobRef) -> None:
    try:
        request = context.store.jobs.get(ref).request
    except JobNotFound:
        return
    if isinstance(request, ExportRequest):
        scope = (request.list_ref.project, request.list_ref.environment, request.list_ref.segment)
        context.objects.delete_prefix(export_prefix(scope, request.export_id))
