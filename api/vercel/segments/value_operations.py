"""Operations of an update: values added to and removed from those included and excluded."""

from collections.abc import Iterable
from typing import Any, Final

from api.bodies.json_values import JsonObject
from api.vercel.segments.models import ValueOperation

_Place = tuple[str, str, str]


class _Values:
    """The values of one attribute; each operation finds its own without a search."""

    __slots__ = ("_entries", "_places")

    def __init__(self, entries: list[JsonObject]) -> None:
        self._entries: list[JsonObject | None] = [*entries]
        self._places: dict[str, list[int]] = {}
        for place, entry in enumerate(entries):
            self._places.setdefault(entry["value"], []).append(place)

    def add(self, entry: JsonObject) -> None:
        """Add a value, or give the one that is there the new note, if there is one."""
        places = self._places.get(entry["value"])
        if not places:
            self._places[entry["value"]] = [len(self._entries)]
            self._entries.append(entry)
        elif "note" in entry:
            for place in places:
                self._entries[place] = entry

    def remove(self, value: str) -> None:
        """Remove every entry of a value."""
        for place in self._places.pop(value, ()):
            self._entries[place] = None

    def to_list(self) -> list[JsonObject]:
        """Give what is left."""
        return [entry for entry in self._entries if entry is not None]


def apply_operations(data: JsonObject, operations: Iterable[ValueOperation]) -> JsonObject:
    """Apply operations in their order; an attribute whose last value is removed stays, empty.

    Args:
        data: of a segment, in its form on the wire; it stays as it is.
        operations: to apply.

    Returns:
        The new data.
    """
    changed: dict[_Place, _Values] = {}
    for operation in operations:
        place = (operation.field, operation.entity, operation.attribute)
        values = changed.get(place)
        if values is None:
            found = data.get(place[0], {}).get(place[1], {}).get(place[2])
            if found is None and operation.action == "remove":
                continue
            values = changed[place] = _Values(found or [])
        if operation.action == "add":
            values.add(operation.value)
        else:
            values.remove(operation.value["value"])
    return _replace(data, changed)


_FIELDS: Final = ("include", "exclude")


def _replace(data: JsonObject, changed: dict[_Place, _Values]) -> JsonObject:
    copy: dict[str, Any] = dict(data)
    for field in _FIELDS:
        if field in copy:
            copy[field] = {kind: dict(attributes) for kind, attributes in copy[field].items()}
    for (field, kind, attribute), values in changed.items():
        copy.setdefault(field, {}).setdefault(kind, {})[attribute] = values.to_list()
    return copy
