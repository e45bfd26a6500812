"""Ctrl-C: a command that is interrupted says what is so."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from api.cli.errors import CommandError, ExitStatus
from api.cli.session.next_command import next_command
from api.cli.session.options import SegmentOptions


def interrupted(what_is_so: str) -> CommandError:
    """Make the error of a command that Ctrl-C has ended."""
    return CommandError(what_is_so, ExitStatus.INTERRUPTED)


def going_on(target: SegmentOptions, import_id: str) -> str:
    """Say that an import goes on, and how to see it."""
    return f"the import goes on: `{next_command(target, 'imports', 'watch', import_id)}`"


@contextmanager
def say_when_interrupted(what_is_so: str) -> Iterator[None]:
    """End the command with this message when Ctrl-C comes while the block runs."""
    try:
        yield
    except KeyboardInterrupt as exc:
        raise interrupted(what_is_so) from exc


@contextmanager
def defer_interrupt(what_is_so: str) -> Iterator[None]:
    """Let a short request end before Ctrl-C is obeyed; a second one is obeyed at once.

    Args:
        what_is_so: What the command says when it ends after the request.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noted: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if noted:
            raise KeyboardInterrupt
        noted.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if noted:
        raise interrupted(what_is_so)
