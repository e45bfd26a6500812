"""A clock in every worker that keeps the sets that SDKs read as the lists are."""

import logging
import time
from typing import Any, Final

from worker.sdk_store import Follower, StoredLists
from worker.store import open_store
from worker.tasks.process_services import ProcessServices
from worker.tasks.worker_thread import WorkerThread

logger = logging.getLogger("bigseg.sdk_store")

#: Seconds between two looks.
_LOOK_EVERY_S: Final = 0.2
#: The same for very many lists: an edit is still seen by SDKs within a second.
_LOOK_AFTER_S: Final = 0.7
#: Looks at lists that have not changed may take one part in so many of a core: a thousand lists
#: take 36 ms here and 25 ms of the server.
_SHARE: Final = 20
_AFTER_ERROR_S: Final = 1.0


class SdkStoreClock(WorkerThread):
    """Looks at once, and then more than once a second, or without a pause while there is more."""

    thread_name = "sdk-store-clock"

    def run(self, process: ProcessServices, app: Any) -> None:  # noqa: ANN401 - Celery is untyped
        """Follow the lists, again and again; what is cut off is done again."""
        settings, follower = process.settings, None
        wait_s = 0.0
        while not self.stopped.wait(wait_s):
            try:
                if follower is None:
                    store = open_store(settings)
                    follower = Follower(store, settings, StoredLists(store), store.sdk_log)
                began_s = time.monotonic()
                has_more = follower.step()
                wait_s = 0.0 if has_more else _pause_after(time.monotonic() - began_s)
            except Exception as exc:  # noqa: BLE001 - a clock that ends would leave SDKs with what is old
                # What has changed stays in the feeds; the next look finds it.
                logger.warning("sdk_store.postponed", extra={"error": type(exc).__name__})
                wait_s = _AFTER_ERROR_S
        if follower is not None:
            follower.close()


def _pause_after(took_s: float) -> float:
    """Seconds to wait after a look that took so long."""
    return min(max(_LOOK_EVERY_S, _SHARE * took_s), _LOOK_AFTER_S)
