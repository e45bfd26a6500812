"""Dates as V8 reads them; each expected value was read from Node."""

import pytest

from api.vercel.evaluation.javascript.dates import milliseconds_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", 1704067200000),
        ("2024-02", 1706745600000),
        ("2024-02-01", 1706745600000),
        ("2024-02-30", 1709251200000),
        ("2024-02-01T00:00:00Z", 1706745600000),
        ("2024-02-01T24:00", 1706832000000),
        ("2024-02-01T00:00:00+0200", 1706738400000),
        ("2024-02-01t00:00:00z", 1706745600000),
        ("  2024-02-01  ", 1706745600000),
        ("Feb 1, 2024", 1706745600000),
        ("02/01/2024", 1706745600000),
        ("2024-1-5", 1704412800000),
        ("0", 946684800000),
        ("12", 1007164800000),
        ("50", -631152000000),
        ("abc 1", 978307200000),
        ("1 Feb 2024 10:00 PM GMT+2 (home)", 1706817600000),
        ("0000-01-01", -62167219200000),
        ("+275760-09-13", 8640000000000000),
    ],
)
def test_date__forms_that_v8_takes__its_milliseconds(text: str, expected: int) -> None:
    assert milliseconds_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("20240201", "2024-W05", "2024-032x", "2024-02-01T00:00:00+02", "2024-02-01T00:00:60Z"),
        *("1700000000", "", "2024-02-32", "2024-02-01T24:01", "+275760-09-14"),
        *("1 2 3 4", "Feb", "soon", "12:60:00 Feb 1"),
    ],
)
def test_date__forms_that_v8_refuses__none(text: str) -> None:
    assert milliseconds_of(text) is None
