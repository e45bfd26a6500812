"""The periodic chores, each taking its turn in Redis so that several beats do no harm."""

import logging
from collections.abc import Callable

from worker.errors import TerminalError, TransientError
from worker.jobs.services import Services
from worker.store.monitoring import CHORES_POSTPONED
from worker.upkeep.expiry import mend_hints
from worker.upkeep.reshard import reshard_outgrown
from worker.upkeep.survey import SURVEY_MS, survey_store
from worker.upkeep.sweep import sweep_jobs
from worker.upkeep.tidy import expire_exports, expire_rejected, finish_deleted, tidy_lists

logger = logging.getLogger("bigseg.upkeep")


Chore = Callable[[Services], int]


def chores(sweep_ms: int) -> tuple[tuple[Chore, int], ...]:
    """Every chore, and the milliseconds between two turns at it; 0: each time."""
    return (
        (sweep_jobs, 0),
        (tidy_lists, sweep_ms),
        (finish_deleted, 10 * sweep_ms),
        (expire_exports, 60_000),
        (expire_rejected, sweep_ms),
        (reshard_outgrown, 10 * sweep_ms),
        (mend_hints, 10 * sweep_ms),
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
