"""Each operator on one value of a context and one of a clause, and on several."""

from typing import Any

import pytest

from api.evaluation.effort import Effort
from api.evaluation.operators.operators import OPERATORS, folded

EARLY = "2017-12-06T00:00:00.000-07:00"
LATE = "2017-12-06T00:01:01.000-07:00"
LATE_MS = 1_512_543_661_000

Row = tuple[str, Any, Any, bool]

EQUALITY: list[Row] = [
    ("in", "x", "x", True),
    ("in", "x", "X", False),
    ("in", "x", "xyz", False),
    ("in", "", "", True),
    ("in", 99, 99, True),
    ("in", 99, 99.0, True),
    ("in", 99.0001, 99.0001, True),
    ("in", -0.0, 0, True),
    ("in", "99", 99, False),
    ("in", 99, "99", False),
    ("in", True, True, True),
    ("in", False, False, True),
    ("in", True, False, False),
    ("in", True, 1, False),
    ("in", 1, True, False),
    ("in", False, 0, False),
    ("in", 0, False, False),
    ("in", "true", True, False),
    ("in", None, None, False),
    ("in", ["x"], ["x"], False),
    ("in", {"x": 1}, {"x": 1}, False),
    ("in", 10**400, 10**400, False),
]
TEXT: list[Row] = [
    ("startsWith", "xyz", "x", True),
    ("startsWith", "xyz", "", True),
    ("startsWith", "xyz", "X", False),
    ("startsWith", "x", "xyz", False),
    ("startsWith", "99", 9, False),
    ("startsWith", 99, "9", False),
    ("endsWith", "xyz", "z", True),
    ("endsWith", "xyz", "xyz", True),
    ("endsWith", "z", "xyz", False),
    ("endsWith", "99", 9, False),
    ("contains", "xyz", "y", True),
    ("contains", "xyz", "", True),
    ("contains", "y", "xyz", False),
    ("contains", "99", 9, False),
    ("contains", ["x"], "x", False),
    ("contains", True, "t", False),
]
PATTERNS: list[Row] = [
    ("matches", "hello world", "hello.*rld", True),
    ("matches", "hello world", "hello.*orl", True),
    ("matches", "hello world", "l+", True),
    ("matches", "hello world", "(world|planet)", True),
    ("matches", "hello world", "aloha", False),
    ("matches", "hello world", "^world", False),
    ("matches", "hello world", "***not a regex", False),
    ("matches", "HELLO", "(?i)hello", True),
    ("matches", "hello", "", True),
    ("matches", "é", "^.$", True),
    ("matches", 5, "5", False),
    ("matches", "5", 5, False),
    ("matches", "\ud800", "^.$", True),
    ("matches", "a", "\ud800", False),
]
NUMBERS: list[Row] = [
    ("lessThan", 1, 1.99999, True),
    ("lessThan", 1, 1, False),
    ("lessThan", 1.99999, 1, False),
    ("lessThan", "1", 2, False),
    ("lessThan", 1, "2", False),
    ("lessThan", False, 1, False),
    ("lessThanOrEqual", 1, 1.0, True),
    ("lessThanOrEqual", 2, 1, False),
    ("lessThanOrEqual", "99", 99, False),
    ("greaterThan", 2, 1.99999, True),
    ("greaterThan", 2, 2, False),
    ("greaterThan", True, 0, False),
    ("greaterThanOrEqual", 1, 1.0, True),
    ("greaterThanOrEqual", 1, 2, False),
    ("greaterThanOrEqual", 99, "99", False),
    ("greaterThan", 10**400, 1, False),
    ("greaterThan", float("inf"), 1, False),
    ("lessThan", float("nan"), 1, False),
]
DATES: list[Row] = [
    ("before", EARLY, LATE, True),
    ("before", LATE, EARLY, False),
    ("before", EARLY, EARLY, False),
    ("before", 10_000_000, 10_000_001, True),
    ("before", 10_000_001, 10_000_000, False),
    ("before", EARLY, LATE_MS, True),
    ("before", LATE_MS, LATE, False),
    ("before", None, EARLY, False),
    ("before", EARLY, "hey what's this?", False),
    ("before", EARLY, True, False),
    ("after", LATE, EARLY, True),
    ("after", EARLY, LATE, False),
    ("after", EARLY, EARLY, False),
    ("after", 10_000_001, 10_000_000, True),
    ("after", 10_000_000, 10_000_001, False),
    ("after", "10000001", 10_000_000, False),
    ("after", EARLY, "hey what's this?", False),
    ("after", float("nan"), 0, False),
]
VERSIONS: list[Row] = [
    ("semVerEqual", "2.0.0", "2.0.0", True),
    ("semVerEqual", "2.0", "2.0.0", True),
    ("semVerEqual", "2-rc1", "2.0.0-rc1", True),
    ("semVerEqual", "2+build2", "2.0.0+build3", True),
    ("semVerEqual", "2.0.0", "2.0.1", False),
    ("semVerEqual", 2, "2", False),
    ("semVerEqual", "2", 2, False),
    ("semVerEqual", "bad", "bad", False),
    ("semVerLessThan", "2.0.0", "2.0.1", True),
    ("semVerLessThan", "2.0", "2.0.1", True),
    ("semVerLessThan", "2.0.1", "2.0", False),
    ("semVerLessThan", "2.0.1", "xbad%ver", False),
    ("semVerLessThan", "2.0.0-rc", "2.0.0-rc.beta", True),
    ("semVerLessThan", "2.0.0", "2.0.0", False),
    ("semVerGreaterThan", "2.0.1", "2.0", True),
    ("semVerGreaterThan", "10.0.1", "2.0", True),
    ("semVerGreaterThan", "2.0.0", "2.0.1", False),
    ("semVerGreaterThan", "2.0.1", "xbad%ver", False),
    ("semVerGreaterThan", "2.0.0-rc.1", "2.0.0-rc.0", True),
]


