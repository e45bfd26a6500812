"""Finds the field of JSON objects that holds the keys, by the first lines of a list."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from worker.lists.column_names import find_named
from worker.lists.errors import ColumnNotFound
from worker.lists.json_lines import decode_line
from worker.options.lists import ListOptions

#: Objects that have to have a field before it is named, and fields that are named.
_LEAST_OBJECTS: Final = 2
_MOST_NAMED: Final = 8


def leading_objects(lines: Iterable[bytes]) -> list[dict[str, object]]:
    """The first lines, as long as they are objects of JSON."""
    found: list[dict[str, object]] = []
    for line in lines:
        try:
            value = decode_line(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(value, dict):
            break
        found.append(value)
    return found


def choose_field(objects: Sequence[Mapping[str, object]], options: ListOptions) -> tuple[int, str]:
    """The place of the field in the first object, and its name.

    Raises:
        ColumnNotFound: It has to be chosen first, or is not there.
    """
    number, names = options.column_number, list(objects[0])
    if options.column_name is not None:
        name = _find_name(objects, options.column_name)
        return (names.index(name) if name in names else 0), name
    if number is None and len(names) > 1:
        raise ColumnNotFound(f"the lines are objects of {len(names)} fields")
    if (number or 0) >= len(names):
        raise ColumnNotFound(f"the first object has {len(names)} fields, not {(number or 0) + 1}")
    return number or 0, names[number or 0]


def describe_missing(objects: Sequence[Mapping[str, object]], name: str) -> str | None:
    """Say that none of the objects has a field, and which fields they have; ``None`` if one has it.

    Only fields that half of several objects have are named: others may be keys themselves.
    """
    counts = Counter(chain.from_iterable(objects))
    if not objects or find_named(list(counts), name):
        return None
    least = max(_LEAST_OBJECTS, len(objects) / 2)
    shared = [field for field, count in counts.items() if count >= least]
    named = f"; their fields: {', '.join(shared[:_MOST_NAMED])}" if shared else ""
    if len(objects) == 1:
        return f"the first object has no field {name}"
    return f"none of the first {len(objects):,} objects has a field {name}{named}"


def _find_name(objects: Sequence[Mapping[str, object]], name: str) -> str:
    """The field that is meant, as it is spelled; many writers leave out fields that are null."""
    names = list(dict.fromkeys(chain.from_iterable(objects)))
    found = find_named(names, name)
    if len(found) > 1:
        raise ColumnNotFound(f"{len(found)} fields of the objects are named {name}")
    return names[found[0]] if found else name
