"""Segments made ready from the REST form of their ``data``.

A compiled segment depends on its definition and nothing else, so it may be kept for as long as
the definition stands, and shared between threads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from api.vercel.evaluation.comparators import Right, Scalar, test_of
from api.vercel.evaluation.javascript.numbers import text_of_number
from api.vercel.evaluation.javascript.properties import ordered_keys
from api.vercel.evaluation.javascript.values import FALSE, UNDEFINED, Constant, double_of, scalar_of
from api.vercel.evaluation.patterns.patterns import LazyExpression
from api.vercel.evaluation.values import HASH, PLAIN, Key

#: What `passPromille` counts, in spite of its name: thousandths of a percent.
FULL_SHARE: Final = 100_000
_HASHES: Final = 2**32

Side: TypeAlias = Literal["include", "exclude"]
Members: TypeAlias = frozenset[Scalar]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A list of any size that is kept elsewhere and asked beside the inline entries."""

    side: Side
    kind: str
    attribute: str


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """A condition on other segments; evaluation itself looks at them."""

    ids: tuple[str, ...] = ()
    is_negated: bool = False
    error: str | None = None
    """Why flags-core throws here."""


class Condition(NamedTuple):
    """A test of one view of a value, or without a key a :class:`SegmentTest`.

    A tuple, because evaluation takes tens of thousands apart.
    """

    key: Key | None
    answers: Any
    """A function of the value, or the :class:`SegmentTest`."""
    wanted: bool
    pays: bool


@dataclass(frozen=True, slots=True)
class Split:
    """The share of the values of one attribute that is let through."""

    key: Key
    share: float
    limit: int
    """Hashes below it pass, if the share is neither all nor none."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """Conditions that must all hold, and then the split if there is one."""

    rule_id: str | None
    conditions: tuple[Condition, ...]
    split: Split | None
    error: str | None
    """Why flags-core throws when the conditions hold."""


@dataclass(frozen=True, slots=True)
class CompiledSegment:
    """A segment ready to be evaluated any number of times."""

    segment_id: str
    include: tuple[tuple[Key, Members], ...]
    exclude: tuple[tuple[Key, Members], ...]
    rules: tuple[CompiledRule, ...]
    attachments: tuple[Attachment, ...]
    references: frozenset[str]
    """Segments that its conditions name."""
    cost: int
    """Tests that its rules may need, without what grows with the entities."""


def compile_segment(
    segment_id: str, data: Mapping[str, Any], *, attachments: Iterable[Attachment] = ()
) -> CompiledSegment:
    """Make a segment ready.

    Never fails for data that the routes' models have taken; what flags-core throws for becomes
    an error of the evaluations that reach it.

    Cost: about 10 µs a condition; a regular expression is made ready when first needed.
    """
    rules = tuple(_rule(rule) for rule in data.get("rules") or ())
    conditions = [condition for rule in rules for condition in rule.conditions]
    tests = [test.answers for test in conditions if isinstance(test.answers, SegmentTest)]
    return CompiledSegment(
        segment_id=segment_id,
        include=_targets(data.get("include")),
        exclude=_targets(data.get("exclude")),
        rules=rules,
        attachments=tuple(attachments),
        references=frozenset(name for test in tests for name in test.ids),
        cost=len(rules) + len(conditions),
    )


def _targets(targets: Mapping[str, Any] | None) -> tuple[tuple[Key, Members], ...]:
    return tuple(
        ((kind, attribute, PLAIN), frozenset(entry["value"] for entry in attributes[attribute]))
        for kind in ordered_keys(targets or {})
        for attributes in ((targets or {})[kind],)
        for attribute in ordered_keys(attributes)
    )


def _rule(rule: Mapping[str, Any]) -> CompiledRule:
    outcome = rule["outcome"]
    split = error = None
    if outcome["type"] == "split":
        base, share = outcome["base"], double_of(outcome["passPromille"])
        limit = floor(share / FULL_SHARE * _HASHES) if 0 < share < FULL_SHARE else 0
        split = Split((base["kind"], base["attribute"], HASH), share, limit)
    elif outcome["type"] != "all":
        error = "a rule's outcome is neither all nor split; write one of them"
    conditions = tuple(_condition(condition) for condition in rule["conditions"])
    return CompiledRule(rule.get("id"), conditions, split, error)


def _condition(condition: Mapping[str, Any]) -> Condition:
    left, comparator = condition["lhs"], condition["cmp"]
    right = right_of(condition.get("rhs"))
    if left["type"] == "segment":
        return Condition(None, _segment_test(comparator, right), wanted=True, pays=False)
    options = condition.get("cmpOptions") or {}
    test = test_of(comparator, right, ignores_case=options.get("ignoreCase") is True)
    key = left["kind"], left["attribute"], test.view
    return Condition(key, test.answers, test.wanted, test.pays)


def right_of(right: object) -> Right:
    """Give a condition's right side; ``None`` is an absent one."""
    if right is None:
        return UNDEFINED
    if not isinstance(right, Mapping):
        return scalar_of(right)
    if right["type"] == "regex":
        return LazyExpression(right["pattern"], right["flags"])
    return tuple(scalar_of(item["value"]) for item in right["items"])


def _segment_test(comparator: str, right: Right) -> SegmentTest:
    if right in {UNDEFINED, FALSE, "", 0.0}:
        return SegmentTest()
    is_negated = comparator.startswith("!")
    if comparator in {"eq", "!eq"}:
        return SegmentTest((_property_name(right),), is_negated)
    if comparator == "oneOf" and not isinstance(right, tuple):
        return SegmentTest()
    if comparator in {"oneOf", "!oneOf"} and isinstance(right, tuple):
        return SegmentTest(tuple(map(_property_name, right)), is_negated)
    return SegmentTest(
        error=f"a condition on segments cannot be {comparator!r} of this right side; use eq, !eq, "
        "or oneOf or !oneOf with a list"
    )


def _property_name(right: Right) -> str:
    """Give the name that JavaScript makes of a value in brackets."""
    if isinstance(right, str):
        return right
    if isinstance(right, float):
        return text_of_number(right)
    if isinstance(right, tuple):
        return ",".join(map(_property_name, right))
    return right.name if isinstance(right, Constant) else "[object Object]"
