"""What commands print: tables for people, JSON for programs, errors for both."""

import json
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import typer
from rich.console import Console, JustifyMethod
from rich.table import Table

from api.cli.connection import Access, CommandError, Connection


@contextmanager
def open_connection(*, as_json: bool) -> Iterator[Connection]:
    """Open a connection for one command; a failure becomes one line and exit status 1."""
    try:
        with Connection(Access.from_environment()) as connection:
            yield connection
    except CommandError as exc:
        fail(str(exc), as_json=as_json)


def fail(message: str, *, as_json: bool) -> None:
    """Print why a command failed and end it with status 1."""
    line = json.dumps({"error": message}) if as_json else f"bigseg: {message}"
    typer.echo(line, err=True)
    raise typer.Exit(1)


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON
    """Print JSON on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    whole: Collection[str] = (),
) -> None:
    """Print a table, numbers aligned to the right.

    Args:
        title: printed above it.
        columns: their headings.
        rows: one cell a column.
        whole: columns whose cells stay on one line, to be copied; the others are wrapped
            when the terminal is narrow. Nothing is left out.
    """
    table = Table(title=title, title_justify="left")
    for position, column in enumerate(columns):
        side: JustifyMethod = "right" if _is_numeric(rows, position) else "left"
        table.add_column(column, justify=side, overflow="fold", no_wrap=column in whole)
    for row in rows:
        table.add_row(*(format_cell(cell) for cell in row))
    Console(file=sys.stdout).print(table)


def format_cell(cell: object) -> str:
    """Format a value for people."""
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.2f}"
        case _:
            # Markup in a key must not be rendered as a style.
            return str(cell).replace("[", "\\[")


def _is_numeric(rows: Sequence[Sequence[object]], position: int) -> bool:
    cells = [row[position] for row in rows if row[position] is not None]
    return bool(cells) and all(type(cell) in {int, float} for cell in cells)


def format_time(unix_ms: int | None) -> str | None:
    """Format a moment in UTC."""
    if unix_ms is None:
        return None
    try:
        moment = datetime.fromtimestamp(unix_ms / 1_000, UTC)
    except (OverflowError, ValueError):  # beyond the calendar
        return "never"
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")
