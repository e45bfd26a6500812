"""Rebuilds lists that edits have grown beyond their shards."""

import logging

from worker.jobs.services import Services
from worker.store import ImportInProgress, ListRef, ListUnknown, SegmentNotFound, admit_import
from worker.store.jobs import ImportRequest
from worker.store.lists import outgrows
from worker.store.workflows import builder_of

logger = logging.getLogger("bigseg.upkeep")


def reshard_list(services: Services, ref: ListRef) -> bool:
    """Start a rebuild of a list that has outgrown its shards, unless a job holds it.

    The rebuild is an import without a list file: edits go on, and it gives way to an import that a
    caller starts.

    Returns:
        Whether a rebuild was started.
    """
    try:
        state = services.store.memberships.state(ref)
    except (SegmentNotFound, ListUnknown):
        return False
    outgrown = outgrows(state.live, state.included_count, state.excluded_count)
    if not outgrown or builder_of(services.store, ref) is not None:
        return False
    now = services.clock_ms()
    request = ImportRequest(
        import_id=f"{now}-{services.random_name()[:8]}",
        list_ref=ref,
        mode="reshard",
        sources=(),
        allow_empty=True,
        created_ms=now,
    )
    try:
        admit_import(services.store, request)
    except (ImportInProgress, SegmentNotFound, ListUnknown):
        return False
    services.announce(request.ref, 1)
    return True


def reshard_outgrown(services: Services) -> int:
    """Check every list, in case a hint was lost.

    Cost: one round trip a list.

    Returns:
        Rebuilds started.
    """
    started = 0
    for env in services.store.environments.list_refs():
        for segment in services.store.segments.read_remaining(env):
            if segment.unbounded:
                started += reshard_list(services, segment.ref)
    return started
