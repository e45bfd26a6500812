"""What the store has for ``/metrics``, read by one thread and not more than once a second."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass, field
from typing import Final

import structlog

from worker.store import Monitored, SdkStoreFigures, Store, StoreError, Writing

#: Seconds that a request waits for the store; scrapers wait ten.
WAIT_S: Final = 2.0
#: Seconds for which a reading is shared, however many ask.
KEPT_S: Final = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What the store had at one moment."""

    monitored: Monitored
    writing: Sequence[Writing]
    """The workers that write shards."""
    skew_s: float
    """How far the clock of this process is ahead of the store's."""
    sdk_store: SdkStoreFigures = field(default_factory=SdkStoreFigures)


class StoreReader:
    """Reads for requests that wait in threads; requests at the same time share a reading."""

    def __init__(
        self,
        store: Callable[[], Store],
        *,
        clock_ms: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
        wait_s: float = WAIT_S,
    ) -> None:
        """Read nothing yet.

        Args:
            store: gives the opened store; may block.
            clock_ms: Unix milliseconds.
            monotonic: seconds.
            wait_s: how long a request waits.
        """
        self._store = store
        self._clock_ms = clock_ms
        self._monotonic = monotonic
        self._wait_s = wait_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-figures")
        self._lock = threading.Lock()
        self._reading: Future[StoreFigures] | None = None
        self._began_s = float("-inf")
        self._failing = False

    def read(self) -> StoreFigures | None:
        """Return a reading up to a second old; ``None`` if the store does not answer in time.

        Cost: four round trips at most, shared by everyone who asks within a second.
        """
        reading = self._current()
        try:
            figures = reading.result(self._wait_s)
        except (StoreError, WaitedTooLong) as exc:
            if not self._failing:
                _log.warning("figures.unavailable", reason=str(exc) or "no answer in time")
            self._failing = True
            return None
        self._failing = False
        return figures

    def close(self) -> None:
        """Stop reading. Idempotent."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _current(self) -> "Future[StoreFigures]":
        with self._lock:
            now_s = self._monotonic()
            # While a reading hangs, none is begun beside it: it would hang as well.
            is_idle = self._reading is None or self._reading.done()
            if self._reading is None or (is_idle and now_s - self._began_s >= KEPT_S):
                self._began_s = now_s
                self._reading = self._thread.submit(self._read)
            return self._reading

    def _read(self) -> StoreFigures:
        store, before_ms = self._store(), self._clock_ms()
        monitored = store.monitoring.read()
        middle_ms = (before_ms + self._clock_ms()) / 2
        skew_s = (middle_ms - monitored.now_ms) / 1000
        sdk_store = store.sdk_store.figures()
        return StoreFigures(monitored, store.writing.read(), skew_s, sdk_store)
