"""A clock in every worker, so that a target expires in time however busy the tasks are."""

import logging
import threading
from typing import Any, Final

from celery import bootsteps

from worker.settings import WorkerSettings
from worker.store import Store, open_store
from worker.tasks.process_services import ProcessServices
from worker.upkeep.expiry import expire_due

logger = logging.getLogger("bigseg.upkeep")

#: Seconds between two checks: with the time that one takes, well under the second by which a
#: target may outlive its time.
_CHECK_EVERY_S: Final = 0.2
_AFTER_ERROR_S: Final = 1.0
#: The least pause after a check that found something, so that the server is not polled in a loop.
_LEAST_WAIT_S: Final = 0.005


class ExpiryClock(bootsteps.StartStopStep):
    """Runs beside the worker's main loop, in a thread with a client of its own."""

    #: Processes forked beside a busy thread could inherit a lock that is never released.
    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **_: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        self._stopped = threading.Event()

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Start checking at once."""
        services: ProcessServices = parent.app.bigseg_services
        threading.Thread(
            target=self._run, args=(services.settings,), name="expiry-clock", daemon=True
        ).start()

    def stop(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Stop checking; a check under way ends by itself."""
        self._stopped.set()

    def _run(self, settings: WorkerSettings) -> None:
        store: Store | None = None
        wait_s = 0.0
        while not self._stopped.wait(wait_s):
            try:
                store = store or open_store(settings)
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
