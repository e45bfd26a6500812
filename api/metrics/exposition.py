"""All metrics by their names, added up over the processes and written for Prometheus."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from api.metrics.store_exposition import store_metrics, worker_audit_losses
from api.metrics.store_reader import StoreFigures
from api.metrics.tally import Name, Reading, Tally

#: Upper bounds in seconds; a look-up takes about a millisecond and at most a second.
BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

# Names of the tally's rows; further parts of a name are labels.
LOOKUP: Final = "lookup"
LOOKUP_SECONDS: Final = "lookup seconds"
REQUEST: Final = "request"
PIPELINES: Final = "pipelines"
ASKED_AGAIN: Final = "asked again"
SEGMENTS_IN_ERROR: Final = "segments in error"
COLLECTION_SECONDS: Final = "collection seconds"
LONGEST_COLLECTION: Final = "longest collection"
STARTS: Final = "starts"
AUDIT_LOSSES: Final = "audit losses"
OVERFLOWS: Final = "overflows"
TOKENS_READ: Final = "tokens read"

#: How a look-up ends: the key is a member, is none, may be one (an error of the service), is not
#: looked up (an error of the caller), or nobody waits for the answer any more.
ANSWERS: Final = ("in", "not_in", "unknown", "refused", "gone")
IN, NOT_IN, UNKNOWN, REFUSED, GONE = ANSWERS
_OK: Final = "200"

#: Counters without labels: row, name and help.
_COUNTERS: Final = (
    (PIPELINES, "bigseg_lookup_pipelines", "Round trips for look-ups."),
    (
        ASKED_AGAIN,
        "bigseg_lookups_asked_again",
        "Look-ups asked again because another revision was live.",
    ),
    (
        SEGMENTS_IN_ERROR,
        "bigseg_segments_in_error",
        "Segments that could not be evaluated, answered as no membership.",
    ),
    (STARTS, "bigseg_api_starts", "Starts of API processes, those of replacements among them."),
    (
        OVERFLOWS,
        "bigseg_metrics_overflow",
        "Combinations of labels that count as others for want of room.",
    ),
)


@dataclass(slots=True)
class _Sum:
    """The cells of rows of one name."""

    count: int = 0
    """Of the first cell, which is all that a counter has."""
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    seconds: float = 0.0
    longest_s: float = 0.0
    """Of the first cell, as is ``earliest_s``."""
    earliest_s: float = math.inf

    def add(self, row: Reading) -> None:
        self.count += row.integers[0]
        for number in range(len(self.buckets)):
            self.buckets[number] += row.integers[number]
        self.seconds += row.floats[len(self.buckets)]
        self.longest_s = max(self.longest_s, row.floats[0])
        self.earliest_s = min(self.earliest_s, row.floats[0])

    def cumulative(self) -> list[tuple[str, float]]:
        """Counts at or below each bound, as Prometheus wants them."""
        running, buckets = 0, []
        for bound, count in zip((*BOUNDS_S, "+Inf"), self.buckets, strict=True):
            running += count
            buckets.append((str(bound), float(running)))
        return buckets


def render(tally: Tally, figures: StoreFigures | None, now_s: float) -> bytes:
    """Render the sums over all processes. Cost: about 10 µs for each row of each process.

    Args:
        tally: what the processes counted.
        figures: what the store has; ``None`` if it does not say.
        now_s: by the monotonic clock that all processes of a host share.
    """
    sums: dict[Name, _Sum] = {}
    for row in tally.read_all():
        sums.setdefault(row.name, _Sum()).add(row)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sums(sums, figures, now_s))
    return generate_latest(registry)


class _Sums(Collector):
    """Yields the sums in the form that Prometheus' library takes."""

    def __init__(
        self, sums: Mapping[Name, _Sum], figures: StoreFigures | None, now_s: float
    ) -> None:
        self._sums = sums
        self._figures = figures
        self._now_s = now_s

    def collect(self) -> Iterator[Metric]:
        yield self._labelled_lookups()
        yield self._lookup_seconds()
        for row, name, text in _COUNTERS:
            yield CounterMetricFamily(name, text, value=self._of(row).count)
        yield self._labelled_requests()
        yield self._collection_seconds()
        yield GaugeMetricFamily(
            "bigseg_gc_pause_seconds_max",
            "The longest of them, of all processes, since the first was started.",
            value=self._of(LONGEST_COLLECTION).longest_s,
        )
        yield self._audit_losses()
        yield GaugeMetricFamily(
            "bigseg_token_cache_age_seconds",
            "Seconds since the process that is furthest behind knew all access tokens.",
            value=self._token_cache_age_s(),
        )
        yield GaugeMetricFamily(
            "bigseg_store_up",
            "Whether the store answered this request.",
            value=self._figures is not None,
        )
        if self._figures is not None:
            yield from store_metrics(self._figures)

    def _of(self, *name: str) -> _Sum:
        return self._sums.get(name, _Sum())

    def _labels(self, kind: str) -> list[tuple[tuple[str, ...], _Sum]]:
        return sorted(
            ((name[1:], total) for name, total in self._sums.items() if name[:1] == (kind,)),
            key=lambda pair: pair[0],
        )

    def _collection_seconds(self) -> Metric:
        family = HistogramMetricFamily(
            "bigseg_gc_pause_seconds",
            "Seconds for which a process stood still to collect garbage.",
            labels=[],
        )
        total = self._of(COLLECTION_SECONDS)
        family.add_metric([], total.cumulative(), total.seconds)
        return family

    def _labelled_lookups(self) -> Metric:
        family = CounterMetricFamily(
            "bigseg_lookups", "Membership look-ups answered.", labels=["status"]
        )
        answered = sum(sum(self._of(LOOKUP_SECONDS, answer).buckets) for answer in (IN, NOT_IN))
        family.add_metric([_OK], answered)
        for labels, total in self._labels(LOOKUP):
            if total.count:  # else taken in advance
                family.add_metric(labels, total.count)
        return family

    def _lookup_seconds(self) -> Metric:
        family = HistogramMetricFamily(
            "bigseg_lookup_seconds", "Seconds until a look-up was answered.", labels=["answer"]
        )
        for answer in ANSWERS:
            total = self._of(LOOKUP_SECONDS, answer)
            family.add_metric([answer], total.cumulative(), total.seconds)
        return family

    def _audit_losses(self) -> Metric:
        family = CounterMetricFamily(
            "bigseg_audit_losses",
            "Changes that the audit log did not take; each is a line audit.lost in a log.",
            labels=["process"],
        )
        family.add_metric(["api"], self._of(AUDIT_LOSSES).count)
        if self._figures is not None:
            family.add_metric(["worker"], worker_audit_losses(self._figures))
        return family

    def _token_cache_age_s(self) -> float:
        earliest_s = self._of(TOKENS_READ).earliest_s
        return max(0.0, self._now_s - earliest_s) if math.isfinite(earliest_s) else 0.0

    def _labelled_requests(self) -> Metric:
        family = HistogramMetricFamily(
            "bigseg_request_seconds",
            "Seconds until any other request was answered.",
            labels=["method", "route", "status"],
        )
        for labels, total in self._labels(REQUEST):
            if not any(total.buckets):  # taken in advance
                continue
            family.add_metric(labels, total.cumulative(), total.seconds)
        return family
