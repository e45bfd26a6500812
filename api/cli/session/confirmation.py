"""Asking before something is destroyed."""

import sys
from typing import Annotated

import typer

from api.cli.errors import CommandError, ExitStatus, UsageError

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; needed where there is no terminal.")]


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def require_answerable(*, yes: bool, what: str) -> None:
    """Refuse where nobody can be asked; call it before anything is read.

    Raises:
        UsageError: there is no terminal, and no ``--yes``.
    """
    if not yes and not is_terminal():
        raise UsageError(f"{what} cannot be undone: add --yes where there is no terminal")


def confirm(what: str, key: str) -> None:
    """Say what would be destroyed, and ask for its key to be typed.

    Raises:
        CommandError: something else was typed.
    """
    try:
        typer.echo(f"{what} This cannot be undone.", err=True)
        typer.echo(f"Type {key} to go on: ", nl=False, err=True)
        typed = sys.stdin.readline()
    except KeyboardInterrupt:
        typer.echo(err=True)
        raise CommandError("interrupted: nothing was done", ExitStatus.INTERRUPTED) from None
    if typed.strip() != key:
        raise CommandError("the key was not typed: nothing was done")
