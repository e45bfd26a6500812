"""How large the data of a segment may be, and what else is refused although it is well-formed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from api.bodies.unknown_names import repeatable
from api.errors import InvalidRequest
from api.settings import ApiSettings
from api.vercel.evaluation import pattern_fault
from api.vercel.segments.data import (
    Condition,
    Expression,
    InSegment,
    ListValue,
    SegmentData,
    Targets,
)

#: Characters of all regular expressions of a segment: checking one takes up to 13 µs a character.
MOST_PATTERN: Final = 100_000

_REGEX: Final = frozenset({"regex", "!regex"})
_ONE: Final = frozenset({"eq", "!eq"})
_SEVERAL: Final = frozenset({"oneOf", "!oneOf"})


@dataclass(frozen=True, slots=True)
class DataBounds:
    """The bounds that a deployment chooses."""

    rules: int
    items: int
    targets: int
    kinds: int
    attributes: int
    name_length: int
    size_bytes: int

    @classmethod
    def of(cls, settings: ApiSettings) -> "DataBounds":
        """The bounds of the settings."""
        return cls(
            rules=settings.vercel_rules,
            items=settings.vercel_list_items,
            targets=settings.vercel_targets,
            kinds=settings.vercel_kinds,
            attributes=settings.vercel_attributes,
            name_length=settings.vercel_name_length,
            size_bytes=settings.vercel_segment_bytes,
        )


def require_bounded(data: SegmentData, bounds: DataBounds) -> None:
    """Make sure that data is not too large and can be evaluated.

    Args:
        data: of a segment.
        bounds: on it.

    Raises:
        InvalidRequest: it is not; says where.
    """
    rules = data.rules or ()
    _require_few("data.rules", len(rules), bounds.rules, "rules")
    for place, condition in list_conditions(data):
        _require_condition(place, condition, bounds)
    _require_patterns(data)
    for number, rule in enumerate(rules):
        if rule.outcome.type == "split":
            base = rule.outcome.base
            _require_short(f"data.rules[{number}].outcome.base", bounds, base.kind, base.attribute)
    for side, targets in (("include", data.include), ("exclude", data.exclude)):
        _require_targets(f"data.{side}", targets or {}, bounds)


def list_conditions(data: SegmentData) -> Iterator[tuple[str, Condition]]:
    """Each condition of all rules, with its place."""
    for number, rule in enumerate(data.rules or ()):
        for index, condition in enumerate(rule.conditions):
            yield f"data.rules[{number}].conditions[{index}]", condition


def _require_condition(place: str, condition: Condition, bounds: DataBounds) -> None:
    lhs, rhs = condition.lhs, condition.rhs
    if isinstance(rhs, ListValue):
        _require_few(f"{place}.rhs.items", len(rhs.items), bounds.items, "items")
    if isinstance(lhs, InSegment):
        _require_segments(place, condition)
        return
    _require_short(f"{place}.lhs", bounds, lhs.kind, lhs.attribute)


def _require_patterns(data: SegmentData) -> None:
    """Make sure that every regular expression that is used as one can be run."""
    found = {
        (rhs.pattern, rhs.flags): place
        for place, condition in list_conditions(data)
        if isinstance(rhs := condition.rhs, Expression) and condition.cmp in _REGEX
    }
    length = sum(len(pattern) for pattern, _ in found)
    if length > MOST_PATTERN:
        raise InvalidRequest(
            f"data.rules: regular expressions of {length:,} characters; at most {MOST_PATTERN:,} "
            "are allowed in a segment"
        )
    for (pattern, flags), place in found.items():
        fault = pattern_fault(pattern, flags)
        if fault is not None:
            raise InvalidRequest(f"{place}.rhs: {fault}")


def _require_segments(place: str, condition: Condition) -> None:
    """Make sure that a condition on segments names some: an evaluator breaks on others."""
    rhs = condition.rhs
    if condition.cmp in _ONE and isinstance(rhs, str):
        return
    if (
        condition.cmp in _SEVERAL
        and isinstance(rhs, ListValue)
        and all(isinstance(item["value"], str) for item in rhs.items)
    ):
        return
    raise InvalidRequest(
        f"{place}: a condition on segments compares with eq or !eq and the id or slug of a "
        "segment, or with oneOf or !oneOf and a list of them"
    )


def _require_targets(place: str, targets: Targets, bounds: DataBounds) -> None:
    _require_few(place, len(targets), bounds.kinds, "kinds")
    for kind, attributes in targets.items():
        inside = f"{place}.{repeatable(kind) or '…'}"
        _require_few(inside, len(attributes), bounds.attributes, "attributes")
        for attribute, values in attributes.items():
            _require_short(place, bounds, kind, attribute)
            where = f"{inside}.{repeatable(attribute) or '…'}"
            _require_few(where, len(values), bounds.targets, "values")


def _require_short(place: str, bounds: DataBounds, *names: str) -> None:
    if any(len(name) > bounds.name_length for name in names):
        message = f"kinds and attributes have at most {bounds.name_length:,} characters"
        raise InvalidRequest(f"{place}: {message}")


def _require_few(place: str, found: int, most: int, what: str) -> None:
    if found > most:
        raise InvalidRequest(f"{place}: {found:,} {what}; at most {most:,} are allowed")
