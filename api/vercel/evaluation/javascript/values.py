"""JavaScript's values as hashable Python ones, so that ``===`` is ``==`` and a set can hold them.

A string is a ``str``, a number a ``float``. True and false are constants of their own, because
``True == 1`` in Python. Arrays, objects and functions equal only themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A value that there is one of."""

    name: str


UNDEFINED: Final = Constant("undefined")
NULL: Final = Constant("null")
TRUE: Final = Constant("true")
FALSE: Final = Constant("false")


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """An array; its items are JSON values as they were parsed."""

    items: Sequence[object]
    members: "frozenset[str | float | Constant]"
    """The items that a condition can name: those that are no arrays and no objects."""

    @property
    def is_distinct_strings(self) -> bool:
        """Whether all items are strings and none is there twice."""
        size = len(self.items)
        return len(self.members) == size and all(isinstance(item, str) for item in self.members)


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """An object; its members are JSON values as they were parsed."""

    members: Mapping[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A built-in function, which nobody sends, but which every object has some of."""

    name: str
    length: int

    @property
    def text(self) -> str:
        """What the function is as a string."""
        return f"function {self.name}() {{ [native code] }}"


Value: TypeAlias = str | float | Constant | Array | Object | Function


def value_of(parsed: object) -> Value:
    """Give the value of parsed JSON. An integer beyond a double's range is an infinity."""
    if isinstance(parsed, Mapping):
        return Object(parsed)
    if isinstance(parsed, (list, tuple)):
        return array_of(parsed)
    return scalar_of(parsed)


def array_of(items: Sequence[object]) -> Array:
    """Give the array of parsed items."""
    return Array(
        items,
        frozenset(
            scalar_of(item) for item in items if not isinstance(item, (Mapping, list, tuple))
        ),
    )


def scalar_of(parsed: object) -> str | float | Constant:
    """Give the value of parsed JSON that is no array and no object."""
    if isinstance(parsed, str):
        return parsed
    if parsed is None:
        return NULL
    if isinstance(parsed, bool):
        return TRUE if parsed else FALSE
    if isinstance(parsed, (int, float)):
        return double_of(parsed)
    raise TypeError(f"{type(parsed).__name__} is no type of parsed JSON")


def double_of(number: float) -> float:
    """Give a number as the double that JavaScript would parse it as."""
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
