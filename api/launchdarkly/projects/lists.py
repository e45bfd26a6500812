"""Filtering and sorting lists of projects and of environments.

``filter`` is a comma-separated list of ``field:value``; all must hold. Source: the
documentation of List projects and List environments.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from api.errors import InvalidRequest
from worker.store import Place

Predicate = Callable[[Place], bool]


def _query(text: str) -> Predicate:
    wanted = text.casefold()
    return lambda place: wanted in place.key.casefold() or wanted in place.name.casefold()


def _tags(text: str) -> Predicate:
    wanted = {tag.casefold() for tag in text.split("+")}
    return lambda place: wanted <= {tag.casefold() for tag in place.tags}


def _keys(text: str) -> Predicate:
    wanted = frozenset(text.split("|"))
    return lambda place: place.key in wanted


_FILTERS: Final[Mapping[str, Callable[[str], Predicate]]] = {
    "query": _query,
    "tags": _tags,
    "keys": _keys,
}
_SORTS: Final[Mapping[str, Callable[[Place], Any]]] = {
    "name": lambda place: place.name,
    "createdOn": lambda place: place.created_ms,
    "critical": lambda place: bool(place.details.get("critical")),
}


def select(
    places: Sequence[Place],
    *,
    filter_text: str = "",
    sort_text: str = "",
    newest_first: bool = False,
) -> list[Place]:
    """Select the places that pass the filter, in the order asked for or else that of creation.

    Args:
        places: in any order.
        filter_text: the parameter; '' keeps all.
        sort_text: the parameter; '' for the order of creation.
        newest_first: whether the order of creation begins with the newest.

    Raises:
        InvalidRequest: the filter or the order is wrong; says which part.
    """
    sign = -1 if newest_first else 1
    found = sorted(places, key=lambda place: (sign * place.created_ms, place.key))
    for position, part in enumerate(filter_text.split(",") if filter_text.strip() else (), 1):
        field, colon, value = part.strip().partition(":")
        if not colon or field not in _FILTERS:
            message = (
                f"filter: part {position} is none of {', '.join(_FILTERS)}, each as field:value"
            )
            raise InvalidRequest(message)
        found = list(filter(_FILTERS[field](value), found))
    for part in reversed(sort_text.split(",") if sort_text.strip() else ()):
        name = part.strip().removeprefix("-")
        if name not in _SORTS:
            raise InvalidRequest(f"sort: use {', '.join(_SORTS)}, with - for descending")
        found.sort(key=_SORTS[name], reverse=part.strip().startswith("-"))
    return found
