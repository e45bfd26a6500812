"""What this process counts, in a tally; all names of metrics are in ``exposition``.

Counting happens on the event loop only, in plain numbers: a look-up must not pay for locks.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from api.metrics.exposition import (
    ANSWERS,
    ASKED_AGAIN,
    AUDIT_LOSSES,
    BOUNDS_S,
    GONE,
    IN,
    LOOKUP,
    LOOKUP_SECONDS,
    NOT_IN,
    OVERFLOWS,
    PIPELINES,
    REFUSED,
    REQUEST,
    SEGMENTS_IN_ERROR,
    STARTS,
    TOKENS_READ,
    UNKNOWN,
    render,
)
from api.metrics.store_reader import StoreFigures
from api.metrics.tally import Row, Tally, TallyFull

#: Where the sum of a histogram's seconds is, behind its buckets.
_SUM: Final = len(BOUNDS_S) + 1
#: From here on a status tells of an error of the service.
_FIRST_OWN_ERROR: Final = 500
#: What some route takes. The parser knows two dozen more, and each would be a row for each route.
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class Metrics:
    """All counters of one process; for its event loop only."""

    def __init__(self, tally: Tally, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Go on counting where the process before this one in its place stopped.

        Args:
            tally: where it counts.
            monotonic: seconds, by a clock that all processes of the host share.
        """
        self._tally = tally
        self._monotonic = monotonic
        self._lookups: dict[int, int] = {}
        self._lookup_seconds = {answer: tally.row(LOOKUP_SECONDS, answer) for answer in ANSWERS}
        answered = self._lookup_seconds[IN]
        self._integers, self._floats = answered.integers, answered.floats
        self._in_at, self._not_in_at = answered.at, self._lookup_seconds[NOT_IN].at
        self._other_lookups = tally.row(LOOKUP, "other")
        self._requests: dict[tuple[str, str, int], Row] = {}
        self._pipelines = tally.row(PIPELINES)
        self._asked_again = tally.row(ASKED_AGAIN)
        #: Those for which the tally has no room.
        self._others = tally.row(REQUEST, "other", "other", "0")
        self._in_error = tally.row(SEGMENTS_IN_ERROR)
        self._overflows = tally.row(OVERFLOWS)
        self._audit_losses = tally.row(AUDIT_LOSSES)
        self._audit_lock = threading.Lock()
        self._tokens_read = tally.row(TOKENS_READ)
        self.tokens_read(monotonic())

    def serving(self) -> None:
        """Count that this process has been started."""
        starts = self._tally.row(STARTS)
        starts.integers[starts.at] += 1

    def answered(self, included: bool, seconds: float) -> None:
        """Count a look-up that was answered. Cost: under half a microsecond."""
        at = self._in_at if included else self._not_in_at
        self._integers[at + bisect_left(BOUNDS_S, seconds)] += 1
        self._floats[at + _SUM] += seconds

    def unanswered(self, status: int, seconds: float) -> None:
        """Count a look-up that was refused with this status, or 0: nobody waits any more."""
        at = self._lookups.get(status)
        if at is None:
            at = self._lookups[status] = self._lookup_row(status).at
        self._integers[at] += 1
        observe(self._lookup_seconds[_answer_of(status)], seconds)

    def tokens_read(self, at_s: float) -> None:
        """Note that this process knew all access tokens at this moment of the monotonic clock."""
        self._tokens_read.floats[self._tokens_read.at] = at_s

    def audit_lost(self) -> None:
        """Count a change that the audit log did not take. From any thread."""
        row = self._audit_losses
        with self._audit_lock:
            row.integers[row.at] += 1

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
        named = method if method in _METHODS else "other"
        try:
            return self._tally.row(REQUEST, named, route, str(status))
        except TallyFull:
            self._overflows.integers[self._overflows.at] += 1
            return self._others

    def _lookup_row(self, status: int) -> Row:
        try:
            return self._tally.row(LOOKUP, str(status))
        except TallyFull:
            self._overflows.integers[self._overflows.at] += 1
            return self._other_lookups

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

    def render(self, figures: StoreFigures | None) -> bytes:
        """Render what all processes counted, in the text format of Prometheus.

        Args:
            figures: what the store has, of all hosts; ``None`` if it does not say.
        """
        return render(self._tally, figures, self._monotonic())


def _answer_of(status: int) -> str:
    """The label ``answer`` of a look-up that was not answered."""
    if not status:
        return GONE
    return UNKNOWN if status >= _FIRST_OWN_ERROR else REFUSED


def observe(row: Row, seconds: float) -> None:
    """Count one duration in a histogram."""
    row.integers[row.at + bisect_left(BOUNDS_S, seconds)] += 1
    row.floats[row.at + _SUM] += seconds
