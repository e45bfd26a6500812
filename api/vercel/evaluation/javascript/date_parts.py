"""Day, time and zone of a date as they are put together, number by number.

Source: V8 13.6, src/date/dateparser: DayComposer, TimeComposer, TimeZoneComposer.
"""

from dataclasses import dataclass, field
from typing import Final

from api.vercel.evaluation.javascript.date_tokens import Token

_NUMBERS_OF_A_DAY: Final = 3
_NUMBERS_OF_A_TIME: Final = 4
_MOST_DAYS: Final = 31
_MONTHS: Final = 12
#: Years from 0 to 49 are of this century in old forms, those to 99 of the last one.
_THIS_CENTURY: Final = 49
_LAST_CENTURY: Final = 99
#: What a 32-bit unsigned sum of seconds wraps at, and its half, which is too much.
_WRAP: Final = 1 << 32
_TOO_MANY_SECONDS: Final = 1 << 31


@dataclass(slots=True)
class Day:
    """Up to three numbers, and a month given by name."""

    numbers: list[int] = field(default_factory=list)
    month: int | None = None
    is_iso: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no number has been read."""
        return not self.numbers

    def add(self, number: int) -> bool:
        """Take a number; give false if that is one too many."""
        self.numbers.append(number)
        return len(self.numbers) <= _NUMBERS_OF_A_DAY

    def written(self) -> tuple[int, int, int] | None:
        """Give year, month and day; ``None`` if they are none."""
        if not self.numbers:
            return None
        first, second, third = (*self.numbers, 1, 1)[:_NUMBERS_OF_A_DAY]
        if self.month is not None:
            year, day = (second, first) if 1 <= first <= _MOST_DAYS else (first, second)
            month = self.month
        elif self.is_iso or not 1 <= first <= _MOST_DAYS:
            year, month, day = first, second, third
        else:
            month, day, year = first, second, third
        if not self.is_iso and 0 <= year <= _LAST_CENTURY:
            year += 2000 if year <= _THIS_CENTURY else 1900
        if not (1 <= month <= _MONTHS and 1 <= day <= _MOST_DAYS):
            return None
        return year, month, day


@dataclass(slots=True)
class Time:
    """Up to four numbers: hour, minute, second and millisecond; and am or pm."""

    numbers: list[int] = field(default_factory=list)
    half_day: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no number has been read."""
        return not self.numbers

    def expects(self, number: int) -> bool:
        """Whether the number can be the next one after the hour."""
        most = {1: 59, 2: 59, 3: 999}.get(len(self.numbers))
        return most is not None and number <= most

    def add(self, number: int) -> bool:
        """Take a number; give false, and leave it, if that is one too many."""
        if len(self.numbers) == _NUMBERS_OF_A_TIME:
            return False
        self.numbers.append(number)
        return True

    def add_last(self, number: int) -> None:
        """Take a number after which there are zeros."""
        self.numbers = [*self.numbers, number, 0, 0, 0][:_NUMBERS_OF_A_TIME]

    def written(self) -> tuple[int, int, int, int] | None:
        """Give the four numbers; ``None`` if they are no time of a day or its very end."""
        hour, minute, second, millisecond = (*self.numbers, 0, 0, 0, 0)[:_NUMBERS_OF_A_TIME]
        if self.half_day is not None:
            if hour > 12:  # noqa: PLR2004  # hours of half a day
                return None
            hour = hour % 12 + self.half_day
        rest = minute, second, millisecond
        is_inside = hour <= 23 and minute <= 59 and second <= 59 and millisecond <= 999  # noqa: PLR2004
        if not is_inside and (hour != 24 or any(rest)):  # noqa: PLR2004  # midnight at the end
            return None
        return hour, *rest


@dataclass(slots=True)
class Zone:
    """Sign, hours and minutes of an offset from UTC."""

    sign: int | None = None
    hour: int | None = None
    minute: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no hour has been set."""
        return self.hour is None

    @property
    def is_utc(self) -> bool:
        """Whether it has been set to UTC itself."""
        return self.hour == 0 and self.minute == 0

    def expects(self, number: int) -> bool:
        """Whether the number can be the minutes of the offset."""
        return self.hour is not None and self.minute is None and number <= 59  # noqa: PLR2004

    def set_sign(self, sign: Token) -> None:
        """Take the sign before an offset."""
        self.sign = -1 if sign.text == "-" else 1

    def set_hours(self, hours: int) -> None:
        """Take the offset of a zone that has a name."""
        self.sign, self.hour, self.minute = (-1 if hours < 0 else 1), abs(hours), 0

    def written(self) -> int | None:
        """Give the offset in seconds, 0 if there is none; ``None`` if it is too great."""
        if self.sign is None:
            return 0
        seconds = ((self.hour or 0) * 3600 + (self.minute or 0) * 60) % _WRAP
        return None if seconds >= _TOO_MANY_SECONDS else self.sign * seconds
