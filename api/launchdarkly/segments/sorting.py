"""The ``sort`` parameter of the list of segments.

A comma-separated list of ``creationDate``, ``name`` and ``lastModified``; ``-`` before a
field turns it round. Fields further left weigh more.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from api.errors import InvalidRequest


class Sortable(Protocol):
    """What sorting reads of a segment."""

    @property
    def key(self) -> str:
        """The segment's key."""

    @property
    def name(self) -> str:
        """The segment's name."""

    @property
    def created_ms(self) -> int:
        """When it was created, in Unix milliseconds."""

    @property
    def modified_ms(self) -> int:
        """When it was last changed, in Unix milliseconds."""


SegmentLike = TypeVar("SegmentLike", bound=Sortable)

_FIELDS: Final[Mapping[str, Callable[[Sortable], Any]]] = {
    "creationDate": lambda one: one.created_ms,
    "name": lambda one: one.name,
    "lastModified": lambda one: one.modified_ms,
}


@dataclass(frozen=True, slots=True)
class SortField:
    """One field to sort by."""

    name: str
    descending: bool


def parse_sort(text: str) -> tuple[SortField, ...]:
    """Read the parameter; nothing at all is read as newest first.

    Raises:
        InvalidRequest: a field that cannot be sorted by; says which one.
    """
    fields = []
    for position, part in enumerate(text.split(",") if text.strip() else (), start=1):
        word = part.strip()
        name = word.removeprefix("-")
        if name not in _FIELDS:
            known = ", ".join(_FIELDS)
            message = f"sort: field {position} is none of {known} (with - for descending)"
            raise InvalidRequest(message)
        fields.append(SortField(name, descending=word.startswith("-")))
    return tuple(fields)


def in_order(segments: Iterable[SegmentLike], fields: tuple[SortField, ...]) -> list[SegmentLike]:
    """Sort segments; those that the fields do not tell apart come newest first, then by key.

    Cost: one stable sort a field, and one for the order of the rest.
    """
    ordered = sorted(segments, key=lambda one: (-one.created_ms, one.key))
    for field in reversed(fields):
        ordered.sort(key=_FIELDS[field.name], reverse=field.descending)
    return ordered