@pytest.mark.parametrize(
    ("op", "value", "operand", "expected"),
    [*EQUALITY, *TEXT, *PATTERNS, *NUMBERS, *DATES, *VERSIONS],
    ids=lambda part: f"{part!r:.40}",
)
def test_operator__one_operand__documented_answer(
    op: str, value: object, operand: object, expected: bool
) -> None:
    assert folded(op, [operand])(value, Effort()) is expected


@pytest.mark.parametrize(
    ("op", "value", "operands"),
    [
        ("in", 3, ["3", True, 2, 3.0]),
        ("in", True, [False, 1, True]),
        ("startsWith", "xyz", ["a", 5, "xy"]),
        ("endsWith", "xyz", ["a", "yz"]),
        ("contains", "xyz", [None, "y"]),
        ("matches", "xyz", ["(", "^y", "z$"]),
        ("lessThan", 5, [1, 9, 2]),
        ("lessThanOrEqual", 5, [1, "9", 5]),
        ("greaterThan", 5, [9, 1, 7]),
        ("greaterThanOrEqual", 5, [9, 5, False]),
        ("before", EARLY, [0, LATE, 1]),
        ("after", EARLY, [LATE, "x", 0]),
        ("semVerEqual", "2.0", ["1", "2.0.0"]),
        ("semVerLessThan", "2.0", ["1", "3", "bad"]),
        ("semVerGreaterThan", "2.0", ["3", "1", 5]),
    ],
)
def test_operator__several_operands__one_is_enough(
    op: str, value: object, operands: list[object]
) -> None:
    assert folded(op, operands)(value, Effort())


@pytest.mark.parametrize("op", [*OPERATORS, "unheardOf", "In", "segmentMatch"])
@pytest.mark.parametrize("value", ["x", 1, True, None, EARLY, "2.0"])
def test_operator__no_operands__matches_nothing(op: str, value: object) -> None:
    assert folded(op, [])(value, Effort()) is False


def test_operators__as_documented__fourteen_and_segment_match() -> None:
    assert len(OPERATORS) == 14
    assert "segmentMatch" not in OPERATORS
