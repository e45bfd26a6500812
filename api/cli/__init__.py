"""The `bigseg` command: assembles the commands of `commands/`, one module for each group."""

import errno
import os
import sys
from collections.abc import Callable
from typing import Final

import typer

from api.cli.commands import exports, imports, lookups, segments, serve, tokens, up

_DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
#: What a shell sees of a tool whose reader wanted no more: 128 and the number of SIGPIPE.
_PIPE_CLOSED: Final = 141

# Each adds its commands to the application; the order is that of `bigseg --help`.
_REGISTER: tuple[Callable[[typer.Typer], None], ...] = (
    up.register,
    imports.register,
    lookups.register,
    exports.register,
    segments.register,
    tokens.register,
    serve.register,
)


def build_app() -> typer.Typer:
    """Make the command-line application with all its commands."""
    app = typer.Typer(
        name="bigseg",
        help="Big segments: lists in from S3, answers out over HTTP.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_show_locals=False,  # locals may hold a token
    )
    for register in _REGISTER:
        register(app)
    return app


def main() -> None:
    """Run the command that the arguments name; ends the process with its status.

    When the reader of standard output has gone, as ``head`` does, it ends quietly with 141.
    """
    try:
        build_app()()
    except SystemExit as exc:
        if isinstance(exc.__context__, BrokenPipeError):  # typer ends with 1 then
            raise SystemExit(_PIPE_CLOSED) from None
        raise
    except OSError as exc:
        if exc.errno not in _DISK_FULL:
            raise
        # What is still buffered would be tried again, with a traceback, at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"bigseg: cannot write: {exc.strerror}\n")
        raise SystemExit(1) from exc
