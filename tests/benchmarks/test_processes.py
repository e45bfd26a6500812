"""Watching and pinning processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.benchmarks.pinning import Pins
from tests.benchmarks.processes import ProcessorTime, family, own_seconds
from tests.support.servers.redis import wait_until

_BUSY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"


@pytest.fixture
def busy() -> Iterator[int]:
    """A process that waits for a child, which never rests."""
    process = subprocess.Popen((sys.executable, "-c", _BUSY))
    try:
        wait_until(lambda: len(family(process.pid)) == 2, "the child runs")
        yield process.pid
    finally:
        children = family(process.pid)
        process.kill()
        process.wait()
        for pid in children[1:]:
            os.kill(pid, 9)


@pytest.fixture
def store() -> Iterator[int]:
    """A process that waits."""
    waits = (sys.executable, "-c", "input()")
    with subprocess.Popen(waits, stdin=subprocess.PIPE, text=True) as process:
        yield process.pid
        process.communicate("\n")


def test_processor_time__busy_child__counts_for_its_part_within_the_window(
    busy: int, store: int
) -> None:
    pids = {"store": store, "worker": busy, "upkeep": store, "objects": store, "api": store}
    clock = ProcessorTime(pids)

    child = family(busy)[1]
    with clock.sampling():
        start, before = time.time(), own_seconds(child)
        wait_until(lambda: own_seconds(child) > before + 0.5, "it is busy")
        end, after = time.time(), own_seconds(child)

    assert clock.used(start, end)["workers"] == pytest.approx(after - before, abs=0.1)
    assert clock.used(end + 1, end + 2)["workers"] == 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux pins processes")
def test_pins__store_and_worker__are_apart_until_the_end(busy: int, store: int) -> None:
    cores = os.sched_getaffinity(0)
    child = family(busy)[1]

    with Pins({"worker": busy, "store": store}).held() as pins:
        workers = os.sched_getaffinity(child)
        asking = os.sched_getaffinity(store)
        pins.pin_load(busy)
        load = os.sched_getaffinity(busy)

    assert len(cores) == 1 or not workers & asking
    assert load == asking
    assert os.sched_getaffinity(child) == cores
    assert os.sched_getaffinity(0) == cores
