"""Ctrl-C: what a command says of its job when it is interrupted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from api.cli.errors import CommandError, ExitStatus
from api.cli.session.next_command import next_command
from api.cli.session.options import SegmentOptions


def interrupt_error(message: str) -> CommandError:
    """Make the error of a command that Ctrl-C has ended; it says what became of its job."""
    return CommandError(message, ExitStatus.INTERRUPTED)


def describe_ongoing(target: SegmentOptions, import_id: str) -> str:
    """Say that an import goes on, and how to see it."""
    return f"the import goes on: `{next_command(target, 'imports', 'watch', import_id)}`"


@contextmanager
def explain_interrupt(message: str) -> Iterator[None]:
    """End the command with this message when Ctrl-C comes while the block runs."""
    try:
        yield
    except KeyboardInterrupt as exc:
        raise interrupt_error(message) from exc


@contextmanager
def defer_interrupt(message: str) -> Iterator[None]:
    """Let a short request end before Ctrl-C is obeyed; a second one is obeyed at once.

    Args:
        message: what the command says when it ends after the request.
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
        raise interrupt_error(message)
