"""What is a date-time, and which instant it is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.evaluation.operators.dates import instant_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1_000


@given(st.datetimes(timezones=st.timezones()))
def test_instant__what_datetime_writes__the_same_instant(moment: datetime) -> None:
    offset = moment.utcoffset()
    assert offset is not None
    if offset.total_seconds() % 60:  # zones of long ago; RFC 3339 has no seconds of offset
        moment = moment.replace(tzinfo=UTC)
    assert instant_of(moment.isoformat()) == _instant(moment)


@pytest.mark.parametrize("suffix", ["Z", "z", ".1Z", ".123456789Z", "+08:00", "-08:00", "+99:59"])
def test_instant__zone_and_fraction__taken(suffix: str) -> None:
    assert instant_of(f"2020-06-09T18:53:52{suffix}") is not None


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2020-06-09t18:53:52z", "2020-06-09T18:53:52Z"),
        ("2020-06-09T1:53:52Z", "2020-06-09T01:53:52Z"),
        ("2020-06-09T18:53:60Z", "2020-06-09T18:54:00Z"),
        ("2020-06-09T18:53:52+07:30", "2020-06-09T11:23:52Z"),
        ("2020-06-09T18:53:52-07:30", "2020-06-10T02:23:52Z"),
        ("2020-06-09T18:53:52+99:00", "2020-06-05T15:53:52Z"),
        ("2020-02-30T00:00:00Z", "2020-03-01T00:00:00Z"),
        ("2021-02-31T00:00:00Z", "2021-03-03T00:00:00Z"),
        ("2020-06-09T18:53:52.5Z", "2020-06-09T18:53:52.500000000Z"),
    ],
)
def test_instant__unusual_form__the_same_as_the_usual_one(text: str, same: str) -> None:
    assert instant_of(text) == instant_of(same)


@pytest.mark.parametrize(
    ("value", "nanoseconds"),
    [
        (0, 0),
        (1_591_728_832_000, 1_591_728_832_000_000_000),
        (1.9, 1_000_000),
        (-1.9, -1_000_000),
        (253_402_300_799_000, 253_402_300_799_000_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000_000_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000_000_000),
        ("1970-01-01T00:00:00.000000001Z", 1),
    ],
)
def test_instant__number_or_extreme__nanoseconds(value: object, nanoseconds: int) -> None:
    assert instant_of(value) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        *(f"{year}-06-09T18:53:52Z" for year in ("202", "20202", "202x", "", "+2020", "-2020")),
        *(f"2020-{month}-09T18:53:52Z" for month in ("6", "006", "00", "13", "0x", "")),
        *(f"2020-06-{day}T18:53:52Z" for day in ("9", "009", "00", "32", "3x", "")),
        *(f"2020-06-09T{hour}:53:52Z" for hour in ("018", "24", "1x", "")),
        *(f"2020-06-09T18:{minute}:52Z" for minute in ("5", "053", "60", "5x", "")),
        *(f"2020-06-09T18:53:{second}Z" for second in ("5", "052", "61", "5x", "")),
        *(f"2020-06-09T18:53:52{part}Z" for part in (".1234567891", ".500x", ".", ",5", " ")),
        *(f"2020-06-09T18:53:52{zone}" for zone in ("/07:00", "-0:00", "-007:00", "-2x:00")),
        *(f"2020-06-09T18:53:52{zone}" for zone in ("-:00", "-07:0", "+07:000", "+07:60", "+07")),
        *("2020-06-09", "18:53:52Z", "2020-06-09T18:53Z", "2020-06-09X18:53:52Z", "1591728832000"),
        *("2020-06-09 18:53:52Z", "2020-06-09T18:53:52", "2020-06-09T18:53:52Zz", "", "Z"),
        *("2020-06-09T18:53:52Z\n", " 2020-06-09T18:53:52Z", "٢٠٢٠-06-09T18:53:52Z"),
    ],
)
def test_instant__malformed__none(text: str) -> None:
    assert instant_of(text) is None


@pytest.mark.parametrize(
    "value", [None, True, [], {}, 10**400, float("nan"), float("inf"), ["2020-06-09T18:53:52Z"]]
)
def test_instant__other_type__none(value: object) -> None:
    assert instant_of(value) is None
