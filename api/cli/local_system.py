"""Runs a local system for ``bigseg up``, and prints what happens to it."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import asdict

import typer
from pydantic import ValidationError

from api.cli.errors import CommandError, ExitStatus, UsageError
from api.local import (
    Event,
    LocalOptions,
    LocalSystem,
    LocalSystemError,
    StopRequestedError,
)
from api.settings import ApiSettings
from worker.settings import WorkerSettings
from worker.store import invalid_settings


def run(options: LocalOptions, *, as_json: bool) -> None:
    """Run a local system until a signal or a failure, and print what happens.

    Raises:
        UsageError: a setting has an invalid value.
        CommandError: it failed.
        typer.Exit: it failed; the reason has been printed as an event.
    """
    _require_settings()
    try:
        with LocalSystem.start(options, EventPrinter(as_json=as_json)) as system:
            system.wait()
    except StopRequestedError:
        return  # stopped as requested
    except LocalSystemError as exc:
        if not as_json:
            raise CommandError(str(exc)) from exc
        typer.echo(json.dumps({"name": "error", "text": str(exc)}), err=True)
        raise typer.Exit(ExitStatus.FAILED) from exc


def _require_settings() -> None:
    """Read the settings as the processes will, before any of them is started."""
    for settings in (ApiSettings, WorkerSettings):
        try:
            settings()
        except ValidationError as exc:
            raise UsageError("; ".join(invalid_settings(exc).splitlines())) from None


class EventPrinter:
    """Prints each event as a line, until the terminal has gone."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._is_read = True
        self._token = ""

    def __call__(self, event: Event) -> None:
        """Print the event."""
        if not self._is_read:
            return
        try:
            for line in self._lines(event):
                typer.echo(line)
        except OSError:  # the terminal has gone, which must not keep the system from stopping
            self._is_read = False

    def _lines(self, event: Event) -> Iterator[str]:
        if self._as_json:
            yield json.dumps(asdict(event))
            return
        yield event.text
        if event.name == "token":
            # The secret itself is printed nowhere: a terminal keeps what it has shown.
            path = event.details.get("path")
            token = (
                '"$BIGSEG_ADMIN_TOKEN"' if path is None else f'"$(cat {shlex.quote(str(path))})"'
            )
            self._token = f"export BIGSEG_TOKEN={token}"
        if event.name == "ready":
            yield "for programs, and for commands outside this directory:"
            yield f"  export BIGSEG_URL={shlex.quote(str(event.details['url']))}"
            yield f"  {self._token}"
