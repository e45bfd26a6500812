"""Conditions of flags in packed form: ``[lhs, cmp]``, ``[lhs, cmp, rhs]``, ``[…, options]``.

Source: the type set ``Packed`` of flags-core 1.8.2.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from api.vercel.definitions.values import Value
from api.vercel.wire.names import require_name

MOST_CONDITIONS: Final = 1_000
#: Items of a condition's list, targets of one attribute.
MOST_ITEMS: Final = 10_000
#: Steps of a path into an entity: kind, attribute, and what is inside that.
_LONGEST_PATH: Final = 16
_LONGEST_NAME: Final = 512

SEGMENT: Final = "segment"
_ONE: Final = ("eq", "!eq")
_SEVERAL: Final = ("oneOf", "!oneOf")
_LISTS: Final = (*_SEVERAL, "containsAllOf", "containsAnyOf", "containsNoneOf")
_EXISTENCE: Final = ("ex", "!ex")
_PATTERNS: Final = ("regex", "!regex")
_TEXTS: Final = (
    *("startsWith", "!startsWith", "endsWith", "!endsWith", "contains", "!contains"),
    *("before", "after"),
)
_ORDERS: Final = ("gt", "gte", "lt", "lte")
_COMPARATORS: Final = (*_ONE, *_LISTS, *_TEXTS, *_EXISTENCE, *_ORDERS, *_PATTERNS)
#: JavaScript's flags of a regular expression.
_REGEX_FLAGS: Final = frozenset("dgimsuvy")

Resolve = Callable[[str], str | None]
"""Gives the id of the segment that has this id or slug; ``None``: there is none."""


@dataclass(slots=True)
class References:
    """The segments that the conditions of one flag name."""

    resolve: Resolve
    ids: set[str] = field(default_factory=set)

    def id_of(self, reference: Value) -> str:
        """The id of a segment that a condition names, and remember it."""
        found = self.resolve(reference.text(least=1))
        if found is None:
            reference.refuse("no segment has this id or slug; create it first")
        self.ids.add(found)
        return found


def read_conditions(value: Value, references: References) -> list[Any]:
    """Read the conditions of a rule, each segment named by its id.

    Raises:
        InvalidRequest: one is not as flags-core takes it; names the place.
    """
    items = value.items(most=MOST_CONDITIONS)
    return [_read_condition(condition, references) for condition in items]


def read_path(value: Value) -> list[Any]:
    """Read the path to a value inside the entities: kind, attribute, and on.

    Raises:
        InvalidRequest: it is not one; names the place.
    """
    return [_read_step(step) for step in value.items(least=1, most=_LONGEST_PATH)]


def read_targets(value: Value) -> dict[str, dict[str, list[str]]]:
    """Read a list of targets: kind → attribute → texts.

    Raises:
        InvalidRequest: it is not one; names the place.
    """
    return {
        read_name(kind, attributes): {
            read_name(attribute, texts): texts.texts(most=MOST_ITEMS)
            for attribute, texts in attributes.object().items()
        }
        for kind, attributes in value.object().items()
    }


def read_name(name: str, value: Value) -> str:
    """Read the name of a kind or an attribute, which is that of this value.

    Raises:
        InvalidRequest: no entity can be asked for it.
    """
    if len(name) > _LONGEST_NAME:
        value.refuse(f"a kind or an attribute has at most {_LONGEST_NAME} characters")
    try:
        require_name(name)
    except ValueError as exc:
        value.refuse(str(exc))
    return name


def _read_step(step: Value) -> str | int:
    if isinstance(step.json, str):
        return read_name(step.json, step)
    return step.integer(0, MOST_ITEMS)


def _read_condition(value: Value, references: References) -> list[Any]:
    parts = value.items(least=2, most=4)
    comparator = parts[1].choice(_COMPARATORS)
    if parts[0].json == SEGMENT:
        return [SEGMENT, comparator, _read_segments(parts, comparator, references)]
    condition = [read_path(parts[0]), comparator]
    if comparator in _EXISTENCE:
        return condition
    if len(parts) == len(condition):
        value.refuse(f"{comparator} needs a third item, the value to compare with")
    condition.append(_read_operand(parts[2], comparator))
    if len(parts) > len(condition):
        condition.append(_read_options(parts[3]))
    return condition


def _read_segments(parts: list[Value], comparator: str, references: References) -> Any:  # noqa: ANN401 - a text or several
    """Read which segments a condition is about; flags-core ignores its options."""
    if comparator not in (*_ONE, *_SEVERAL):
        parts[1].refuse(f"for segments it is one of {', '.join((*_ONE, *_SEVERAL))}")
    if len(parts) == 2:  # noqa: PLR2004 - the place of what is compared with
        parts[1].refuse("needs a third item, the segment")
    if comparator in _ONE:
        return references.id_of(parts[2])
    return [references.id_of(item) for item in parts[2].items(most=MOST_ITEMS)]


def _read_operand(value: Value, comparator: str) -> Any:  # noqa: ANN401 - any of its forms
    if comparator in _LISTS:
        return _read_list(value)
    if comparator in _PATTERNS:
        return _read_pattern(value)
    if comparator in _TEXTS:
        return value.text()
    if comparator in _ORDERS:
        return value.scalar()
    return value.json if isinstance(value.json, bool) else value.scalar()


def _read_list(value: Value) -> list[Any]:
    if isinstance(value.json, list) and all(type(item) is str for item in value.json):
        return list[Any](value.texts(most=MOST_ITEMS))
    return [item.scalar() for item in value.items(most=MOST_ITEMS)]


def _read_pattern(value: Value) -> dict[str, str]:
    fields = value.fields(("type", "pattern", "flags"))
    flags = fields["flags"].text(most=len(_REGEX_FLAGS))
    if not _REGEX_FLAGS.issuperset(flags) or len(set(flags)) != len(flags):
        fields["flags"].refuse("takes each of JavaScript's d g i m s u v y once")
    pattern = fields["pattern"].text(least=1)
    return {"type": fields["type"].choice(("regex",)), "pattern": pattern, "flags": flags}


def _read_options(value: Value) -> Any:  # noqa: ANN401 - an object or a text
    if isinstance(value.json, str):
        return value.choice(("i",))
    fields = value.fields((), ("i",))
    ignore_case = fields.get("i")
    if ignore_case is None:
        return {}
    if not isinstance(ignore_case.json, bool):
        ignore_case.refuse("must be true or false")
    return {"i": ignore_case.json}
