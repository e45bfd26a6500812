"""The periodic chores, each taking its turn in Redis so that several beats do no harm."""

import logging
from collections.abc import Callable

from worker.errors import TerminalError, TransientError
from worker.imports.run import discard_files
from worker.inbox import look_into_inbox
from worker.jobs.services import Services
from worker.schedules import run_schedules
from worker.store import JobNotFound, JobRef, UnreadableRecord
from worker.store.monitoring import CHORES_POSTPONED
from worker.tasks.work import work_on
from worker.upkeep.erasing import erase_keys, forget_erased_keys
from worker.upkeep.expiry import mend_hints
from worker.upkeep.reshard import reshard_outgrown
from worker.upkeep.spills import sweep_spills
from worker.upkeep.survey import SURVEY_MS, survey_store
from worker.upkeep.sweep import sweep_jobs
from worker.upkeep.tidy import expire_exports, expire_rejected, finish_deleted, tidy_lists
from worker.upkeep.uploads import expire_uploads
from worker.upkeep.webhooks import watch_webhooks

logger = logging.getLogger("bigseg.upkeep")


Chore = Callable[[Services], int]


def chores(sweep_ms: int) -> tuple[tuple[Chore, int], ...]:
    """Every chore, and the milliseconds between two turns at it; 0: each time."""
    return (
        (sweep_jobs, 0),
        (free_ended, 0),
        (tidy_lists, sweep_ms),
        (finish_deleted, 10 * sweep_ms),
        (expire_exports, 60_000),
        (expire_rejected, sweep_ms),
        (expire_uploads, 60_000),
        (sweep_late_spills, 600_000),
        (erase_due, 0),
        (forget_erased_keys, 600_000),
        (reshard_outgrown, 10 * sweep_ms),
        (mend_hints, 10 * sweep_ms),
        (watch_webhooks, 10 * sweep_ms),
        (look_into_inbox, 0),
        (run_schedules, 0),
        (survey_store, SURVEY_MS),
    )


def tend(services: Services) -> None:
    """Do every chore whose turn it is.

    An error of one chore does not keep the others from running; a chore that failed
    runs again soon.
    """
    for chore, every_ms in chores(int(services.settings.sweep_s * 1000)):
        name = chore.__name__
        try:
            if every_ms == 0 or services.store.jobs.take_turn(name, every_ms):
                chore(services)
        except (TransientError, TerminalError) as exc:
            # A chore that fails must not keep the others from freeing memory.
            services.store.counting.add(CHORES_POSTPONED, name)
            logger.warning("chore.postponed", extra={"chore": name, "reason": str(exc)})


def erase_due(services: Services) -> int:
    """Continue erasures; see :func:`erase_keys`."""
    return erase_keys(services, discard_files)


def sweep_late_spills(services: Services) -> int:
    """Delete what late tries left behind; see :func:`sweep_spills`."""
    return sweep_spills(services, discard_files)


def free_ended(services: Services) -> int:
    """Free what ended jobs used, because all workers may be busy or down.

    A job that has just ended may be freed by a worker at the same time, which does no harm. An
    error about one job is logged and does not delay the others.

    Returns:
        Jobs that were visited.
    """
    jobs = services.store.jobs
    active = [ref for env in services.store.environments.list_refs() for ref in jobs.active(env)]
    return sum(_free_if_ended(services, ref) for ref in active)


def _free_if_ended(services: Services, ref: JobRef) -> bool:
    jobs, sweep_ms = services.store.jobs, int(services.settings.sweep_s * 1000)
    try:
        if jobs.get(ref).ended_ms is None or not jobs.take_turn(f"free:{ref}", sweep_ms):
            return False
        work_on(services, ref)
    except (JobNotFound, UnreadableRecord):
        # The sweep forgets it.
        return False
    except (TransientError, TerminalError) as exc:
        logger.warning("job.postponed", extra={"job": str(ref), "reason": str(exc)})
        return False
    return True
