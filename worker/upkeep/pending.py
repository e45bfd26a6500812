"""Looking after imports that are built and wait for their approval."""

import logging
from typing import Final

from worker.errors import TerminalError
from worker.jobs.services import Context
from worker.store import Fenced, Unsealed
from worker.store.jobs.records import WAITING_STAGE, ImportRequest
from worker.store.workflows.approval import go_on, note_edited
from worker.store.workflows.claims import why_lost
from worker.store.workflows.reclaiming import building_of

logger = logging.getLogger("bigseg.upkeep")

#: Steps of 5,000 edits in one turn: a second's work for the server at most.
_MOST_STEPS: Final = 40


def look_after(context: Context, request: ImportRequest) -> int:
    """Replay edits onto an import that waits; end its wait when it is over.

    It is over when somebody has approved the import, when nobody has for too long, when too
    many edits are left to replay, or when the list is another's or gone. Each sweep's time one
    worker has the turn, so that the journal stays short whoever is down.

    Returns:
        Hints sent.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    turn = f"pending:{request.ref}"
    if not context.store.jobs.take_turn(turn, int(context.settings.sweep_s * 1000)):
        return 0
    try:
        return _look(context, request)
    except Fenced:
        return _end(context, request, why_lost(context.store, request))
    except TerminalError as exc:
        # A full server takes no edits either; the next turn may find it otherwise.
        logger.warning("pending.postponed", extra={"job": str(request.ref), "reason": str(exc)})
        return 0


def _look(context: Context, request: ImportRequest) -> int:
    store, list_ref = context.store, request.list_ref
    if building_of(store, list_ref) != request.import_id:
        if store.builds.published(list_ref, request.import_id) is not None:
            return _go_on(context, request)
        return _end(context, request, why_lost(store, request))
    why = _why_over(context, request)
    if why is None:
        return _replay(context, request)
    if store.builds.cancel(list_ref, request.import_id, unapproved=True):
        # Approved in the same moment, which counts.
        return _go_on(context, request)
    return _end(context, request, why)


def _why_over(context: Context, request: ImportRequest) -> str | None:
    settings, store = context.settings, context.store
    since = (store.jobs.field(request.ref, "entered") or {}).get(WAITING_STAGE)
    if since is not None and context.clock_ms() - since > settings.approval_ttl * 1000:
        return f"nobody approved it within {settings.approval_ttl:g} s (BIGSEG_APPROVAL_TTL)"
    ops, most = store.builds.journal_ops(request.list_ref), settings.approval_journal_ops
    if ops > most:
        return (
            f"{ops:,} edits were left to replay while it waited for its approval, "
            f"over {most:,} (BIGSEG_APPROVAL_JOURNAL_OPS)"
        )
    return None


def _replay(context: Context, request: ImportRequest) -> int:
    store = context.store
    counted = store.jobs.field(request.ref, "counted")
    included, excluded = counted["counts"]
    for _ in range(_MOST_STEPS):
        try:
            held = store.builds.hold(
                request.list_ref,
                request.import_id,
                counts=(included, excluded),
                seal=counted["seal"],
            )
        except Unsealed:
            # The server has gone back to an earlier state: what is there is to be counted anew.
            return _go_on(context, request)
        if held is None:
            return _go_on(context, request)
        note_edited(store, request.ref, held.edited_included)
        if not held.more:
            break
    return 0


def _go_on(context: Context, request: ImportRequest) -> int:
    go_on(context.store, request.ref)
    context.announce(request.ref, 1)
    return 1


def _end(context: Context, request: ImportRequest, reason: str) -> int:
    """End the job; whoever takes the hint frees what it used."""
    keep_s = context.settings.job_retention_s
    if context.store.jobs.end(request.ref, "stopped", reason=reason, keep_s=keep_s):
        logger.warning("import.stopped", extra={"job": str(request.ref), "reason": reason})
    context.announce(request.ref, 1)
    return 1
