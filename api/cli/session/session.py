"""One run of a command: its connection, its results in the format that was asked for, its notes."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console

from api.cli.access.access import find_access
from api.cli.connection.connection import READ_S, TRIES, Connection
from api.cli.errors import CommandError, ExitStatus, UsageError
from api.cli.session.tables import Table, render


class OutputFormat(StrEnum):
    """How results are printed."""

    TABLE = "table"
    TSV = "tsv"
    JSON = "json"


_ENVIRONMENT: Final = "BIGSEG_OUTPUT"


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one command.

    Attributes:
        format: how results are printed.
        quiet: whether only results and errors are printed.
        verbose: whether each request is printed.
        context: name of the context that was asked for.
    """

    format: OutputFormat
    quiet: bool = False
    verbose: bool = False
    context: str | None = None

    @property
    def as_json(self) -> bool:
        """Whether results are JSON."""
        return self.format is OutputFormat.JSON

    @property
    def hides_progress(self) -> bool:
        """Whether no progress is shown, because nobody reads it."""
        return self.quiet or self.as_json

    @contextmanager
    def open_connection(
        self, *, needs_token: bool = True, limit_s: float = READ_S, tries: int = TRIES
    ) -> Iterator[Connection]:
        """Open a connection to the command's server.

        Raises:
            CommandError: no server is named, or what names it cannot be used.
        """
        access = find_access(
            os.environ, context=self.context, folder=Path.cwd(), needs_token=needs_token
        )
        if self.verbose:
            typer.echo(f"server {access.url} ({access.named_by})", err=True)
        on_answer = _print_answer if self.verbose else None
        with Connection(access, on_answer=on_answer, limit_s=limit_s, tries=tries) as connection:
            yield connection

    def show(self, value: object, *tables: Table) -> None:
        """Print a result: the value as JSON, the first table as TSV, or all tables."""
        match self.format:
            case OutputFormat.JSON:
                self._print_json(value)
            case OutputFormat.TSV:
                typer.echo(tables[0].tsv(), nl=False)
            case OutputFormat.TABLE:
                render(tables, Console(file=sys.stdout))

    def say(self, text: str, value: object) -> None:
        """Print that something is done: a sentence, or the value as JSON."""
        if self.as_json:
            self._print_json(value)
        elif not self.quiet:
            typer.echo(text)

    def note(self, text: str) -> None:
        """Print a remark beside the results, on standard error."""
        if not self.quiet:
            typer.echo(text, err=True)

    def _print_json(self, value: object) -> None:
        typer.echo(json.dumps(value, ensure_ascii=False))


def choose_format(asked: OutputFormat | None) -> OutputFormat:
    """Choose the format: what was asked for, else a table where a person reads it.

    Raises:
        UsageError: the environment names another one.
    """
    if asked is not None:
        return asked
    if given := os.environ.get(_ENVIRONMENT, "").strip():
        try:
            return OutputFormat(given)
        except ValueError:
            raise UsageError(f"{_ENVIRONMENT} is {given}: write table, tsv or json") from None
    return OutputFormat.TABLE if sys.stdout.isatty() else OutputFormat.TSV


def wants_json(words: list[str]) -> bool:
    """Whether JSON is asked for in these words, which need not be a valid command.

    ``export --output`` names a file.
    """
    if "--json" in words:
        return True
    if "export" not in words:
        pairs = tuple(pairwise(words))
        if ("--output", "json") in pairs or "--output=json" in words:
            return True
        if any(word.startswith("--output") for word in words):
            return False
    return os.environ.get(_ENVIRONMENT, "").strip() == OutputFormat.JSON


def print_error(error: CommandError, *, as_json: bool) -> None:
    """Print why a command failed, on standard error: one line, or one object."""
    if as_json:
        body: dict[str, Any] = {
            "error": str(error),
            "code": error.code,
            "status": error.status,
            "id": error.error_id,
        }
        typer.echo(json.dumps(body, ensure_ascii=False), err=True)
    elif error.exit_status is ExitStatus.INTERRUPTED:
        typer.echo(str(error), err=True)
    else:
        typer.echo(f"bigseg: {error}", err=True)


def _print_answer(method: str, path: str, status: int, seconds: float) -> None:
    typer.echo(f"{method} {path} {status} {seconds * 1_000:.0f} ms", err=True)
