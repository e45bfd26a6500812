"""Giving lists that have grown by edits more shards."""

import logging

from worker.jobs.services import Context
from worker.store import ImportInProgress, ListRef, ListUnknown, SegmentNotFound, admit_import
from worker.store.jobs.records import ImportRequest
from worker.store.lists import RESHARD_PREFIX, outgrows
from worker.store.workflows.reclaiming import building_of

logger = logging.getLogger("bigseg.upkeep")


def reshard_list(context: Context, ref: ListRef) -> bool:
    """Start a rebuild of a list that has outgrown its shards, unless it is being built.

    The rebuild is an import without a list file: edits go on, and an import that a caller
    starts takes its place.

    Returns:
        Whether a rebuild was started.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    try:
        state = context.store.memberships.state(ref)
    except (SegmentNotFound, ListUnknown):
        return False
    outgrown = outgrows(state.live, state.included_count, state.excluded_count)
    if not outgrown or building_of(context.store, ref) is not None:
        return False
    now = context.clock_ms()
    request = ImportRequest(
        import_id=f"{RESHARD_PREFIX}{now}-{context.tokens()[:8]}",
        list_ref=ref,
        mode="reshard",
        sources=(),
        allow_empty=True,
        created_ms=now,
    )
    try:
        admit_import(context.store, request)
    except (ImportInProgress, SegmentNotFound, ListUnknown):
        return False
    context.announce(request.ref, 1)
    return True


def reshard_outgrown(context: Context) -> int:
    """Look at every list; catches the ones whose hint was lost.

    Cost: one round trip a list.

    Returns:
        Rebuilds started.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    started = 0
    for scope in context.store.environments.scopes():
        for segment in context.store.segments.found_in(scope):
            if segment.unbounded:
                started += reshard_list(context, segment.ref)
    return started
