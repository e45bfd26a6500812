"""Following a job to its end, with a progress bar where a person watches."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from api.cli.connection import Connection

#: A job in one of these states does not go on by itself.
_AT_REST: Final = ("complete", "stopped", "pending_approval")
#: Seconds between two polls: short at first, because a small list takes no longer.
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 0.5
_MB: Final = 1_000_000


class Watch:
    """One line: stage, bar, rows, MB, rate, time left."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def show(
        self, stage: str, done: int, total: int, rows: int, rate: float, eta_s: float | None
    ) -> None:
        """Show how far it is, in bytes, rows, rows a second and seconds."""
        details = [f"{done / _MB:,.1f}/{total / _MB:,.1f} MB" if total else ""]
        details += [f"{rows:,} rows" if rows else "", f"{rate:,.0f}/s" if rate else ""]
        details += [f"{eta_s:,.0f} s left" if eta_s else ""]
        self._progress.update(
            self._task,
            description=stage,
            completed=done,
            total=total or None,
            details="  ".join(filter(None, details)),
        )


@contextmanager
def watch_progress(*, quiet: bool) -> Iterator[Watch]:
    """Show a progress line on standard error while the block runs."""
    console = Console(file=sys.stderr)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[details]}"),
        console=console,
        disable=quiet or not console.is_terminal,
    )
    with progress:
        yield Watch(progress, progress.add_task("start", total=None, details=""))


def follow(
    connection: Connection,
    location: str,
    watch: Watch,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Poll a job until it has ended or waits for an approval; returns its last state.

    Raises:
        CommandError: the API refused, or gave no answer for a while.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        job: dict[str, Any] = connection.get(location)
        progress = job["progress"]
        watch.show(
            job["stage"] if job["status"] != "ready" else "queued",
            progress["bytesDone"],
            progress["bytesTotal"],
            progress["rowsDone"],
            progress["rate"] or 0.0,
            progress["etaSeconds"],
        )
        if job["status"] in _AT_REST:
            return job
        sleep(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 1.5)
