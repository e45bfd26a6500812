"""Hands over what a process counted, some seconds after the first count."""

import threading
from typing import Final

import structlog

from worker.store.errors import StoreError
from worker.store.monitoring.counting import Batch, Counting
from worker.store.monitoring.monitoring_store import MonitoringStore

#: Seconds between a count and its hand-over: at most one call for each process in this time. A
#: process that is killed loses what it counted in it.
EVERY_S: Final = 3.0

_log = structlog.get_logger(__name__)


class CountSender:
    """Sends from a thread that lives only while there is something to send."""

    def __init__(
        self, counting: Counting, board: MonitoringStore, process: str, *, every_s: float = EVERY_S
    ) -> None:
        """Send what is counted from now on.

        Args:
            counting: What is sent.
            board: Where it goes.
            process: A name that no other process has, by which the store recognises a repetition.
            every_s: Seconds between two calls.
        """
        self._counting = counting
        self._board = board
        self._process = process
        self._every_s = every_s
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._failing = self._closed = False
        counting.on_first = self._schedule

    def close(self) -> None:
        """Send the rest, in one attempt; idempotent."""
        with self._lock:
            closed, self._closed = self._closed, True
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if not closed:
            # Also without a timer: one that has just fired may be sending, and is waited for.
            self._try()

    def _schedule(self) -> None:
        with self._lock:
            if self._closed or self._timer is not None:
                return
            self._timer = threading.Timer(self._every_s, self._run)
            self._timer.daemon = True
            self._timer.start()

    def _run(self) -> None:
        with self._lock:
            self._timer = None
        if not self._try():
            self._schedule()

    def _try(self) -> bool:
        try:
            self._counting.hand_over(self._send)
        except StoreError as exc:
            if not self._failing:
                _log.warning("counts.postponed", reason=str(exc))
            self._failing = True
            return False
        self._failing = False
        return True

    def _send(self, batch: Batch) -> None:
        self._board.count(self._process, batch.number, batch.counts)
