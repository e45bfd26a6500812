"""The `bigseg` command."""

import errno
import os
import signal
import sys
from typing import Final

from api.cli.errors import ExitStatus

_UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EBADF)


def main() -> None:
    """Run the command that the arguments name; ends the process with its status.

    When the reader of standard output has gone, as ``head`` does, it ends quietly with 141.
    """
    _replace_closed_streams()
    try:
        # Here, so that Ctrl-C while it is read ends as at any other time.
        from api.cli.application import build_app  # noqa: PLC0415

        build_app()()
    except KeyboardInterrupt:
        _ignore_further_interrupts()
        sys.stderr.write("interrupted\n")
        raise SystemExit(ExitStatus.INTERRUPTED) from None
    except SystemExit as exc:
        _ignore_further_interrupts()
        if isinstance(exc.__context__, BrokenPipeError):  # typer ends with 1 then
            raise SystemExit(ExitStatus.PIPE_CLOSED) from None
        raise
    except OSError as exc:
        if exc.errno not in _UNWRITABLE:
            raise
        # What is still buffered would be tried again, with a traceback, at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"bigseg: cannot write: {exc.strerror}\n")
        raise SystemExit(ExitStatus.FAILED) from exc


def _replace_closed_streams() -> None:
    """Open what a shell has closed with ``>&-``, else the next file would get its number."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        # Not writable: results that nobody gets are an error, as on a full disk.
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _ignore_further_interrupts() -> None:
    # A second Ctrl-C would be a traceback of the interpreter's own end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
