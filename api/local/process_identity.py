"""Tell a process from a later one that was given the same number."""

import os
import subprocess
import sys
from pathlib import Path

_PROC = Path("/proc")
_STATE, _START_TICKS = 0, 19  # fields 3 and 22 of proc_pid_stat(5), counted after the name


def start_mark(pid: int) -> str | None:
    """Name the moment a process started.

    Args:
        pid: its number.

    Returns:
        A text that no other process with this number has, also after a reboot; None when
        there is no such process or it is a zombie.
    """
    return _linux_mark(pid) if sys.platform == "linux" else _ps_mark(pid)


def process_exists(pid: int) -> bool:
    """Say whether any process, a zombie included, has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def boot_mark() -> str:
    """Name this run of the machine; a constant where the system does not tell."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "boot"


def _linux_mark(pid: int) -> str | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name is in parentheses and may itself hold some.
    fields = text.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else f"{boot_mark()}:{fields[_START_TICKS]}"


def _ps_mark(pid: int) -> str | None:
    found = subprocess.run(  # noqa: S603  # a fixed command, no shell
        ["/bin/ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        check=False,
        text=True,
        env={"LC_ALL": "C"},
    )
    state, _, started = found.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None
