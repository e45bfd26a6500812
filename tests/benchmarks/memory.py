"""Peak memory of other processes, from the operating system alone."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

_KIB_PER_MIB = 1024
#: What a peak is made of on this platform.
PEAK_SOURCE = "VmHWM" if Path("/proc/self/status").exists() else "rss, sampled"


def peak_mib(pids: Iterable[int]) -> float:
    """The highest peak of these processes so far, in MiB; one that has ended counts nothing.

    Linux keeps each process's high-water mark (``VmHWM``). Elsewhere it is the memory held now,
    so that it must be asked for often.
    """
    return max((_peak_kib(pid) for pid in pids), default=0) / _KIB_PER_MIB


def _peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return _held_kib(pid)
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) if found else 0


def _held_kib(pid: int) -> int:
    listed = subprocess.run(
        ["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False, text=True
    )
    return int(listed.stdout.strip() or 0)
