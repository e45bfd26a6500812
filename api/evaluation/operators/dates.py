"""Instants, as the operators before and after read them.

Source: LaunchDarkly go-server-sdk-evaluation v3.0.1, ldmodel/parse_time.go. Its stated
departures from RFC 3339 are kept: an hour of one digit, an offset of up to 99 hours, at most
nine digits of a second; so is 30 February, which is 1 or 2 March. Its slips are not kept: text
after the zone is refused here, and dates after the year 2262 do not wrap around.
"""

import re
from datetime import date
from typing import Final

from api.evaluation.scalars import number_of

_NS_PER_MS: Final = 10**6
_NS_PER_S: Final = 10**9
_EPOCH_DAY: Final = 719_163  # date(1970, 1, 1).toordinal()
_DAYS_IN_400_YEARS: Final = 146_097

_RFC3339: Final = re.compile(
    r"""
    (?P<year>[0-9]{4}) - (?P<month>0[1-9]|1[0-2]) - (?P<day>0[1-9]|[12][0-9]|3[01])
    [Tt]
    (?P<hour>[01]?[0-9]|2[0-3]) : (?P<minute>[0-5][0-9]) : (?P<second>[0-5][0-9]|60)
    (?: \. (?P<fraction>[0-9]{1,9}) )?
    (?: [Zz] | (?P<sign>[+-]) (?P<offset_hours>[0-9]{2}) : (?P<offset_minutes>[0-5][0-9]) )
    """,
    re.VERBOSE,
)


def instant_of(value: object) -> int | None:
    """Give nanoseconds since 1970; ``None`` for what is no instant.

    A number counts milliseconds, its fraction dropped; a string must be an RFC 3339 date-time.
    """
    if isinstance(value, str):
        return _parsed(value)
    number = number_of(value)
    return None if number is None else int(number) * _NS_PER_MS


def _parsed(text: str) -> int | None:
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict(default="0")
    days = _first_of_month(int(part["year"]), int(part["month"])) + int(part["day"]) - 1
    seconds = ((days * 24 + int(part["hour"])) * 60 + int(part["minute"])) * 60
    offset_s = (int(part["offset_hours"]) * 60 + int(part["offset_minutes"])) * 60
    seconds += int(part["second"]) + (offset_s if part["sign"] == "-" else -offset_s)
    return seconds * _NS_PER_S + int(part["fraction"].ljust(9, "0"))


def _first_of_month(year: int, month: int) -> int:
    """Count the days from 1970. The calendar of ``date`` repeats, but lacks the year 0."""
    cycles, year_of_cycle = divmod(year, 400)
    day = date(year_of_cycle + 400, month, 1).toordinal()
    return day + (cycles - 1) * _DAYS_IN_400_YEARS - _EPOCH_DAY
