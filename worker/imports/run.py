"""Working on an import: take a unit, do it, say what comes next."""

import logging
from collections.abc import Callable
from typing import Any, Final

from worker.errors import TerminalError, TransientError
from worker.imports.errors import ImportStopped
from worker.imports.finish import complete_import, stop_import, tidy_up
from worker.imports.stage_run import StageRun
from worker.imports.stages import (
    open_next,
    run_gather,
    run_plan,
    run_publish,
    run_scatter,
    run_size,
)
from worker.jobs.errors import LeaseLost
from worker.jobs.memory import out_of_memory_reason
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Context
from worker.lists.errors import DecoderLost
from worker.store import Fenced, JobNotFound, ListUnknown, SegmentNotFound
from worker.store.jobs.jobs import Taken
from worker.store.jobs.records import Drained, Ended, Exhausted, ImportRequest, JobRef, Unit
from worker.store.workflows.claims import DELETED, is_deleted, why_lost

logger = logging.getLogger("bigseg.imports")

#: Pause before a unit is tried again, doubled with each try.
_FIRST_PAUSE_MS: Final = 500
_LONGEST_PAUSE_MS: Final = 15_000

_STAGES: Final[dict[str, Callable[[StageRun], int]]] = {
    "plan": run_plan,
    "scatter": run_scatter,
    "size": run_size,
    "gather": run_gather,
    "publish": run_publish,
}


def work_on_import(context: Context, ref: JobRef) -> bool:
    """Do one unit of an import, if one is to be had.

    Safe to run any number of times and by any number of workers: a unit is done under a
    lease, and what it does can be repeated.

    Returns:
        Whether there may be more to do, so that the caller should come again.

    Raises:
        StoreUnavailable: the store does not answer; the sweep will come back to it.
        MemoryError: the import is stopped; this process had better end.
    """
    unit = _take(context, ref)
    if isinstance(unit, Drained):
        open_next(context, ref, unit)
        unit = _take(context, ref)
    if unit is None or (isinstance(unit, Ended) and not context.store.jobs.is_active(ref)):
        return False
    try:
        request = context.store.jobs.get(ref).request
    except JobNotFound:
        return False
    if not isinstance(request, ImportRequest):
        message = f"{ref} is no import"
        raise ImportStopped(message)
    match unit:
        case Unit():
            return _do(context, request, unit)
        case Exhausted():
            stop_import(context, request, _exhausted_reason(context, ref, unit))
        case Ended():
            tidy_up(context, request)
    return False


def _take(context: Context, ref: JobRef) -> Taken | None:
    settings = context.settings
    return context.store.jobs.take(
        ref, lease_ms=int(settings.lease_s * 1000), most_tries=settings.unit_tries
    )


def _do(context: Context, request: ImportRequest, unit: Unit) -> bool:
    ref = request.ref
    run = StageRun(context, request, unit, UnitProgress(context, ref, unit))
    try:
        published = context.store.builds.published(request.list_ref, request.import_id)
        if published is not None:
            complete_import(context, request, published)
            return False
        hints = _STAGES[unit.stage](run)
    except LeaseLost:
        logger.info("unit.lost", extra=_facts(ref, unit))
        return True
    except (TerminalError, TransientError) as exc:
        return _fail(context, request, unit, exc)
    except MemoryError as exc:
        stop_import(context, request, out_of_memory_reason(unit, exc))
        raise
    except Exception as exc:
        # Its text may hold a context key, so only its kind is kept.
        _give_back(context, ref, unit, f"unexpected {type(exc).__name__}", exc)
        raise
    if hints:
        context.announce(ref, hints)
    return True


def _fail(
    context: Context, request: ImportRequest, unit: Unit, exc: TerminalError | TransientError
) -> bool:
    """Stop the import, or have its unit tried again; whether there may be more to do."""
    if isinstance(exc, Fenced):
        stop_import(context, request, why_lost(context.store, request))
    elif isinstance(exc, SegmentNotFound | ListUnknown) and is_deleted(context.store, request):
        stop_import(context, request, DELETED)
    elif isinstance(exc, TerminalError) or (isinstance(exc, DecoderLost) and unit.attempt > 1):
        # What kills a decoder twice may be the file, by the host's memory say.
        stop_import(context, request, str(exc))
    else:
        _give_back(context, request.ref, unit, str(exc), exc)
        return True
    return False


def _give_back(context: Context, ref: JobRef, unit: Unit, why: str, exc: Exception) -> None:
    pause = min(_LONGEST_PAUSE_MS, _FIRST_PAUSE_MS << (unit.attempt - 1))
    facts = _facts(ref, unit) | {"error": type(exc).__name__, "pause_ms": pause}
    logger.warning("unit.failed", extra=facts)
    context.store.jobs.put_field(ref, "last_error", why)
    context.store.jobs.give_back(ref, unit, pause_ms=pause)


def _exhausted_reason(context: Context, ref: JobRef, unit: Exhausted) -> str:
    last = context.store.jobs.field(ref, "last_error") or "the worker died each time"
    return f"gave up after {unit.tries} tries at {unit.stage} {unit.number}: {last}"


def _facts(ref: JobRef, unit: Unit) -> dict[str, Any]:
    return {
        "job": str(ref),
        "stage": unit.stage,
        "unit": unit.number,
        "attempt": unit.attempt,
    }
