"""Ending a worker that no longer asks its broker for messages.

A worker whose connection was restored badly can wait for ever without receiving anything. This
step checks when the broker was last polled and ends the process; its supervisor
starts another.
"""

import logging
import os
import signal
import threading
import time
from typing import Any, Final

from celery import bootsteps
from celery.worker import state

from worker.broker.transport import PolledChannel

logger = logging.getLogger("bigseg.tasks")

#: Seconds without a poll, and without a task that would explain it, that are too many.
DEAF_AFTER_S: Final = 60.0
_CHECK_EVERY_S: Final = 5.0


class PollWatch(bootsteps.StartStopStep):
    """Checks the last poll from a thread, because the main loop is what may hang."""

    def __init__(self, parent: Any, **_: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        self._stopped = threading.Event()

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Start watching."""
        PolledChannel.last_poll_s = time.monotonic()
        threading.Thread(target=self._run, name="poll-watch", daemon=True).start()

    def stop(self, parent: Any) -> None:  # noqa: ANN401 - Celery's step protocol
        """Stop watching."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(_CHECK_EVERY_S):
            if is_deaf(
                time.monotonic(), PolledChannel.last_poll_s, busy=bool(state.reserved_requests)
            ):
                logger.critical("worker.killed", extra={"after_s": DEAF_AFTER_S})
                os.kill(os.getpid(), signal.SIGKILL)


def is_deaf(now_s: float, last_poll_s: float, *, busy: bool) -> bool:
    """Whether a worker that is not busy has been silent for too long."""
    return not busy and now_s - last_poll_s > DEAF_AFTER_S
