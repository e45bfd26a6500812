"""How long look-ups at a fixed rate take alone, and beside something else that is asked for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.bench import Bench
from tests.benchmarks.client import finished, product_load, started_load
from tests.benchmarks.latency import Tail, tail, within

RATE = 500.0
_LONGEST_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Interference:
    """Look-ups alone and beside calls, and how many seconds each of these took."""

    idle: Tail
    busy: Tail
    calls: list[float]

    @property
    def ratio(self) -> float:
        """By how much the calls lengthen the tail."""
        return self.busy.p99 / self.idle.p99

    def raw(self) -> dict[str, float]:
        """The figures of both phases."""
        return self.idle.raw("idle") | self.busy.raw("busy")


def measure_beside(
    bench: Bench, keys: str, call: Callable[[], float], *, at_once: int
) -> Interference:
    """Look keys up at the rate, for as long alone as beside the calls.

    Args:
        bench: the bench; its list is there.
        keys: the file of the keys that are asked for.
        call: asks once, and gives the seconds that it took.
        at_once: threads that ask again and again.
    """
    load = product_load(bench, keys, seconds=_LONGEST_SECONDS, rate=RATE)
    with started_load(load) as process:
        time.sleep(0.5)  # the load is at its rate
        started = time.time()
        time.sleep(bench.effort.idle_s / 2)
        busy_from = time.time()
        with _repeated(call, at_once) as took:
            time.sleep(bench.effort.idle_s / 2)
            busy_to = time.time()
        outcome = finished(process)
    return Interference(
        idle=tail(within(outcome, [(started, busy_from)])),
        busy=tail(within(outcome, [(busy_from, busy_to)])),
        calls=took,
    )


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
