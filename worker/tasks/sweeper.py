"""A sweep in every worker, so that recovery does not depend on beat."""

import logging
from typing import Any

from kombu.exceptions import OperationalError

from worker.errors import TerminalError, TransientError
from worker.jobs.services import Services
from worker.store.jobs import QUEUE_UPKEEP, TASK_TEND
from worker.tasks.chores import tend
from worker.tasks.process_services import ProcessServices
from worker.tasks.worker_thread import WorkerThread
from worker.upkeep.sweep import sweep_jobs

logger = logging.getLogger("bigseg.upkeep")


class Sweeper(WorkerThread):
    """Sweeps at once, and then each sweep's time."""

    thread_name = "sweeper"

    def run(self, process: ProcessServices, app: Any) -> None:  # noqa: ANN401 - Celery is untyped
        """Sweep, again and again."""
        services = None
        while not self.stopped.is_set():
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
            self.stopped.wait(wait_s)


def _announce_upkeep(app: Any, services: Services) -> None:  # noqa: ANN401 - Celery is untyped
    try:
        app.send_task(TASK_TEND, queue=QUEUE_UPKEEP, retry=False, expires=60)
    except (OperationalError, OSError) as exc:
        # A broker that shares a full server takes no message until memory has been freed.
        logger.warning("upkeep.unannounced", extra={"error": type(exc).__name__})
        tend(services)
