"""When something is due: a cron expression in a time zone."""

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from worker.errors import TerminalError

LONGEST_EXPRESSION: Final = 100
LONGEST_ZONE: Final = 64

#: Everything that an expression may consist of. Finding its due times takes bounded time: 27 ms
#: for one that never matches, because the library gives up after 50 years.
_EXPRESSION: Final = re.compile(r"[0-9A-Za-z*,/#-]+( +[0-9A-Za-z*,/#-]+){4}")
_EXAMPLE: Final = "'0 2 * * *'"
_MINUTES_OF_DAY: Final = 24 * 60
#: Names that databases have beside those of places: what is meant is up to the host.
_NO_PLACES: Final = {"localtime", "Factory"}
#: Longer than clocks are ever changed by.
_CLOCK_CHANGE_MS: Final = 3 * 3_600_000
#: Due times that are counted one by one.
MOST_COUNTED: Final = 1_000


class TimetableRefused(TerminalError):
    """The expression or the time zone cannot be used; the message says why."""


class ZoneRefused(TimetableRefused):
    """It is the time zone that cannot be used: also if this host's database has not got it."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """Due times by the wall clock of a time zone, to the minute.

    When clocks go forward, a time of day that is skipped is due when the skipped hour is over; when
    they go back, a time of day that comes twice is due the first time only. An expression whose
    minute or hour begins with ``*`` means intervals: those are due by time that passes, in both of
    the hours that have one name, and at no time that is skipped.

    Source: Debian's cron, which the library follows.
    """

    expression: str
    zone: str

    @classmethod
    def parse(cls, expression: str, zone: str) -> "Timetable":
        """Check an expression and a zone. Values that were checked before need no second check.

        Raises:
            TimetableRefused: either is malformed or unknown, or no time ever matches.
        """
        if len(zone) > LONGEST_ZONE or zone not in _known_zones():
            raise ZoneRefused(
                f"{zone[:LONGEST_ZONE]!r} is not a time zone: use a name of the IANA database, "
                "such as 'Europe/Berlin' or 'UTC'"
            )
        text = expression.strip(" ")
        if len(text) > LONGEST_EXPRESSION or _EXPRESSION.fullmatch(text) is None:
            raise TimetableRefused(
                f"{text[:LONGEST_EXPRESSION]!r} is not a cron expression of five fields (minute, "
                f"hour, day of month, month, day of week), such as {_EXAMPLE}"
            )
        table = cls(text, zone)
        try:
            ever_due = any(True for _ in table.after(0))
        except CronSimError as exc:
            what = str(exc).removeprefix("Bad ")
            raise TimetableRefused(f"the {what} of {text!r} cannot be read") from exc
        if not ever_due:
            raise TimetableRefused(f"{text!r} names no time that ever comes")
        return table

    def after(self, moment_ms: int) -> Iterator[int]:
        """Due times after a moment, the earliest first, Unix ms; each is given once.

        Cost: about 0.1 ms each; 27 ms until it ends where nothing matches in 50 years.
        """
        last = moment_ms
        for due in CronSim(self.expression, self._local(moment_ms // 1_000)):
            due_ms = _milliseconds(due)
            if due_ms > last:  # two skipped times of day are due at one moment
                last = due_ms
                yield due_ms

    def next_after(self, moment_ms: int) -> int | None:
        """The first due time after a moment, Unix ms; ``None`` if there is none in 50 years."""
        return next(self.after(moment_ms), None)

    def latest_by(self, moment_ms: int) -> int | None:
        """The last due time that is not after a moment; ``None`` if there was none in 50 years.

        Cost: a few milliseconds. The library is not exact backwards where clocks go back, so it
        only says where to begin.
        """
        before = self._local(moment_ms // 1_000 + 1)
        for hint in CronSim(self.expression, before, reverse=True):
            begin = _milliseconds(hint) - _CLOCK_CHANGE_MS
            found = itertools.takewhile(lambda due_ms: due_ms <= moment_ms, self.after(begin))
            last = functools.reduce(lambda _, due_ms: due_ms, found, 0)
            if last:
                return last
        return None

    def count_between(self, after_ms: int, before_ms: int) -> int:
        """How many due times are between two moments; over 1,000 are counted as 1,000."""
        found = itertools.takewhile(lambda due_ms: due_ms < before_ms, self.after(after_ms))
        return sum(1 for _ in itertools.islice(found, MOST_COUNTED))

    def least_gap_s(self) -> int:
        """The least time between two due times of a day, or of two days in a row, in seconds.

        Days are taken as if any could follow any other, and changes of clocks are ignored.
        """
        table = CronSim(self.expression, datetime.fromtimestamp(0, UTC))
        minutes = sorted(hour * 60 + minute for hour in table.hours for minute in table.minutes)
        wrapped = [*minutes, minutes[0] + _MINUTES_OF_DAY]
        return 60 * min(later - earlier for earlier, later in pairwise(wrapped))

    def local(self, moment_ms: int) -> datetime:
        """A moment as the clock of the zone shows it, to the second."""
        return self._local(moment_ms // 1_000)

    def _local(self, second: int) -> datetime:
        try:
            zone = ZoneInfo(self.zone)
        except ZoneInfoNotFoundError as exc:
            raise ZoneRefused(
                f"this host's database has no time zone {self.zone!r}: update it (tzdata)"
            ) from exc
        return datetime.fromtimestamp(second, zone)


@functools.cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACES


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000
