"""The lists of imports and of exports: which jobs, read page by page, and as a table."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from api.cli.arguments.times import parse_time
from api.cli.connection.connection import Connection
from api.cli.session.completion import complete_segments
from api.cli.session.options import EnvironmentOptions
from api.cli.session.session import Session
from api.cli.session.tables import Table

#: The API gives no more on one page.
_PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSelection:
    """Which imports or exports are listed, by what both have."""

    segment: Annotated[
        str | None,
        typer.Option(
            "--segment",
            "-s",
            help="Only those of this segment.",
            show_default="all of the environment",
            autocompletion=complete_segments,
        ),
    ] = None
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


@dataclass(frozen=True, slots=True)
class JobTable:
    """How the jobs of one kind are listed."""

    collection: str
    """The last part of their path, ``imports`` or ``exports``."""
    of_segment: str
    """What precedes a segment in the title, such as ``Exports of``."""
    columns: tuple[str, ...]
    row: Callable[[dict[str, Any]], tuple[object, ...]]
    """The cells of a job."""


def show_jobs(
    session: Session,
    target: EnvironmentOptions,
    selection: JobSelection,
    table: JobTable,
    **wanted: str | None,
) -> None:
    """Print the newest jobs of a segment, or of an environment with the segment of each.

    Raises:
        UsageError: a time cannot be read.
        CommandError: the API did not answer or refused.
    """
    segment, columns = selection.segment, table.columns
    parameters = selection.parameters(**wanted)
    place = target.path_of_environment if segment is None else target.segment_path(segment)
    with session.open_connection() as connection:
        path = f"{place}/{table.collection}"
        items = _read_jobs(connection, path, parameters, selection.limit)
    rows = [table.row(job) for job in items]
    title = f"{table.of_segment} {segment}"
    if segment is None:
        rows = [(job["segmentKey"], *row) for job, row in zip(items, rows, strict=True)]
        title = f"{table.collection.capitalize()} of {target.environment}"
        columns = ("segment", *columns)
    session.show(items, Table(title, columns, rows, frozenset({"id"})))


def _read_jobs(
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
