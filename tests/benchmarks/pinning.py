"""Keeping the store and those who ask it on one core, and the workers on the others.

On a host of its own a store has a core to itself. Here the scheduler would mix it with two busy
workers, and a tail would show the scheduler's choices instead of the store's.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.benchmarks.processes import family

_EVERY_S = 0.1
_ASKING = ("store", "api")


class Pins:
    """Where processes run; does nothing where processes cannot be pinned.

    Attributes:
        text: what was done, for the row.
    """

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._asking, self._working = set(cores[:1]), set(cores[1:])
        self.text = "store, API and load on one core, all else on the other(s)"
        if not self._working:
            self.text = "not pinned: needs Linux and two cores"

    @contextmanager
    def held(self) -> Iterator["Pins"]:
        """Pin the running processes, and those that they start, until the block ends."""
        if not self._working:
            yield self
            return
        stop = threading.Event()
        everywhere = self._asking | self._working
        self._place()
        watcher = threading.Thread(target=self._watch, args=(stop,))
        watcher.start()
        try:
            yield self
        finally:
            stop.set()
            watcher.join()
            for pid in self._pids.values():
                _pin(family(pid), everywhere)
            _pin([os.getpid()], everywhere)

    def pin_load(self, pid: int) -> None:
        """Pin a load generator to the core of those who ask."""
        if self._working:
            _pin([pid], self._asking)

    def _watch(self, stop: threading.Event) -> None:
        # A store's rewrite of its log is a child that takes a core for itself elsewhere, too.
        while not stop.wait(_EVERY_S):
            _pin(family(self._pids["store"])[1:], self._working)

    def _place(self) -> None:
        for name, pid in self._pids.items():
            processes = family(pid)
            _pin(processes, self._asking if name in _ASKING else self._working)
        _pin([os.getpid()], self._working)


def _pin(pids: Iterable[int], cores: set[int]) -> None:
    for pid in pids:
        with suppress(OSError):  # it has ended
            # Affinity is a thread's own, and only later threads inherit it.
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    os.sched_setaffinity(int(thread.name), cores)
