"""Reading the lists of imports and of exports."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.cli.arguments.times import parse_time
from api.cli.connection.connection import Connection

#: The API gives no more on one page.
_PAGE: Final = 100


def list_parameters(
    wanted: Mapping[str, str | Sequence[str] | None], since: str | None, until: str | None
) -> dict[str, str | int]:
    """The query that asks for some jobs.

    Args:
        wanted: by the name of a field, the value that it has, or one of several; empty for any.
        since: the earliest time of their creation, as people write it.
        until: the latest.

    Raises:
        UsageError: a time cannot be read.
    """
    parameters: dict[str, str | int] = {}
    now_ms = time.time_ns() // 1_000_000
    if since is not None:
        parameters["after"] = parse_time(since, "--since", now_ms=now_ms)
    if until is not None:
        parameters["before"] = parse_time(until, "--until", now_ms=now_ms)
    terms = [
        f"{name} {'equals' if isinstance(value, str) else 'anyOf'} {json.dumps(value)}"
        for name, value in wanted.items()
        if value
    ]
    if terms:
        parameters["filter"] = ",".join(terms)
    return parameters


def read_jobs(
    connection: Connection, path: str, parameters: Mapping[str, str | int], limit: int
) -> list[dict[str, Any]]:
    """Read the newest jobs of a list, page by page, at most ``limit``."""
    items: list[dict[str, Any]] = []
    while len(items) < limit:
        size = min(_PAGE, limit - len(items))
        found = connection.get(path, limit=size, offset=len(items), **parameters)["items"]
        items += found
        if len(found) < size:
            break
    return items
