"""The fourteen operators that test one value. The fifteenth, segmentMatch, is evaluation's own.

A clause matches if any of its values does, so its values are folded into one test when it is
compiled: "less than any of these" is "less than the greatest". Values of another type than
the operator's are never matched and fold to nothing.

Source: LaunchDarkly go-server-sdk-evaluation v3.0.1, evaluator_clause.go.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import ge, gt, le, lt
from types import MappingProxyType
from typing import Any, Final, TypeVar

from api.evaluation.effort import Effort
from api.evaluation.operators.dates import instant_of
from api.evaluation.operators.patterns import LazyPattern
from api.evaluation.operators.texts import Affixes, Contained
from api.evaluation.operators.versions import precedence_of
from api.evaluation.scalars import number_of

#: Tells whether a clause's values match one value of a context: a scalar, or an array's element.
Test = Callable[[object, Effort], bool]
_Fold = Callable[[Sequence[object]], Test]
_LONG_TEXT: Final = 256
_Measured = TypeVar("_Measured")


def folded(op: str, values: Sequence[object]) -> Test:
    """Fold a clause's values into one test. An unknown operator never matches."""
    fold = OPERATORS.get(op)
    return _never if fold is None else fold(values)


def _never(_value: object, _effort: Effort) -> bool:
    return False


def _strings_in(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str))


def _measured(
    values: Sequence[object], measure: Callable[[object], _Measured | None]
) -> list[_Measured]:
    return [measured for value in values if (measured := measure(value)) is not None]


def _equal(values: Sequence[object]) -> Test:
    """Compare value and JSON type; arrays, objects and null equal nothing."""
    strings = frozenset(_strings_in(values))
    booleans = frozenset(value for value in values if isinstance(value, bool))
    numbers = frozenset(_measured(values, number_of))

    def test(value: object, _effort: Effort) -> bool:
        if isinstance(value, str):
            return value in strings
        if isinstance(value, bool):
            return value in booleans
        return number_of(value) in numbers

    return test


def _starts_with(values: Sequence[object]) -> Test:
    wanted = Affixes(_strings_in(values), at_end=False)
    return lambda value, effort: isinstance(value, str) and wanted.test(value, effort)


def _ends_with(values: Sequence[object]) -> Test:
    wanted = Affixes(_strings_in(values), at_end=True)
    return lambda value, effort: isinstance(value, str) and wanted.test(value, effort)


def _contains(values: Sequence[object]) -> Test:
    wanted = Contained(_strings_in(values))
    return lambda value, effort: isinstance(value, str) and wanted.test(value, effort)


def _matches(values: Sequence[object]) -> Test:
    """Search anywhere in the text; an invalid pattern matches nothing."""
    patterns = tuple(LazyPattern(value) for value in dict.fromkeys(_strings_in(values)))

    def test(value: object, effort: Effort) -> bool:
        return isinstance(value, str) and any(it.is_in(value, effort) for it in patterns)

    return test


def _pay_for(value: object, effort: Effort) -> None:
    """Pay for reading a long text as a version or a date: up to 0.1 µs a character."""
    if isinstance(value, str) and len(value) > _LONG_TEXT:
        effort.spend_tests(len(value))


def _ordered(
    measure: Callable[[object], Any],
    compare: Callable[[Any, Any], bool],
    widest: Callable[[list[Any]], Any],
) -> _Fold:
    """Compare in one order; the widest of the clause's values decides for all of them."""

    def fold(values: Sequence[object]) -> Test:
        limits = _measured(values, measure)
        if not limits:
            return _never
        limit = widest(limits)

        def test(value: object, effort: Effort) -> bool:
            _pay_for(value, effort)
            measured = measure(value)
            return measured is not None and compare(measured, limit)

        return test

    return fold


def _same(measure: Callable[[object], Hashable | None]) -> _Fold:
    """Compare for equality under a measure."""

    def fold(values: Sequence[object]) -> Test:
        wanted = frozenset(_measured(values, measure))

        def test(value: object, effort: Effort) -> bool:
            _pay_for(value, effort)
            return measure(value) in wanted

        return test

    return fold


OPERATORS: Final[Mapping[str, _Fold]] = MappingProxyType(
    {
        "in": _equal,
        "startsWith": _starts_with,
        "endsWith": _ends_with,
        "contains": _contains,
        "matches": _matches,
        "lessThan": _ordered(number_of, lt, max),
        "lessThanOrEqual": _ordered(number_of, le, max),
        "greaterThan": _ordered(number_of, gt, min),
        "greaterThanOrEqual": _ordered(number_of, ge, min),
        "before": _ordered(instant_of, lt, max),
        "after": _ordered(instant_of, gt, min),
        "semVerEqual": _same(precedence_of),
        "semVerLessThan": _ordered(precedence_of, lt, max),
        "semVerGreaterThan": _ordered(precedence_of, gt, min),
    }
)
