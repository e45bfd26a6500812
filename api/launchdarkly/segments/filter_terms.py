"""What the list filter can ask of a segment: which field takes which operator and value.

Source: the field table in the documentation of List segments. Not documented, chosen here:
``view`` is taken with every operator and matches nothing, as no segment here is in a view;
``external exists true`` matches nothing, as no segment here is synced; ``exists`` without
a value means ``exists true``.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Protocol


class Filterable(Protocol):
    """What filters read of a segment."""

    @property
    def key(self) -> str:
        """The segment's key."""

    @property
    def name(self) -> str:
        """The segment's name."""

    @property
    def description(self) -> str | None:
        """The segment's description, if it was ever given one."""

    @property
    def tags(self) -> Sequence[str]:
        """The segment's tags."""

    @property
    def unbounded(self) -> bool:
        """Whether it is a big segment."""


Predicate = Callable[[Filterable], bool]


class ValueKind(Enum):
    """What stands after an operator; the value is how a message calls it."""

    TEXTS = 'a list of strings, such as ["a", "b"]'
    TEXT_OR_TEXTS = "a string or a list of strings in double quotes"
    FLAG = "true or false"
    OPTIONAL_FLAG = "true, false or nothing"


Maker = Callable[[Any], Predicate]


def _with_keys(keys: Sequence[str]) -> Predicate:
    wanted = frozenset(keys)
    return lambda one: one.key in wanted


def _without_keys(keys: Sequence[str]) -> Predicate:
    unwanted = frozenset(keys)
    return lambda one: one.key not in unwanted


def _with_tags(tags: Sequence[str]) -> Predicate:
    wanted = frozenset(tags)
    return lambda one: not wanted.isdisjoint(one.tags)


def _with_text(texts: Sequence[str]) -> Predicate:
    wanted = [text.casefold() for text in texts]

    def matches(one: Filterable) -> bool:
        key, name = one.key.casefold(), one.name.casefold()
        about = one.description.casefold() if one.description else ""
        return any(text in key or text in name or text in about for text in wanted)

    return matches


def _of_size(*, unbounded: bool) -> Predicate:
    return lambda one: one.unbounded is unbounded


def _nothing_has_it(*, wanted: bool) -> Predicate:
    return lambda _: not wanted


def _never(_: Sequence[str]) -> Predicate:
    return lambda _: False


#: Field and operator to the kind of value, and to what makes a predicate of it.
TERMS: Final[Mapping[str, Mapping[str, tuple[ValueKind, Maker]]]] = {
    "includedKeys": {"anyOf": (ValueKind.TEXTS, _with_keys)},
    "excludedKeys": {"anyOf": (ValueKind.TEXTS, _without_keys)},
    "tags": {"anyOf": (ValueKind.TEXTS, _with_tags)},
    "query": {"equals": (ValueKind.TEXT_OR_TEXTS, _with_text)},
    "unbounded": {"equals": (ValueKind.FLAG, lambda flag: _of_size(unbounded=flag))},
    "external": {
        "exists": (ValueKind.OPTIONAL_FLAG, lambda flag: _nothing_has_it(wanted=flag)),
    },
    "view": {
        "equals": (ValueKind.TEXT_OR_TEXTS, _never),
        "anyOf": (ValueKind.TEXTS, _never),
        "exists": (ValueKind.OPTIONAL_FLAG, lambda flag: _nothing_has_it(wanted=flag)),
    },
}
