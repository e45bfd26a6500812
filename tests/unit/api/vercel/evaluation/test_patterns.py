"""Regular expressions: JavaScript's dialect, and what is refused."""
# ruff: noqa: RUF001  # letters that look like others are what this is about

from typing import Any

import pytest

from api.vercel.evaluation import pattern_fault
from tests.unit.api.vercel.evaluation.build import condition, holds, outcome_of, regex, rule


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "expected"),
    [
        ("a$", "", "a\n", False),
        ("a$", "m", "a\nb", True),
        ("^b", "m", "a\rb", True),
        ("^b", "m", "a\u2028b", True),
        (r"^\d$", "", "\u0663", False),
        (r"^\w$", "", "é", False),
        (r"^\s$", "", "\ufeff", True),
        ("^.$", "", "\U0001f600", False),
        ("^..$", "", "\U0001f600", True),
        ("^.$", "u", "\U0001f600", True),
        ("a.b", "", "a\u2029b", False),
        ("a.b", "s", "a\nb", True),
        (r"\Z", "", "Z", True),
        ("[]", "", "a", False),
        ("[^]", "", "\n", True),
        ("a{,2}", "", "a{,2}", True),
        (r"\8", "", "8", True),
        (r"\101", "", "A", True),
        (r"\u{2}", "", "uu", True),
        ("(?<year>[0-9]{4})", "", "in 2024", True),
        ("k", "i", "\u212a", False),
        ("k", "iu", "\u212a", True),
        ("s", "i", "\u017f", False),
        ("s", "iu", "\u017f", True),
        (r"\bs", "iu", "a\u017f", False),
        ("ß", "i", "ẞ", False),
        ("ß", "iu", "ẞ", True),
        ("σ", "i", "ς", True),
        ("[a-z]", "g", "q", True),
        ("^[\\p{L}--[a-z]]$", "v", "q", False),
        ("^[\\p{L}--[a-z]]$", "v", "Q", True),
        (r"^\p{Lu}$", "u", "Ä", True),
        (r"\B", "", "aéa", False),
    ],
)
def test_regex__javascript_s_dialect__found_or_not(
    pattern: str, flags: str, text: str, expected: bool
) -> None:
    assert pattern_fault(pattern, flags) is None
    assert holds(condition("regex", regex(pattern, flags)), text) is expected
    assert holds(condition("!regex", regex(pattern, flags)), text) is not expected


@pytest.mark.parametrize(
    ("pattern", "flags", "reason"),
    [
        ("(", "", "closing"),
        ("a)", "", "opening"),
        ("*a", "", "repeat"),
        ("a**", "", "repeat"),
        ("[b-a]", "", "out of order"),
        ("a{2,1}", "", "out of order"),
        ("[a", "", "not closed"),
        ("a\\", "", "backslash"),
        ("a", "ii", "flags"),
        ("a", "uv", "flags"),
        ("a", "x", "flags"),
        ("}", "u", "backslash"),
        (r"\e", "u", "no meaning"),
        ("[a--]", "v", "not closed"),
    ],
)
def test_regex__not_valid_in_javascript__neither_found_nor_not_found(
    pattern: str, flags: str, reason: str
) -> None:
    fault = pattern_fault(pattern, flags)
    assert fault is not None
    assert reason in fault
    assert not holds(condition("regex", regex(pattern, flags)), "a")
    assert not holds(condition("!regex", regex(pattern, flags)), "a")


@pytest.mark.parametrize(
    ("pattern", "flags", "reason"),
    [
        ("a(?=b)", "", "look-ahead and look-behind"),
        ("(?<!a)b", "", "look-ahead and look-behind"),
        (r"(a)\1", "", "back-references"),
        (r"(?<x>a)\k<x>", "", "back-references"),
        ("(?i:a)", "", "inline flags"),
        ("(?<x>a)|(?<x>b)", "", "two groups"),
        ("a{1001}", "", "1,000 times"),
        ("(?:a{100}){100}", "", "repeats too often"),
        ("^a\\nb", "m", "end lines"),
        (r"\p{Script=Greek}", "u", "general category"),
        ("(?:[^x]{1000}){9}", "", "repeats too often"),
        ("a", "gy", "depend on the last one"),
        ("(" * 101 + ")" * 101, "", "nested too deeply"),
        (r"[\q{ab}]", "v", "strings in a class"),
        (r"\S" * 5_000, "i", "too wide classes"),
        ("a" * 30_000, "", "too large"),
    ],
)
def test_regex__re2_cannot_express__refused_with_the_reason_and_an_error_if_evaluated(
    pattern: str, flags: str, reason: str
) -> None:
    fault = pattern_fault(pattern, flags)
    assert fault is not None
    assert reason in fault
    data = {"rules": [rule(condition("!regex", regex(pattern, flags)))]}
    outcome = outcome_of(data, {"user": {"v": "a"}})
    assert not outcome.matched
    assert reason in str(outcome.error)


def test_regex__limit_of_units__counts_pairs_twice() -> None:
    made = condition("regex", regex("^"))
    assert holds(made, "a" * 10_000)
    assert not holds(made, "a" * 10_001)
    assert holds(made, "\U0001f600" * 5_000)
    assert not holds(made, "\U0001f600" * 5_001)
    assert not holds(condition("!regex", regex("x")), "a" * 10_001)


@pytest.mark.parametrize("value", [5, None, ["a"], True])
def test_regex__value_is_no_string__neither(value: Any) -> None:
    assert not holds(condition("regex", regex("")), value)
    assert not holds(condition("!regex", regex("x")), value)


def test_regex__right_side_is_a_string__neither() -> None:
    assert not holds(condition("regex", "a"), "a")
    assert not holds(condition("!regex", "b"), "a")
