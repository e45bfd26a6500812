"""What each comparator makes of values of every type, as flags-core does."""

from typing import Any

import pytest

from api.vercel.evaluation import COMPARATORS
from tests.unit.api.vercel.evaluation.build import ABSENT, condition, holds, regex

NEGATED_WHEN_MISSING = {"!eq", "containsNoneOf", "!ex"}


def test_comparators__all__are_twenty_three() -> None:
    assert len(COMPARATORS) == 23


@pytest.mark.parametrize("comparator", sorted(COMPARATORS))
def test_comparator__attribute_is_missing__holds_for_three(comparator: str) -> None:
    right: Any = "a"
    if comparator.lower().endswith("of"):
        right = ["a"]
    elif comparator.endswith("regex"):
        right = regex("a")
    elif comparator in {"before", "after"}:
        right = "2024-01-01"
    assert holds(condition(comparator, right)) is (comparator in NEGATED_WHEN_MISSING)


@pytest.mark.parametrize(
    ("value", "right", "expected"),
    [
        (1, 1.0, True),
        (1, "1", False),
        (True, 1, False),
        (1, True, False),
        (True, True, True),
        ("a", "A", False),
        (2**53 + 1, 2**53, True),
        (ABSENT, ABSENT, True),
        (None, ABSENT, False),
        (["a"], ["a"], False),
        ("toString", "toString", True),
    ],
)
def test_eq__types__compared_without_coercion(value: Any, right: Any, expected: bool) -> None:
    assert holds(condition("eq", right), value) is expected
    assert holds(condition("!eq", right), value) is not expected


@pytest.mark.parametrize(
    ("value", "items", "is_in", "is_not_in"),
    [
        ("a", ["a", "b"], True, False),
        (1, ["1"], False, True),
        (True, [1], False, True),
        ("a", [], False, True),
        (None, ["a"], False, True),
        (["a"], ["a"], False, True),
        (ABSENT, ["a"], False, False),
        ("a", "a", False, False),
    ],
)
def test_one_of__types__compared_without_coercion(
    value: Any, items: Any, is_in: bool, is_not_in: bool
) -> None:
    assert holds(condition("oneOf", items), value) is is_in
    assert holds(condition("!oneOf", items), value) is is_not_in


@pytest.mark.parametrize(
    ("value", "items", "all_of", "any_of", "none_of"),
    [
        (["a", "b"], ["a"], True, True, False),
        (["a"], ["a", "b"], False, True, False),
        (["a"], ["a", 1], True, True, False),
        ([], [1], True, False, True),
        (["a", "a"], ["a", 1], False, True, False),
        (["a"], [], True, False, True),
        ([1], ["1"], False, False, True),
        ([True], [1], False, False, True),
        ("a", ["a"], False, False, True),
        (["a"], "a", False, False, False),
    ],
)
def test_contains_of__arrays__as_flags_core_with_its_quirk_about_strings(
    value: Any, items: Any, all_of: bool, any_of: bool, none_of: bool
) -> None:
    found = [
        holds(condition(f"contains{which}Of", items), value) for which in ("All", "Any", "None")
    ]
    assert found == [all_of, any_of, none_of]


@pytest.mark.parametrize(
    ("comparator", "value", "right", "expected"),
    [
        ("startsWith", "abc", "", True),
        ("startsWith", "abc", "ab", True),
        ("startsWith", 10, "1", False),
        ("!startsWith", 10, "1", False),
        ("!startsWith", "abc", "b", True),
        ("endsWith", "abc", "bc", True),
        ("contains", ["a"], "a", False),
        ("!contains", ["a"], "b", False),
        ("!contains", "abc", "x", True),
        ("contains", "\U0001f600", "\ud83d", True),
        ("startsWith", "\U0001f600", "\ud83d", True),
        ("endsWith", "a\U0001f600", "\ude00", True),
        ("endsWith", "a\U0001f600", "\ud83d", False),
    ],
)
def test_text__parts__are_parts_in_units(
    comparator: str, value: Any, right: str, expected: bool
) -> None:
    assert holds(condition(comparator, right), value) is expected


@pytest.mark.parametrize(
    ("value", "right", "expected"),
    [("ALICE", "alice", True), ("İ", "i\u0307", True), ("ΑΣ", "ας", True), ("ß", "SS", False)],
)
def test_ignore_case__eq__compares_lower_case(value: str, right: str, expected: bool) -> None:
    assert holds(condition("eq", right, ignore_case=True), value) is expected


def test_ignore_case__letters_newer_than_python_s_unicode__are_known() -> None:
    assert holds(condition("eq", "\u0264", ignore_case=True), "\ua7cb")
    assert holds(condition("oneOf", ["\U00010d70"], ignore_case=True), "\U00010d50")


def test_ignore_case__arrays__by_element() -> None:
    assert holds(condition("containsAllOf", ["A", "b"], ignore_case=True), ["a", "B"])


def test_ignore_case__other_comparators__ignore_the_option() -> None:
    assert not holds(condition("regex", regex("A"), ignore_case=True), "a")
    assert not holds(condition("lt", "B", ignore_case=True), "a")
    assert holds(condition("gt", "B", ignore_case=True), "a")


@pytest.mark.parametrize(
    ("value", "comparator", "right", "expected"),
    [
        ("6", "gt", 5, True),
        ("10", "lt", "9", True),
        ("\uff5e", "gt", "\U0001f600", True),
        (" 6 ", "gt", 5, True),
        ("0x10", "gte", 16, True),
        ("1e3", "lte", 1000, True),
        ("Infinity", "gt", 1e308, True),
        ("", "gte", 0, True),
        ([], "lte", 0, True),
        (True, "gte", 1, True),
        ([6], "gt", 5, True),
        ("abc", "gt", 0, False),
        ("1_000", "gt", 0, False),
        ("inf", "gt", 0, False),
        ({}, "gt", 0, False),
        ({}, "gt", "5", True),
        ({"toString": 1}, "gt", "5", False),
        ([1, [2, None]], "gte", "1,2,", True),
        ([1e21], "gte", "1e+21", True),
        (None, "lte", 1, False),
        (5, "gt", True, False),
        ("\x1c7", "gt", 0, False),
    ],
)
def test_order__values__as_javascript_orders_them(
    value: Any, comparator: str, right: Any, expected: bool
) -> None:
    assert holds(condition(comparator, right), value) is expected


@pytest.mark.parametrize("value", ["", 0, False, []])
def test_exists__falsy_values__exist(value: Any) -> None:
    assert holds(condition("ex"), value)
    assert not holds(condition("!ex"), value)


def test_exists__null__does_not() -> None:
    assert not holds(condition("ex"), None)
    assert holds(condition("!ex"), None)


def test_comparator__unknown__never_holds() -> None:
    assert not holds(condition("equals", "a"), "a")


@pytest.mark.parametrize(
    ("value", "right", "before", "after"),
    [
        ("2024-01-01", "2024-01-02", True, False),
        ("2024-01-01", "2024-01-01T00:00:00Z", False, False),
        ("2024-01-02", "Jan 1, 2024", False, True),
        (1704067200000, "2030-01-01", False, False),
        ("soon", "2024-01-01", False, False),
        ("2024-01-01", "soon", False, False),
    ],
)
def test_dates__texts__compared_as_instants(
    value: Any, right: str, before: bool, after: bool
) -> None:
    assert holds(condition("before", right), value) is before
    assert holds(condition("after", right), value) is after
