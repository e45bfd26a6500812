"""Percentiles of latency within windows of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.load import Outcome

#: From one moment of Unix time to another.
Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tail:
    """Percentiles in ms, of so many requests."""

    p50: float
    p99: float
    p999: float
    requests: int

    def raw(self, phase: str) -> dict[str, float]:
        """The figures under names that begin with a phase."""
        return {
            f"{phase}_p50_ms": self.p50,
            f"{phase}_p99_ms": self.p99,
            f"{phase}_p99.9_ms": self.p999,
            f"{phase}_requests": self.requests,
        }


def tail(seconds: Sequence[float]) -> Tail:
    """The tail of latencies; not a number where there are none."""
    if not seconds:
        return Tail(float("nan"), float("nan"), float("nan"), 0)
    p50, p99, p999 = (float(one) * 1000 for one in np.percentile(seconds, (50, 99, 99.9)))
    return Tail(p50, p99, p999, len(seconds))


def within(outcome: Outcome, windows: Sequence[Window]) -> list[float]:
    """Latencies of the requests that were due in some window."""
    return _of_windows(outcome.due, outcome.latency, windows)


def late_within(outcome: Outcome, windows: Sequence[Window]) -> list[float]:
    """How much of each of these latencies had passed before the request was sent."""
    return _of_windows(outcome.due, outcome.late, windows)


def _of_windows(
    due: Sequence[float], seconds: Sequence[float], windows: Sequence[Window]
) -> list[float]:
    pairs = zip(due, seconds, strict=True)
    return [took for at, took in pairs if any(start <= at < end for start, end in windows)]
