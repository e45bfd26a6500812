"""What is a semantic version, and how versions are ordered."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.evaluation.operators.versions import precedence_of

#: From the specification's own chain of examples, and longer.
RISING = [
    *("0.0.0-0", "0.0.0", "0.0.1", "0.1", "0.9.9", "1.0.0-0.3.7", "1.0.0-alpha", "1.0.0-alpha.1"),
    *("1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"),
    *("1.9.0", "1.10.0", "1.11.0", "2-rc", "2", "2.0.1", "2.1", "2.1.1", "10.0.0-a", "10"),
]


def test_precedence__rising_chain__ordered() -> None:
    for lower, higher in itertools.combinations(RISING, 2):
        low, high = precedence_of(lower), precedence_of(higher)
        assert low is not None, lower
        assert high is not None, higher
        assert low < high, (lower, higher)


@pytest.mark.parametrize(
    ("version", "same"),
    [
        ("2", "2.0.0"),
        ("2.1", "2.1.0"),
        ("2-rc", "2.0.0-rc"),
        ("2.1-rc.1", "2.1.0-rc.1"),
        ("2+b", "2.0.0"),
        ("2.0.0+a.01.b", "2.0.0+c"),
        ("2.0.0-rc+a", "2.0.0-rc"),
        ("2.0.0--", "2--"),
    ],
)
def test_precedence__omitted_parts_and_builds__equal(version: str, same: str) -> None:
    assert precedence_of(version) is not None
    assert precedence_of(version) == precedence_of(same)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "2.", "2..0", "2.0.", "2.0.0.", "2.0.0.0", ".2", "v2.0.0", "V2", "2a", "x"),
        *("02.0.0", "2.00.0", "2.0.01", "2.0.0-01", "2.0.0-a.01", "2.0.0-", "2.0.0-a.", "2-"),
        *("2.0.0-a..b", "2.0.0+", "2.0.0+a.", "2.0.0+a..b", "2.0.0-a+", "2.0.0-é", "2.0.0+a_b"),
        *("-1", "+1", "2.-1", " 2.0.0", "2.0.0 ", "2.0.0\n", "2,0", "1e3", "٢.0.0", "2.0.0-٢"),
    ],
)
def test_precedence__no_version__none(text: str) -> None:
    assert precedence_of(text) is None


@pytest.mark.parametrize("value", [2, 2.0, True, None, ["2.0.0"], {"v": "2"}])
def test_precedence__no_string__none(value: object) -> None:
    assert precedence_of(value) is None


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_precedence__numbers_of_any_length__ordered_as_numbers(one: int, other: int) -> None:
    for form in ("{}", "0.{}", "0.0.{}", "1.0.0-{}", "1.0.0-a.{}"):
        left, right = precedence_of(form.format(one)), precedence_of(form.format(other))
        assert left is not None
        assert right is not None
        assert (left < right) == (one < other)
        assert (left == right) == (one == other)


def test_precedence__ten_thousand_digits__still_a_version() -> None:
    low, high = precedence_of("1" * 10_000), precedence_of("2" * 10_000)
    assert low is not None
    assert high is not None
    assert low < high
