"""Reading the lists of imports and of exports."""

import json
import time
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from api.cli.arguments.times import parse_time
from api.cli.connection.connection import Connection

#: The API gives no more on one page.
_PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSelection:
    """Which imports or exports are listed, by what both have."""

    status: Annotated[
        list[str] | None,
        typer.Option(help="Only with this status, such as complete; can be repeated."),
    ] = None
    initiator: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only started by the token of this name.")
    ] = None
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only later ones: 2026-01-31, 2026-01-31T12:00Z, or 2h."),
    ] = None
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only earlier ones.", show_default="now")
    ] = None
    limit: Annotated[int, typer.Option(help="The most to list.", min=1, max=1_000)] = 20

    def parameters(self, **wanted: str | None) -> dict[str, str | int]:
        """The query that asks for them.

        Args:
            wanted: by the name of a further field, the value that it has; unset for any.

        Raises:
            UsageError: a time cannot be read.
        """
        parameters: dict[str, str | int] = {}
        now_ms = time.time_ns() // 1_000_000
        if self.since is not None:
            parameters["after"] = parse_time(self.since, "--since", now_ms=now_ms)
        if self.until is not None:
            parameters["before"] = parse_time(self.until, "--until", now_ms=now_ms)
        fields = {"status": self.status, **wanted, "initiator": self.initiator}
        terms = [
            f"{name} {'equals' if isinstance(value, str) else 'anyOf'} {json.dumps(value)}"
            for name, value in fields.items()
            if value
        ]
        if terms:
            parameters["filter"] = ",".join(terms)
        return parameters


def read_jobs(
    connection: Connection, path: str, selection: JobSelection, **wanted: str | None
) -> list[dict[str, Any]]:
    """Read the newest jobs of a list, page by page.

    Args:
        connection: to the API.
        path: the list's.
        selection: which of them, and how many at most.
        wanted: as of :meth:`JobSelection.parameters`.

    Raises:
        UsageError: a time cannot be read.
    """
    items: list[dict[str, Any]] = []
    parameters, limit = selection.parameters(**wanted), selection.limit
    while len(items) < limit:
        size = min(_PAGE, limit - len(items))
        found = connection.get(path, limit=size, offset=len(items), **parameters)["items"]
        items += found
        if len(found) < size:
            break
    return items
