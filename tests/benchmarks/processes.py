"""The processes of a running system: who they are, and what processor time they take."""

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

#: The parts of a system, by the names of their processes. A store's rewrites of its log are
#: children of it; they are counted apart, because they depend on when they happen to begin.
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "store": ("store",),
    "workers": ("worker", "upkeep"),
    "objects": ("objects",),
    "api": ("api",),
}
REWRITES: Final = "rewrites"
_EVERY_S = 0.05
_LISTS_CHILDREN: Final = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists()


def family(pid: int) -> list[int]:
    """A process and all below it; empty once it has ended.

    Cost: some 0.1 ms where the system lists children, as Linux does; else a look at all processes.
    """
    if _LISTS_CHILDREN:
        return list(_listed(pid))
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def _listed(pid: int) -> Iterator[int]:
    """Give a process and what each of its threads has started."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:  # it has ended
        return
    yield pid
    for thread in threads:
        with suppress(OSError):  # the thread has ended, and its children are another's
            for child in (thread / "children").read_text().split():
                yield from _listed(int(child))


def stolen_share(before: float, after: float, seconds: float) -> float:
    """The share of all cores that the machine's neighbours took."""
    return (after - before) / max(seconds, 1e-9) / (psutil.cpu_count() or 1)


def stolen_s() -> float:
    """Seconds of all cores that neighbours have taken since the start; 0 where nobody counts."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


class ProcessorTime:
    """Samples the processor time of each part, twenty times a second.

    The system counts in steps of 10 ms, so shorter stages say nothing.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._moments: list[float] = []
        self._samples: list[dict[str, float]] = []

    @contextmanager
    def sampling(self) -> Iterator["ProcessorTime"]:
        """Sample beside the block."""
        stop = threading.Event()
        self._take()
        thread = threading.Thread(target=self._run, args=(stop,))
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def used(self, start: float, end: float) -> dict[str, float]:
        """Seconds that each part took between two moments of Unix time."""
        first, last = self._at(start), self._at(end)
        return {role: max(0.0, last[role] - first[role]) for role in last}

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(_EVERY_S):
            self._take()
        self._take()

    def _take(self) -> None:
        moment = time.time()
        self._samples.append(self._sample())
        self._moments.append(moment)  # last: whoever sees the moment finds its sample

    def _sample(self) -> dict[str, float]:
        store = self._pids["store"]
        sample = {
            role: sum(_seconds(family(self._pids[name])) for name in names)
            for role, names in ROLES.items()
            if role != "store"
        }
        own, below = own_seconds(store), _seconds(family(store))
        return {"store": own, REWRITES: below - own, **sample}

    def _at(self, moment: float) -> dict[str, float]:
        after = min(bisect_left(self._moments, moment), len(self._moments) - 1)
        before = max(0, after - 1)
        low, high = self._moments[before], self._moments[after]
        share = min(1.0, max(0.0, (moment - low) / (high - low))) if high > low else 1.0
        first, last = self._samples[before], self._samples[after]
        return {role: first[role] + (last[role] - first[role]) * share for role in last}


def own_seconds(pid: int) -> float:
    """Processor time of one process without its children, in seconds; 0 once it has ended."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _seconds(pids: Iterable[int]) -> float:
    """Processor time of processes, and of those of their children that have ended."""
    total = 0.0
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
