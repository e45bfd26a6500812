"""A sweep in every worker, so that recovery does not depend on beat."""

import logging
import threading
from typing import Any

from celery import bootsteps
from kombu.exceptions import OperationalError

from worker.errors import TerminalError, TransientError
from worker.jobs.services import Services
from worker.store.jobs import QUEUE_UPKEEP, TASK_TEND
from worker.tasks.chores import tend
from worker.tasks.process_services import ProcessServices
from worker.upkeep.sweep import sweep_jobs

logger = logging.getLogger("bigseg.upkeep")


class Sweeper(bootsteps.StartStopStep):
    """Runs beside the worker's main loop, in a thread with a client of its own."""

    #: Processes forked beside a busy thread could inherit a lock that is never released.
    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **_: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Start sweeping at once, then each sweep's time."""
        process: ProcessServices = parent.app.bigseg_services
        self._thread = threading.Thread(
            target=self._run, args=(process, parent.app), name="sweeper", daemon=True
        )
        self._thread.start()

    def stop(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Stop sweeping; a sweep under way ends by itself."""
        self._stopped.set()

    def _run(self, process: ProcessServices, app: Any) -> None:  # noqa: ANN401 - Celery is untyped
        services = None
        while not self._stopped.is_set():
            try:
                services = services or process.open()
                sweep_jobs(services)
                # One message for all workers, or they would pile up while upkeep is down.
                if services.store.jobs.take_turn("tend", int(services.settings.sweep_s * 1000)):
                    _announce_upkeep(app, services)
            except (TransientError, TerminalError, OperationalError, OSError, MemoryError) as exc:
                # Stalled jobs wait for the next sweep.
                logger.warning("sweep.postponed", extra={"error": type(exc).__name__})
            wait_s = services.settings.sweep_s if services else 1.0
            self._stopped.wait(wait_s)


def _announce_upkeep(app: Any, services: Services) -> None:  # noqa: ANN401 - Celery is untyped
    try:
        app.send_task(TASK_TEND, queue=QUEUE_UPKEEP, retry=False, expires=60)
    except (OperationalError, OSError) as exc:
        # A broker that shares a full server takes no message until memory has been freed.
        logger.warning("upkeep.unannounced", extra={"error": type(exc).__name__})
        tend(services)
