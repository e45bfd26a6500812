"""Finds the field of JSON objects that holds the keys, by the first lines of a list."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from worker.lists.column_names import find_named
from worker.lists.errors import ColumnNotFound
from worker.lists.json_lines import decode_line
from worker.options.lists import ListOptions


def leading_objects(lines: Iterable[bytes]) -> list[dict[str, object]]:
    """The first lines, as long as they are objects of JSON; of those, the ones with fields."""
    found: list[dict[str, object]] = []
    for line in lines:
        try:
            value = decode_line(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(value, dict):
            break
        if value:
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


def _find_name(objects: Sequence[Mapping[str, object]], name: str) -> str:
    """The field that is meant, as it is spelled; many writers leave out fields that are null."""
    names = list(dict.fromkeys(chain.from_iterable(objects)))
    found = find_named(names, name)
    if len(found) > 1:
        raise ColumnNotFound(f"{len(found)} fields of the objects are named {name}")
    return names[found[0]] if found else name
