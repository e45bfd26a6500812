"""All metrics by their names, added up over the processes and written for Prometheus."""

from collections.abc import Iterator, Mapping, Sequence
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

from api.metrics.tally import Name, Reading, Tally
from worker.store import PACE_REASONS, Writing

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


@dataclass(slots=True)
class _Sum:
    """The cells of rows of one name."""

    count: int = 0
    """Of the first cell, which is all that a counter has."""
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    seconds: float = 0.0
    longest_s: float = 0.0

    def add(self, row: Reading) -> None:
        self.count += row.integers[0]
        for number in range(len(self.buckets)):
            self.buckets[number] += row.integers[number]
        self.seconds += row.floats[len(self.buckets)]
        self.longest_s = max(self.longest_s, row.floats[0])

    def cumulative(self) -> list[tuple[str, float]]:
        """Counts at or below each bound, as Prometheus wants them."""
        running, buckets = 0, []
        for bound, count in zip((*BOUNDS_S, "+Inf"), self.buckets, strict=True):
            running += count
            buckets.append((str(bound), float(running)))
        return buckets


def render(tally: Tally, writing: Sequence[Writing] | None) -> bytes:
    """Render the sums over all processes. Cost: about 10 µs for each row of each process.

    Args:
        tally: what the processes counted.
        writing: which workers write shards now; ``None`` if that is unknown.
    """
    sums: dict[Name, _Sum] = {}
    for row in tally.read_all():
        sums.setdefault(row.name, _Sum()).add(row)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sums(sums, writing))
    return generate_latest(registry)


class _Sums(Collector):
    """Gives the sums as Prometheus' library asks for them."""

    def __init__(self, sums: Mapping[Name, _Sum], writing: Sequence[Writing] | None) -> None:
        self._sums = sums
        self._writing = writing

    def collect(self) -> Iterator[Metric]:
        yield self._labelled_lookups()
        yield self._histogram(
            LOOKUP_SECONDS, "bigseg_lookup_seconds", "Seconds until a look-up was answered."
        )
        yield self._counter(PIPELINES, "bigseg_lookup_pipelines", "Round trips for look-ups.")
        yield self._counter(
            ASKED_AGAIN,
            "bigseg_lookups_asked_again",
            "Look-ups asked again because another revision was live.",
        )
        yield self._counter(
            SEGMENTS_IN_ERROR,
            "bigseg_segments_in_error",
            "Segments that could not be evaluated, answered as no membership.",
        )
        yield self._labelled_requests()
        yield self._histogram(
            COLLECTION_SECONDS,
            "bigseg_gc_pause_seconds",
            "Seconds for which a process stood still to collect garbage.",
        )
        yield GaugeMetricFamily(
            "bigseg_gc_pause_seconds_max",
            "The longest of them, of all processes, since the first was started.",
            value=self._of(LONGEST_COLLECTION).longest_s,
        )
        yield self._counter(
            STARTS,
            "bigseg_api_starts",
            "Starts of API processes, those of replacements among them.",
        )
        if self._writing is not None:
            yield from _writers(self._writing)

    def _of(self, *name: str) -> _Sum:
        return self._sums.get(name, _Sum())

    def _labels(self, kind: str) -> list[tuple[tuple[str, ...], _Sum]]:
        return sorted(
            ((name[1:], found) for name, found in self._sums.items() if name[:1] == (kind,)),
            key=lambda pair: pair[0],
        )

    def _counter(self, row: str, name: str, text: str) -> Metric:
        return CounterMetricFamily(name, text, value=self._of(row).count)

    def _histogram(self, row: str, name: str, text: str) -> Metric:
        family, found = HistogramMetricFamily(name, text, labels=[]), self._of(row)
        family.add_metric([], found.cumulative(), found.seconds)
        return family

    def _labelled_lookups(self) -> Metric:
        family = CounterMetricFamily(
            "bigseg_lookups", "Membership look-ups answered.", labels=["status"]
        )
        for labels, found in self._labels(LOOKUP):
            family.add_metric(labels, found.count)
        return family

    def _labelled_requests(self) -> Metric:
        family = HistogramMetricFamily(
            "bigseg_request_seconds",
            "Seconds until any other request was answered.",
            labels=["method", "route", "status"],
        )
        for labels, found in self._labels(REQUEST):
            if not any(found.buckets):  # taken in advance
                continue
            family.add_metric(labels, found.cumulative(), found.seconds)
        return family


def _writers(writing: Sequence[Writing]) -> Iterator[Metric]:
    writers = GaugeMetricFamily(
        "bigseg_shard_writers",
        "Worker processes that write shards now, by what sets their pace.",
        labels=["pace"],
    )
    rates = GaugeMetricFamily(
        "bigseg_shard_bytes_per_second", "Bytes a second that they write.", labels=["pace"]
    )
    for reason in PACE_REASONS:
        found = [process.bytes_s for process in writing if process.reason == reason]
        writers.add_metric([reason], len(found))
        rates.add_metric([reason], sum(found))
    yield writers
    yield rates
