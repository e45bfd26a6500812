"""A clock in every worker that has what is due delivered to webhooks."""

import logging
import threading
import time
from typing import Any, Final

from celery import bootsteps

from worker.settings import WorkerSettings
from worker.store import open_store
from worker.tasks.process_services import ProcessServices
from worker.webhooks import Deliverer

logger = logging.getLogger("bigseg.webhooks")

#: Seconds between two looks: an event is delivered well within a second.
_LOOK_EVERY_S: Final = 0.5
_AFTER_ERROR_S: Final = 2.0


class WebhookClock(bootsteps.StartStopStep):
    """Runs beside the worker's main loop, in threads with a client of their own."""

    #: Processes forked beside a busy thread could inherit a lock that is never released.
    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **_: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        self._stopped = threading.Event()

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Start looking at once."""
        services: ProcessServices = parent.app.bigseg_services
        threading.Thread(
            target=self._run, args=(services.settings,), name="webhook-clock", daemon=True
        ).start()

    def stop(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Stop looking; deliveries under way that are cut off are delivered again."""
        self._stopped.set()

    def _run(self, settings: WorkerSettings) -> None:
        deliverer: Deliverer | None = None
        wait_s = 0.0
        while not self._stopped.wait(wait_s):
            try:
                deliverer = deliverer or Deliverer(open_store(settings), settings, _now_ms)
                deliverer.deliver_due()
                deliverer.deliver_more(_LOOK_EVERY_S)
                wait_s = 0.0
            except Exception as exc:  # noqa: BLE001 - a clock that ends would deliver nothing any more
                # What is due stays due; the next look finds it.
                logger.warning("deliveries.postponed", extra={"error": type(exc).__name__})
                wait_s = _AFTER_ERROR_S


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
