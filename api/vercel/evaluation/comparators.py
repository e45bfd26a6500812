"""The 23 comparators, each made into a test of one view of an entity's value.

A condition that names one of many values is a set, made once. A test that depends on more than
the value's hash is a function; one whose cost grows with the value takes the effort too.

Source: @vercel/flags-core 1.8.2, matchConditions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from api.evaluation import Effort
from api.vercel.evaluation.javascript.dates import milliseconds_of
from api.vercel.evaluation.javascript.numbers import Compare, is_ordered, number_of
from api.vercel.evaluation.javascript.texts import has_half_pair, lower_case, units_of
from api.vercel.evaluation.javascript.values import (
    NULL,
    UNDEFINED,
    Array,
    Constant,
    Value,
)
from api.vercel.evaluation.patterns.patterns import LazyExpression
from api.vercel.evaluation.values import INSTANT, LOWER, PLAIN, PRIMITIVE

Scalar: TypeAlias = str | float | Constant
#: A condition's right side: one value (`UNDEFINED` if it is absent), a list, or an expression.
Right: TypeAlias = Scalar | tuple[Scalar, ...] | LazyExpression

#: Characters that are searched, and items that are compared, at the cost of one test.
_CHARACTERS_A_TEST: Final = 128
_ITEMS_A_TEST: Final = 8


@dataclass(frozen=True, slots=True)
class Test:
    """What a condition asks of a value; it holds if the answer is ``wanted``."""

    answers: Callable[..., Any]
    """Takes the value, and the effort if the test pays."""
    wanted: bool = True
    view: str = PLAIN
    pays: bool = False


def test_of(comparator: str, right: Right, *, ignores_case: bool) -> Test:
    """Make the test of one condition. An unknown comparator never holds."""
    make = _COMPARATORS.get(comparator, _never)
    if not ignores_case or comparator not in _IGNORE_CASE:
        return make(right)
    test = make(_lower(right))
    return Test(test.answers, test.wanted, LOWER if test.view == PLAIN else test.view, test.pays)


def _lower(right: Right) -> Right:
    if isinstance(right, str):
        return lower_case(right)
    if isinstance(right, tuple):
        return tuple(lower_case(item) if isinstance(item, str) else item for item in right)
    return right


def _among(values: frozenset[Scalar], *, wanted: bool = True) -> Test:
    return Test(values.__contains__, wanted)


def _never(_right: Right) -> Test:
    return _among(frozenset())


def _equal(right: Right, *, wanted: bool = True) -> Test:
    if isinstance(right, (tuple, LazyExpression)):
        return _among(frozenset(), wanted=wanted)
    return _among(frozenset([right]), wanted=wanted)


def _not_equal(right: Right) -> Test:
    return _equal(right, wanted=False)


def _one_of(right: Right) -> Test:
    return _among(frozenset(right)) if isinstance(right, tuple) else _never(right)


def _not_one_of(right: Right) -> Test:
    if not isinstance(right, tuple):
        return _never(right)
    return _among(frozenset(right) | {UNDEFINED}, wanted=False)


def _exists(_right: Right) -> Test:
    return _among(frozenset([UNDEFINED, NULL]), wanted=False)


def _exists_not(_right: Right) -> Test:
    return _among(frozenset([UNDEFINED, NULL]))


def _all_of(right: Right) -> Test:
    if not isinstance(right, tuple):
        return _never(right)
    every = frozenset(right)
    strings = frozenset(item for item in right if isinstance(item, str))
    cost = len(every) // _ITEMS_A_TEST

    def answers(value: Value, effort: Effort) -> bool:
        if not isinstance(value, Array):
            return False
        effort.spend_tests(cost + len(value.items) // _ITEMS_A_TEST)
        # flags-core then compares strings alone; so an empty array has all numbers.
        return (strings if value.is_distinct_strings else every) <= value.members

    return Test(answers, pays=True)


def _any_of(right: Right, *, wanted: bool = True) -> Test:
    if not isinstance(right, tuple):
        return _never(right)
    items = frozenset(right)

    def answers(value: Value, effort: Effort) -> bool:
        if not isinstance(value, Array):
            return False
        effort.spend_tests(min(len(items), len(value.members)) // _ITEMS_A_TEST)
        return not items.isdisjoint(value.members)

    return Test(answers, wanted, pays=True)


def _none_of(right: Right) -> Test:
    return _any_of(right, wanted=False) if isinstance(right, tuple) else _never(right)


def _by_text(is_true: Callable[[str, str], bool], *, wanted: bool) -> Callable[[Right], Test]:
    def make(right: Right) -> Test:
        if not isinstance(right, str):
            return _never(right)
        if has_half_pair(right):
            halves = units_of(right)

            def answers(value: Value, effort: Effort) -> bool:
                if not isinstance(value, str):
                    return False
                effort.spend_tests(len(value))
                return is_true(units_of(value), halves) is wanted

        else:

            def answers(value: Value, effort: Effort) -> bool:
                if not isinstance(value, str):
                    return False
                if len(value) >= _CHARACTERS_A_TEST:
                    effort.spend_tests(len(value) // _CHARACTERS_A_TEST)
                return is_true(value, right) is wanted

        return Test(answers, pays=True)

    return make


def _ordered(compare: Compare) -> Callable[[Right], Test]:
    def make(right: Right) -> Test:
        if not isinstance(right, (str, float)):
            return _never(right)
        limit = right
        number = number_of(limit)

        def answers(value: Any, effort: Effort) -> bool:  # noqa: ANN401  # a view without objects
            if isinstance(value, float):
                return compare(value, number)
            if value is UNDEFINED:
                return False
            if isinstance(value, str) and len(value) >= _CHARACTERS_A_TEST:
                effort.spend_tests(len(value) // _ITEMS_A_TEST)
            return is_ordered(compare, value, limit)

        return Test(answers, view=PRIMITIVE, pays=True)

    return make


def _regex(*, wanted: bool) -> Callable[[Right], Test]:
    def make(right: Right) -> Test:
        if not isinstance(right, LazyExpression):
            return _never(right)

        def answers(value: Value, effort: Effort) -> bool:
            return isinstance(value, str) and right.finds(value, effort) is wanted

        return Test(answers, pays=True)

    return make


def _dated(compare: Compare) -> Callable[[Right], Test]:
    def make(right: Right) -> Test:
        limit = milliseconds_of(right) if isinstance(right, str) else None
        if limit is None:
            return _never(right)

        def answers(value: Value) -> bool:
            return isinstance(value, float) and compare(value, limit)

        return Test(answers, view=INSTANT)

    return make


def _contains(text: str, part: str) -> bool:
    return part in text


_COMPARATORS: Final[Mapping[str, Callable[[Right], Test]]] = MappingProxyType(
    {
        "eq": _equal,
        "!eq": _not_equal,
        "oneOf": _one_of,
        "!oneOf": _not_one_of,
        "containsAllOf": _all_of,
        "containsAnyOf": _any_of,
        "containsNoneOf": _none_of,
        "startsWith": _by_text(str.startswith, wanted=True),
        "!startsWith": _by_text(str.startswith, wanted=False),
        "endsWith": _by_text(str.endswith, wanted=True),
        "!endsWith": _by_text(str.endswith, wanted=False),
        "contains": _by_text(_contains, wanted=True),
        "!contains": _by_text(_contains, wanted=False),
        "ex": _exists,
        "!ex": _exists_not,
        "gt": _ordered(gt),
        "gte": _ordered(ge),
        "lt": _ordered(lt),
        "lte": _ordered(le),
        "regex": _regex(wanted=True),
        "!regex": _regex(wanted=False),
        "before": _dated(lt),
        "after": _dated(gt),
    }
)
#: The names of all comparators.
COMPARATORS: Final = frozenset(_COMPARATORS)
_IGNORE_CASE: Final = COMPARATORS - {
    "ex",
    "!ex",
    "gt",
    "gte",
    "lt",
    "lte",
    "regex",
    "!regex",
    "before",
    "after",
}
