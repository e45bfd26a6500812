"""How long requests take a server, on a machine that others keep busy."""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path


def request_ms(send: Callable[[], None], pid: int, times: int) -> float:
    """Give the median of some requests, or what one took of the server's CPU if that is less.

    Other processes of the run may take the cores, and a request then waits for its turn.

    Args:
        send: sends one, and waits for its answer.
        pid: the process that answers.
        times: how many are sent.
    """
    taken_ms, cpu_before = list[float](), _cpu_ms(pid)
    for _ in range(times):
        started = time.perf_counter()
        send()
        taken_ms.append((time.perf_counter() - started) * 1000)
    return min(statistics.median(taken_ms), (_cpu_ms(pid) - cpu_before) / times)


def _cpu_ms(pid: int) -> float:
    """Give the CPU time of a process where the system tells it, else one that only grows."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return time.perf_counter() * 1000
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) * 1000 / os.sysconf("SC_CLK_TCK")
