"""A clock in every worker that has what is due delivered to webhooks."""

import logging
import time
from typing import Any, Final

from worker.store import open_store
from worker.tasks.process_services import ProcessServices
from worker.tasks.worker_thread import WorkerThread
from worker.webhooks import Deliverer

logger = logging.getLogger("bigseg.webhooks")

#: Seconds between two looks: an event is delivered well within a second.
_LOOK_EVERY_S: Final = 0.5
_AFTER_ERROR_S: Final = 2.0


class WebhookClock(WorkerThread):
    """Looks at once, and then twice a second; threads of its own deliver."""

    thread_name = "webhook-clock"

    def run(self, process: ProcessServices, app: Any) -> None:  # noqa: ANN401 - Celery is untyped
        """Look for what is due, again and again; attempts that are cut off are made again."""
        settings, deliverer = process.settings, None
        wait_s = 0.0
        while not self.stopped.wait(wait_s):
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
