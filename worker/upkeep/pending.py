"""Upkeep of imports that wait for an approval."""

import logging
from typing import Final

from worker.errors import TerminalError
from worker.jobs.services import Services
from worker.store import Fenced, JobState, Unsealed
from worker.store.jobs import COUNTED, WAITING_STAGE, ImportRequest
from worker.store.workflows import announce_job, builder_of, why_lost

logger = logging.getLogger("bigseg.upkeep")

#: Steps of 100 edits in one turn: two seconds' work for the server at most, a millisecond each.
_MOST_STEPS: Final = 2_000


def tend_pending(services: Services, request: ImportRequest, state: JobState) -> int:
    """Replay edits onto an import that waits; end its wait when it is over.

    The wait is over when the import is approved, when its time has run out, when too many edits
    are left to replay, or when the import no longer holds the list. One worker takes the turn
    in each sweep interval, so that the journal stays short even if some workers are down.

    Returns:
        Hints sent.
    """
    turn = f"pending:{request.ref}"
    if not services.store.jobs.take_turn(turn, int(services.settings.sweep_s * 1000)):
        return 0
    try:
        return _tend(services, request, state)
    except Fenced:
        return _end(services, request, why_lost(services.store, request))
    except TerminalError as exc:
        # A full server takes no edits either; the next turn may find room.
        logger.warning("pending.postponed", extra={"job": str(request.ref), "reason": str(exc)})
        return 0


def _tend(services: Services, request: ImportRequest, state: JobState) -> int:
    store, list_ref = services.store, request.list_ref
    if builder_of(store, list_ref) != request.ref:
        if store.builds.published(list_ref, request.import_id) is not None:
            return _resume(services, request)
        return _end(services, request, why_lost(store, request))
    announce_job(store, state)  # its worker may have died before it could
    why = _reason_to_end(services, request, state)
    if why is None:
        return _replay(services, request)
    if store.builds.cancel(list_ref, request.import_id, unapproved=True):
        # It has just been approved.
        return _resume(services, request)
    return _end(services, request, why)


def _reason_to_end(services: Services, request: ImportRequest, state: JobState) -> str | None:
    settings, since_ms = services.settings, state.entered.get(WAITING_STAGE)
    if since_ms is not None and services.clock_ms() - since_ms > settings.approval_ttl * 1000:
        return f"nobody approved it within {settings.approval_ttl:g} s (BIGSEG_APPROVAL_TTL)"
    ops, most = services.store.builds.journal_ops(request.list_ref), settings.approval_journal_ops
    if ops > most:
        return (
            f"{ops:,} edits were left to replay while it waited for its approval, "
            f"over {most:,} (BIGSEG_APPROVAL_JOURNAL_OPS)"
        )
    return None


def _replay(services: Services, request: ImportRequest) -> int:
    store = services.store
    counted = store.jobs.read(request.ref, COUNTED)
    if counted is None:
        return _resume(services, request)
    for _ in range(_MOST_STEPS):
        try:
            held = store.builds.hold(
                request.list_ref,
                request.import_id,
                counts=counted.counts,
                seal=counted.seal,
            )
        except Unsealed:
            # The server has gone back to an earlier state, so the build has to be counted again.
            return _resume(services, request)
        if held is None:
            return _resume(services, request)
        store.jobs.note_edited(request.ref, held.edited(request.side))
        if not held.more:
            break
    return 0


def _resume(services: Services, request: ImportRequest) -> int:
    services.store.jobs.resume(request.ref)
    services.announce(request.ref, 1)
    return 1


def _end(services: Services, request: ImportRequest, reason: str) -> int:
    """End the job; the worker that takes the hint frees what it used."""
    keep_s = services.settings.job_retention_s
    if services.store.jobs.end(request.ref, "stopped", reason=reason, keep_s=keep_s):
        logger.warning("import.stopped", extra={"job": str(request.ref), "reason": reason})
    services.announce(request.ref, 1)
    return 1
