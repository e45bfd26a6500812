"""Stop a local system's processes when the process that started them is killed.

Runs as a script of its own, standard library only. Its standard input is a pipe whose other
end only the parent holds, so the end of the input means that the parent has ended, in whatever
way. Lines on the pipe: ``watch PGID`` for each process group, ``forget PGID`` when one has
ended, ``bye`` after a regular end.
"""

import os
import signal
import sys
import time
from typing import TextIO

_GRACE_S = 5.0
_POLL_S = 0.05


def main(lines: TextIO) -> None:
    """Remember groups until the pipe ends; unless it said bye, stop them, the last first."""
    groups: list[int] = []
    for line in lines:
        word, _, argument = line.strip().partition(" ")
        if word == "watch":
            groups.append(int(argument))
        elif word == "forget":
            groups.remove(int(argument))
        elif word == "bye":
            return
    for group in reversed(groups):
        stop_group(group)


def stop_group(group: int) -> None:
    """Ask the group's leader to end, then end the whole group."""
    try:
        os.kill(group, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline:
            os.kill(group, 0)
            time.sleep(_POLL_S)
    except ProcessLookupError:
        pass  # the leader has ended; others of its group may be left
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # none is left (macOS answers EPERM where only a zombie is)


if __name__ == "__main__":
    # A terminal's signals are for the parent, which then says bye or closes the pipe.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    main(sys.stdin)
