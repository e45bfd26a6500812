"""What this process counts, in a tally; all names of metrics are in ``exposition``.

Counting happens on the event loop only, in plain numbers: a look-up must not pay for locks.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from api.metrics.exposition import (
    ASKED_AGAIN,
    BOUNDS_S,
    LOOKUP,
    LOOKUP_SECONDS,
    PIPELINES,
    REQUEST,
    SEGMENTS_IN_ERROR,
    STARTS,
    render,
)
from api.metrics.tally import Row, Tally, TallyFull
from worker.store import Writing

#: Where the sum of a histogram's seconds is, behind its buckets.
_SUM: Final = len(BOUNDS_S) + 1


class Metrics:
    """All counters of one process; for its event loop only."""

    def __init__(self, tally: Tally) -> None:
        """Go on counting where the process before this one in its place stopped."""
        self._tally = tally
        self._lookups: dict[int, int] = {}
        self._lookup_seconds = tally.row(LOOKUP_SECONDS)
        self._requests: dict[tuple[str, str, int], Row] = {}
        self._pipelines = tally.row(PIPELINES)
        self._asked_again = tally.row(ASKED_AGAIN)
        #: Those for which the tally has no room.
        self._others = tally.row(REQUEST, "other", "other", "0")
        self._in_error = tally.row(SEGMENTS_IN_ERROR)

    def serving(self) -> None:
        """Count that this process has been started."""
        starts = self._tally.row(STARTS)
        starts.integers[starts.at] += 1

    def look_up(self, status: int, seconds: float) -> None:
        """Count one look-up. Cost: about half a microsecond."""
        row = self._lookup_seconds
        integers, at = row.integers, row.at
        try:
            integers[self._lookups[status]] += 1
        except KeyError:
            self._lookups[status] = first = self._tally.row(LOOKUP, str(status)).at
            integers[first] += 1
        integers[at + bisect_left(BOUNDS_S, seconds)] += 1
        row.floats[at + _SUM] += seconds

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count any other request.

        Args:
            method: the HTTP method.
            route: the route's template, never the path: it may hold keys.
            status: of the answer.
            seconds: until the answer was complete.
        """
        row = self._requests.get((method, route, status))
        if row is None:
            row = self._requests[method, route, status] = self._request_row(method, route, status)
        observe(row, seconds)

    def _request_row(self, method: str, route: str, status: int) -> Row:
        try:
            return self._tally.row(REQUEST, method, route, str(status))
        except TallyFull:
            return self._others

    def segments_in_error(self, count: int) -> None:
        """Count segments that could not be evaluated."""
        self._in_error.integers[self._in_error.at] += count

    @property
    def pipelines(self) -> int:
        """Pipelines of look-ups that were answered."""
        return int(self._pipelines.integers[self._pipelines.at])

    @pipelines.setter
    def pipelines(self, count: int) -> None:
        self._pipelines.integers[self._pipelines.at] = count

    @property
    def asked_again(self) -> int:
        """Look-ups whose belief was wrong."""
        return int(self._asked_again.integers[self._asked_again.at])

    @asked_again.setter
    def asked_again(self, count: int) -> None:
        self._asked_again.integers[self._asked_again.at] = count

    def render(self, writing: Sequence[Writing] | None) -> bytes:
        """Render what all processes counted, in the text format of Prometheus.

        Args:
            writing: which workers write shards now, of all hosts; ``None`` if that is unknown.
        """
        return render(self._tally, writing)


def observe(row: Row, seconds: float) -> None:
    """Count one duration in a histogram."""
    row.integers[row.at + bisect_left(BOUNDS_S, seconds)] += 1
    row.floats[row.at + _SUM] += seconds
