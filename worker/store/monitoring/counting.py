"""What one process has counted and not handed over yet."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from worker.store.monitoring.counters import (
    EXPORT_ROWS,
    IMPORT_ROWS,
    JOBS_ENDED,
    STAGE_SECONDS,
    Counter,
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Counts that are handed over in one step; a repetition has the same number."""

    number: int
    counts: Mapping[str, int]


class Counting:
    """Counts for any thread. Cost: about a microsecond each, so never once for each row."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._counts: dict[str, int] = {}
        self._batch: Batch | None = None
        self._batches = 0
        self.on_first: Callable[[], None] | None = None
        """Called at the first count since all was handed over."""

    def add(self, counter: Counter, *values: str, number: int = 1) -> None:
        """Count, under one value of each of the counter's labels.

        A combination that the counter does not have is not counted: labels stay bounded.
        """
        if values not in counter.values or not number:
            return
        field = counter.field(values)
        with self._lock:
            first = not self._counts
            self._counts[field] = self._counts.get(field, 0) + number
        if first and self.on_first is not None:
            self.on_first()

    def add_seconds(self, counter: Counter, *values: str, seconds: float) -> None:
        """Count a duration."""
        self.add(counter, *values, number=round(seconds * counter.unit))

    def add_end(
        self, kind: str, status: str, reason: str | None, report: Mapping[str, Any] | None
    ) -> None:
        """Count the end of a job: how it ended, and its rows and stages if it is complete.

        Args:
            kind: Of the job.
            status: ``complete``, ``stopped`` or ``refused``.
            reason: Why it was stopped; tells those that gave way from those that failed.
            report: Of a complete job.
        """
        self.add(JOBS_ENDED, kind, _outcome_of(status, reason or ""))
        if report is None or status != "complete":
            return
        if kind == "import":
            for name in ("accepted", "duplicates", "rejected"):
                self.add(IMPORT_ROWS, name, number=int(report.get(name) or 0))
        if kind == "export":
            self.add(EXPORT_ROWS, number=int(report.get("rows") or 0))
        for stage, seconds in (report.get("seconds") or {}).items():
            self.add_seconds(STAGE_SECONDS, kind, stage, seconds=seconds)

    def hand_over(self, send: Callable[[Batch], None]) -> None:
        """Hand over all that was counted.

        If ``send`` raises, the batch may have arrived all the same: the next call sends it again,
        unchanged and under the same number, before anything else.
        """
        with self._sending:
            while (batch := self._next_batch()) is not None:
                send(batch)
                self._batch = None

    def _next_batch(self) -> Batch | None:
        if self._batch is None:
            with self._lock:
                counts, self._counts = self._counts, {}
            if counts:
                self._batches += 1
                self._batch = Batch(self._batches, counts)
        return self._batch


def _outcome_of(status: str, reason: str) -> str:
    if status != "stopped":
        return status
    for outcome in ("superseded", "deleted", "cancelled"):
        if outcome in reason.split(" ")[:2]:
            return outcome
    return status
