"""How long look-ups at a fixed rate take alone, and beside something else that is asked for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.bench import Bench
from tests.benchmarks.client import finished, product_load, started_load
from tests.benchmarks.latency import Tail, Window, late_within, tail, within

RATE = 500.0
_LONGEST_SECONDS = 300.0
#: Times that the calls begin and end again: what else the machine does meanwhile comes and goes,
#: and must not count for one of the two alone.
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Interference:
    """Look-ups alone and beside calls, and how many seconds each of these took."""

    idle: Tail
    busy: Tail
    late_ms: tuple[float, float]
    """The 99th percentiles of how late requests were sent, in both."""
    calls: list[float]

    @property
    def ratio(self) -> float:
        """By how much the calls lengthen the tail."""
        return self.busy.p99 / self.idle.p99

    def raw(self) -> dict[str, float]:
        """The figures of both phases."""
        idle_late, busy_late = self.late_ms
        late = {"idle_late_p99_ms": idle_late, "busy_late_p99_ms": busy_late}
        return self.idle.raw("idle") | self.busy.raw("busy") | late


def measure_beside(
    bench: Bench, keys: str, call: Callable[[], float], *, at_once: int
) -> Interference:
    """Look keys up at the rate, by turns alone and beside the calls, as long in all.

    Args:
        bench: the bench; its list is there.
        keys: the file of the keys that are asked for.
        call: asks once, and gives the seconds that it took.
        at_once: threads that ask again and again.
    """
    load = product_load(bench, keys, seconds=_LONGEST_SECONDS, rate=RATE)
    idle: list[Window] = []
    busy: list[Window] = []
    calls: list[float] = []
    with started_load(load) as process:
        time.sleep(0.5)  # the load is at its rate
        for _ in range(_ROUNDS):
            idle.append(_window(bench))
            with _repeated(call, at_once) as took:
                busy.append(_window(bench))
            calls += took
        outcome = finished(process)
    idle_late, busy_late = (tail(late_within(outcome, each)).p99 for each in (idle, busy))
    return Interference(
        idle=tail(within(outcome, idle)),
        busy=tail(within(outcome, busy)),
        late_ms=(idle_late, busy_late),
        calls=calls,
    )


def _window(bench: Bench) -> Window:
    """Wait for the time of half a round; from when to when it was."""
    started = time.time()
    time.sleep(bench.effort.idle_s / 2 / _ROUNDS)
    return started, time.time()


@contextmanager
def _repeated(call: Callable[[], float], at_once: int) -> Iterator[list[float]]:
    """Call again and again beside the block; how many seconds each call took."""
    took: list[float] = []
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            took.append(call())

    threads = [threading.Thread(target=run) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    try:
        yield took
    finally:
        stop.set()
        for thread in threads:
            thread.join()
