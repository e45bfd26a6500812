"""Ranges as HTTP has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import RangeNotSatisfiable
from api.http.byte_ranges import ByteRange, parse_range


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 5)),
        ("bytes=9-9", (9, 10)),
        ("bytes=0-", (0, 10)),
        ("bytes=9-", (9, 10)),
        ("bytes=-1", (9, 10)),
        ("bytes=-10", (0, 10)),
        ("bytes=-11", (0, 10)),
        ("bytes=5-9999999999999999999", (5, 10)),
        ("Bytes= 0-3 ", (0, 4)),
    ],
)
def test_range__one_that_holds_a_byte__is_cut_to_the_file(
    value: str, part: tuple[int, int]
) -> None:
    assert parse_range(value, 10) == ByteRange(*part)


@pytest.mark.parametrize(
    "value",
    [
        *("", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=--1", "bytes=4-2"),
        *("bytes=0-1,4-5", "bytes=0-1,", "lines=0-1", "bytes 0-1", "bytes=0x1-2"),
        *("bytes=\u0663-", f"bytes=0-{'9' * 20}", f"bytes={'9' * 5_000}-"),
    ],
)
def test_range__several_or_no_range_of_bytes__is_ignored(value: str) -> None:
    assert parse_range(value, 10) is None


@pytest.mark.parametrize("value", ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99-"])
def test_range__behind_the_file__is_told(value: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range(value, 10)


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=-1", "bytes=7-9", "bytes=-0"])
def test_range__of_an_empty_file__is_ignored(value: str) -> None:
    assert parse_range(value, 0) is None


@given(
    value=st.from_regex(r"(bytes=)?[0-9]{0,3}-[0-9]{0,3}(,[0-9]?-[0-9]?)?", fullmatch=True)
    | st.text(max_size=20),
    size_bytes=st.integers(0, 200),
)
def test_range__anything__is_inside_the_file_and_not_empty(value: str, size_bytes: int) -> None:
    try:
        part = parse_range(value, size_bytes)
    except RangeNotSatisfiable:
        return
    if part is not None:
        assert 0 <= part.start < part.end <= size_bytes
