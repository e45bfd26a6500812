"""Filtering and sorting lists of projects and of environments.

``filter`` is a comma-separated list of ``field:value``; all must hold. Source: the
documentation of List projects and List environments.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

from fastapi import Query

from api.errors import InvalidRequest
from api.launchdarkly.wire.parameters import sort_schema
from worker.store import Environment, Project

Resource = TypeVar("Resource", Project, Environment)
Predicate = Callable[[Project | Environment], bool]

Sort = Annotated[
    str,
    Query(
        description="Fields to sort by, separated by commas, each with `-` before it for "
        "descending order: `name`, `createdOn`, `critical`. Without it, projects come newest "
        "first and environments oldest first.",
        json_schema_extra=sort_schema("name|createdOn|critical"),
    ),
]
Filter = Annotated[
    str,
    Query(
        description="A comma-separated list of `field:value`, all of which must match: "
        "`query:text` searches keys and names, `tags:a+b` matches what has all these "
        "tags, `keys:a|b` what has one of these keys."
    ),
]


def _query(text: str) -> Predicate:
    wanted = text.casefold()
    return lambda resource: wanted in resource.key.casefold() or wanted in resource.name.casefold()


def _tags(text: str) -> Predicate:
    wanted = {tag.casefold() for tag in text.split("+")}
    return lambda resource: wanted <= {tag.casefold() for tag in resource.tags}


def _keys(text: str) -> Predicate:
    wanted = frozenset(text.split("|"))
    return lambda resource: resource.key in wanted


_FILTERS: Final[Mapping[str, Callable[[str], Predicate]]] = {
    "query": _query,
    "tags": _tags,
    "keys": _keys,
}
_SORTS: Final[Mapping[str, Callable[[Project | Environment], Any]]] = {
    "name": lambda resource: resource.name,
    "createdOn": lambda resource: resource.created_ms,
    "critical": lambda resource: bool(resource.details.get("critical")),
}


def select(
    resources: Sequence[Resource],
    *,
    filter_text: str = "",
    sort_text: str = "",
    newest_first: bool = False,
) -> list[Resource]:
    """Select the resources that pass the filter, in the requested order or that of creation.

    Args:
        resources: in any order.
        filter_text: the parameter; '' keeps all.
        sort_text: the parameter; '' for the order of creation.
        newest_first: whether the order of creation begins with the newest.

    Raises:
        InvalidRequest: the filter or the order is wrong; says which part.
    """
    sign = -1 if newest_first else 1
    found = sorted(resources, key=lambda resource: (sign * resource.created_ms, resource.key))
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
