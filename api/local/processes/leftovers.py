"""Find and stop what a killed parent has left running.

Its creation time distinguishes a process from a later one with the same number.
"""

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import psutil

_GRACE_S: Final = 10.0
_POLL_S: Final = 0.05
#: Two processes of the same number are further apart. Linux counts from the boot, whose moment by
#: the wall clock is known to a second and moves when the clock is set.
_TOLERANCE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class StartedProcess:
    """A line of the record that finds a child again after its parent's death."""

    name: str
    pid: int
    created_s: float | None
    """When it was created, in Unix seconds; ``None`` if it had ended by the time of asking."""

    @classmethod
    def identify(cls, name: str, pid: int) -> Self:
        """Note when a process that was just started was created."""
        created_s = None
        with suppress(psutil.NoSuchProcess):
            created_s = psutil.Process(pid).create_time()
        return cls(name, pid, created_s)

    def is_running(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        with suppress(psutil.NoSuchProcess):
            return self._is_same() and psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        return False

    def stop(self) -> bool:
        """Stop it and its group; returns whether anything was left of them."""
        if self.created_s is None or self.created_s < psutil.boot_time() - _TOLERANCE_S:
            return False
        # A number is not given out again while its group has a member, so the rest of a group
        # without its leader is still what that leader started.
        if psutil.pid_exists(self.pid) and not self._is_same():
            return False
        was_running = self.is_running()
        if was_running:
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_S
        while self.is_running() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return kill_group(self.pid) or was_running

    def _is_same(self) -> bool:
        try:
            created_s = psutil.Process(self.pid).create_time()
        except psutil.Error:  # gone meanwhile, or another user's
            return False
        return self.created_s is not None and abs(created_s - self.created_s) <= _TOLERANCE_S


def stop_leftovers(record: Path) -> list[str]:
    """Stop what a killed parent has left running, the last one started first.

    Args:
        record: the file that `Supervisor` writes.

    Returns:
        Names of the children that were still running.
    """
    try:
        started = [StartedProcess(**line) for line in json.loads(record.read_text())]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError):  # cut off by a crash while it was written
        started = []
    stopped = [process.name for process in reversed(started) if process.stop()]
    record.unlink()
    return stopped


def kill_group(group: int) -> bool:
    """Kill all processes of a group; returns whether there was one."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False  # none is left (macOS answers EPERM where only a zombie is)
    return True
