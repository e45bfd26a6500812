"""How far an upload is, counted by the threads that send it."""

import threading
import time
from collections.abc import Callable

from api.progress.display import ProgressDisplay
from api.progress.line import Progress


class Meter:
    """Counts bytes; safe from any thread, but ``show`` is the main one's."""

    def __init__(
        self,
        display: ProgressDisplay,
        total_bytes: int | None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at nothing.

        Args:
            display: where it is shown.
            total_bytes: what is to be uploaded in all, if that is known.
            clock_s: the time.
        """
        self._display = display
        self._total_bytes = total_bytes
        self._clock_s = clock_s
        self._started_s = clock_s()
        self._lock = threading.Lock()
        self._done_bytes = 0
        self._skipped_bytes = 0

    @property
    def done_bytes(self) -> int:
        """What is in the bucket or on its way."""
        return self._done_bytes

    def add(self, count: int) -> None:
        """Count bytes that were sent; fewer than none if they have to be sent again."""
        with self._lock:
            self._done_bytes += count

    def skip(self, count: int) -> None:
        """Count bytes that an earlier command has sent."""
        with self._lock:
            self._done_bytes += count
            self._skipped_bytes += count

    def show(self) -> None:
        """Show how far it is."""
        done, total = self._done_bytes, self._total_bytes
        if total is None:
            self._display.show(Progress("uploading", done_bytes=done))
            return
        sent = done - self._skipped_bytes
        seconds = self._clock_s() - self._started_s
        progress = Progress(
            "uploading",
            percent=100 * done / total if total else 100,
            done_bytes=done,
            total_bytes=total,
            remaining_s=seconds * (total - done) / sent if sent > 0 else None,
        )
        self._display.show(progress)
