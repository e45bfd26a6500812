"""A clock in every worker, so that a target expires in time however busy the tasks are."""

import logging
from typing import Any, Final

from worker.store import Store, open_store
from worker.tasks.process_services import ProcessServices
from worker.tasks.worker_thread import WorkerThread
from worker.upkeep.expiry import expire_due

logger = logging.getLogger("bigseg.upkeep")

#: Seconds between two checks: with the time that one takes, well under the second by which a
#: target may outlive its time.
_CHECK_EVERY_S: Final = 0.2
_AFTER_ERROR_S: Final = 1.0
#: The least pause after a check that found something, so that the server is not polled in a loop.
_LEAST_WAIT_S: Final = 0.005


class ExpiryClock(WorkerThread):
    """Checks at once, and then several times a second."""

    thread_name = "expiry-clock"

    def run(self, process: ProcessServices, app: Any) -> None:  # noqa: ANN401 - Celery is untyped
        """Remove what is due, again and again."""
        store: Store | None = None
        wait_s = 0.0
        while not self.stopped.wait(wait_s):
            try:
                store = store or open_store(process.settings)
                wait_s = _pause_s(expire_due(store))
            except Exception as exc:  # noqa: BLE001 - a clock that ends would keep targets for ever
                # What is due stays due; the next check finds it.
                logger.warning("expiry.postponed", extra={"error": type(exc).__name__})
                wait_s = _AFTER_ERROR_S


def _pause_s(next_ms: int | None) -> float:
    """How long to wait: new schedules may come at any time, also earlier ones."""
    if next_ms is None:
        return _CHECK_EVERY_S
    return min(_CHECK_EVERY_S, max(_LEAST_WAIT_S, next_ms / 1000))
