"""Filtering and sorting lists of projects and of environments.

``filter`` is a comma-separated list of ``field:value``; all must hold. Source: the
documentation of List projects and List environments.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import Query

from api.errors import InvalidRequest
from api.launchdarkly.wire.parameters import sorted_by
from worker.store import Place

Predicate = Callable[[Place], bool]

Sort = Annotated[
    str,
    Query(
        description="Fields to sort by, separated by commas, each with `-` before it for "
        "descending order: `name`, `createdOn`, `critical`. Without it, projects come newest "
        "first and environments oldest first.",
        json_schema_extra=sorted_by("name|createdOn|critical"),
    ),
]
Filter = Annotated[
    str,
    Query(
        description="A comma-separated list of `field:value`, all of which must match: "
        "`query:text` searches keys and names, `tags:a+b` takes what has all these tags, "
        "`keys:a|b` what has one of these keys."
    ),
]


def _query(text: str) -> Predicate:
    wanted = text.casefold()
    return lambda one: wanted in one.key.casefold() or wanted in one.name.casefold()


def _tags(text: str) -> Predicate:
    wanted = {tag.casefold() for tag in text.split("+")}
    return lambda one: wanted <= {tag.casefold() for tag in one.tags}


def _keys(text: str) -> Predicate:
    wanted = frozenset(text.split("|"))
    return lambda one: one.key in wanted


_FILTERS: Final[Mapping[str, Callable[[str], Predicate]]] = {
    "query": _query,
    "tags": _tags,
    "keys": _keys,
}
_SORTS: Final[Mapping[str, Callable[[Place], Any]]] = {
    "name": lambda one: one.name,
    "createdOn": lambda one: one.created_ms,
    "critical": lambda one: bool(one.details.get("critical")),
}


def chosen(
    places: Sequence[Place], *, filter_text: str, sort_text: str, newest_first: bool
) -> list[Place]:
    """The places that pass the filter, in the order asked for, or else in that of creation.

    Args:
        places: in any order.
        filter_text: the parameter as it came; '' keeps all.
        sort_text: same; '' asks for no order.
        newest_first: whether the order of creation begins with the newest.

    Raises:
        InvalidRequest: the filter or the order is wrong; says which part.
    """
    sign = -1 if newest_first else 1
    found = sorted(places, key=lambda one: (sign * one.created_ms, one.key))
    for position, part in enumerate(filter_text.split(",") if filter_text.strip() else (), 1):
        field, colon, value = part.strip().partition(":")
        if not colon or field not in _FILTERS:
            message = (
                f"filter: part {position} is none of {', '.join(_FILTERS)}, each as field:value"
            )
            raise InvalidRequest(message)
        found = [one for one in found if _FILTERS[field](value)(one)]
    for part in reversed(sort_text.split(",") if sort_text.strip() else ()):
        name = part.strip().removeprefix("-")
        if name not in _SORTS:
            raise InvalidRequest(f"sort: use {', '.join(_SORTS)}, with - for descending")
        found.sort(key=_SORTS[name], reverse=part.strip().startswith("-"))
    return found
