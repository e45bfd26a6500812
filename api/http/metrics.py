"""What this process counts, for Prometheus.

Counting happens on the event loop only, in plain integers: a look-up must not pay for
locks. All metric names are in this module.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from worker.store import PACE_REASONS, Writing

#: Upper bounds in seconds; a look-up takes about a millisecond and at most a second.
BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Histogram:
    """Counts and a sum of seconds."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Counts at or below each bound, as Prometheus wants them."""
        running, buckets = 0, []
        for bound, count in zip((*BOUNDS_S, "+Inf"), self.counts, strict=True):
            running += count
            buckets.append((str(bound), float(running)))
        return buckets


class Metrics(Collector):
    """All counters of one process; for its event loop only."""

    def __init__(self) -> None:
        self._lookups: dict[int, int] = {}
        self._lookup_seconds = Histogram()
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._lookup_pipelines = 0
        self._lookups_asked_again = 0
        self._segments_in_error = 0
        self._writing: Sequence[Writing] | None = None

    def look_up(self, status: int, seconds: float) -> None:
        """Count one look-up. Cost: about half a microsecond."""
        self._lookups[status] = self._lookups.get(status, 0) + 1
        self._lookup_seconds.observe(seconds)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count any other request.

        Args:
            method: the HTTP method.
            route: the route's template, never the path: it may hold keys.
            status: of the answer.
            seconds: until the answer was complete.
        """
        self._requests.setdefault((method, route, status), Histogram()).observe(seconds)

    def segments_in_error(self, count: int) -> None:
        """Count segments that could not be evaluated."""
        self._segments_in_error += count

    def lookup_totals(self, pipelines: int, asked_again: int) -> None:
        """Set what the look-ups count themselves."""
        self._lookup_pipelines, self._lookups_asked_again = pipelines, asked_again

    def writing(self, writing: Sequence[Writing] | None) -> None:
        """Set which workers write shards now, of all hosts; ``None`` if that is unknown."""
        self._writing = writing

    def render(self) -> bytes:
        """Render all counters in the text format of Prometheus."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Give all counters, as Prometheus' library asks for them."""
        yield from self._collect_lookups()
        yield CounterMetricFamily(
            "bigseg_segments_in_error",
            "Segments that could not be evaluated, answered as no membership.",
            value=self._segments_in_error,
        )
        if self._writing is not None:
            yield from self._collect_writing(self._writing)
        requests = HistogramMetricFamily(
            "bigseg_request_seconds",
            "Seconds until any other request was answered.",
            labels=["method", "route", "status"],
        )
        for (method, route, status), histogram in sorted(self._requests.items()):
            requests.add_metric(
                [method, route, str(status)], histogram.cumulative(), histogram.total_s
            )
        yield requests

    def _collect_writing(self, writing: Sequence[Writing]) -> Iterator[Metric]:
        writers = GaugeMetricFamily(
            "bigseg_shard_writers",
            "Worker processes that write shards now, by what sets their pace.",
            labels=["pace"],
        )
        rates = GaugeMetricFamily(
            "bigseg_shard_bytes_per_second",
            "Bytes a second that they write.",
            labels=["pace"],
        )
        for reason in PACE_REASONS:
            found = [one.bytes_s for one in writing if one.reason == reason]
            writers.add_metric([reason], len(found))
            rates.add_metric([reason], sum(found))
        yield writers
        yield rates

    def _collect_lookups(self) -> Iterator[Metric]:
        lookups = CounterMetricFamily(
            "bigseg_lookups", "Membership look-ups answered.", labels=["status"]
        )
        for status, count in sorted(self._lookups.items()):
            lookups.add_metric([str(status)], count)
        yield lookups
        durations = HistogramMetricFamily(
            "bigseg_lookup_seconds", "Seconds until a look-up was answered.", labels=[]
        )
        durations.add_metric([], self._lookup_seconds.cumulative(), self._lookup_seconds.total_s)
        yield durations
        yield CounterMetricFamily(
            "bigseg_lookup_pipelines", "Round trips for look-ups.", value=self._lookup_pipelines
        )
        yield CounterMetricFamily(
            "bigseg_lookups_asked_again",
            "Look-ups asked again because another revision was live.",
            value=self._lookups_asked_again,
        )
