"""Following a job until it has ended, or waits for an approval."""

import time
from collections.abc import Callable
from typing import Any, Final

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError
from api.progress.display import ProgressDisplay
from api.progress.line import Progress, format_sentence

#: A job in one of these states does not go on by itself.
AT_REST: Final = ("complete", "stopped", "pending_approval")
#: Seconds between two polls: short at first, because a small list takes no longer.
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 0.5


def follow(
    connection: Connection,
    location: str,
    display: ProgressDisplay,
    *,
    limit_s: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock_s: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Poll a job until it has ended or waits for an approval; returns its last state.

    Args:
        connection: To the API.
        location: The job's path.
        display: Where its progress is shown.
        limit_s: How long to wait for it; without end if unset.
        sleep: Waits between two polls.
        clock_s: The time.

    Raises:
        CommandError: the API refused, or gave no answer for a while, or the time is over.
    """
    pause_s, began_s = _FIRST_PAUSE_S, clock_s()
    while True:
        job: dict[str, Any] = connection.get(location)
        progress = Progress.of_job(job)
        display.show(progress)
        if job["status"] in AT_REST:
            return job
        if limit_s is not None and clock_s() - began_s >= limit_s:
            message = f"{job['id']} has not ended within {limit_s:g} s: {format_sentence(progress)}"
            raise CommandError(message)
        sleep(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 1.5)
