"""How long look-ups take while lists are imported, published, merged and freed; open loop.

The store, the API and the load share one core, and the workers have the other: what is measured
is how long a look-up waits for the store, and not for the scheduler.
"""

import time
from collections import defaultdict
from collections.abc import Mapping

from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.client import finished, product_load, started_load, write_keys
from tests.benchmarks.latency import Tail, Window, tail, within
from tests.benchmarks.lists import write_uuids
from tests.benchmarks.load import Outcome
from tests.benchmarks.pinning import Pins
from tests.benchmarks.system import Job

_RATE = 500.0
_LONGEST_SECONDS = 900.0
_MERGE_KEYS = 1_000
_MERGES_AN_IMPORT = 3
_IMPORTS_SEEDS = 10
#: Phases that have a budget; scatter does not touch the store, and a merge copies shards.
_BUDGETED = ("gather", "publish", "reclaim")
_OTHERS = ("scatter", "merge")

Windows = dict[str, list[Window]]


def measure(bench: Bench) -> None:
    """Ask one list at a fixed rate, before, while and after other lists come and go."""
    bench.product_list()
    keys = write_keys(bench)
    bench.drop_peer_set()
    bench.system.used_bytes()  # comes to rest first
    load = product_load(bench, keys, seconds=_LONGEST_SECONDS, rate=_RATE)
    windows: Windows = defaultdict(list)
    with Pins(bench.system.pids).held() as pins, started_load(load) as process:
        pins.pin_load(process.pid)
        _idle(bench, windows)
        for number in range(bench.effort.imports_most):
            _come_and_go(bench, number, windows)
            if _has_enough(bench, windows):
                break
        bench.system.used_bytes()
        _idle(bench, windows)
        outcome = finished(process)
    bench.note_memory()
    _put(bench, outcome, windows, pins.text)


def _idle(bench: Bench, windows: Windows) -> None:
    tell(f"look-ups at {_RATE:g}/s, idle")
    time.sleep(0.5)  # the load is at its rate
    started = time.time()
    time.sleep(bench.effort.idle_s / 2)
    windows["idle"].append((started, time.time()))


def _come_and_go(bench: Bench, number: int, windows: Windows) -> None:
    """Import a list, merge into it, delete it and free what it held."""
    tell(f"look-ups at {_RATE:g}/s beside an import, merges and a reclaim, {number + 1}")
    system, segment = bench.system, f"busy-{number}"
    system.create(segment)
    job = system.import_list(segment, bench.list_file)
    windows["scatter"].append((job.entered["scatter"], job.entered["gather"]))
    windows["gather"].append((job.entered["gather"], job.entered["publish"]))
    windows["publish"].append(_publish(job))
    for merge in range(_MERGES_AN_IMPORT):
        file = write_uuids(system.folder, _MERGE_KEYS, seed=200 + _IMPORTS_SEEDS * merge + number)
        merged = system.import_list(segment, file, "merge")
        windows["merge"].append((merged.ended - merged.seconds, _publish(merged)[0]))
        windows["publish"].append(_publish(merged))
    windows["reclaim"].append(system.delete(segment))


def _publish(job: Job) -> Window:
    # A list of one chunk goes through all its stages in one unit, and enters none.
    return job.entered.get("publish", job.ended), job.ended


def _length(window: Window) -> float:
    return window[1] - window[0]


def _has_enough(bench: Bench, windows: Mapping[str, list[Window]]) -> bool:
    wanted = bench.effort.phase_requests
    return all(
        sum(_length(window) for window in windows[phase]) * _RATE >= wanted for phase in _BUDGETED
    )


def _put(bench: Bench, outcome: Outcome, windows: Windows, pinned: str) -> None:
    figures = bench.figures
    halves = [tail(within(outcome, [window])) for window in windows["idle"]]
    # Divided by the quieter half: a machine that stalled while idle flatters no phase.
    idle = min(halves, key=lambda half: half.p99)
    for phase in _BUDGETED:
        found = tail(within(outcome, windows[phase]))
        worst = _each(outcome, windows[phase])
        figures.put(
            f"lookup_p99_in_{phase}",
            found.p99 / idle.p99,
            spread=(min(worst) / idle.p99, max(worst) / idle.p99),
            idle_p99_ms=idle.p99,
            **found.raw(phase),
            seconds=sum(_length(window) for window in windows[phase]),
        )
    figures.note(
        "look-ups idle",
        **idle.raw("idle"),
        p99_before_ms=halves[0].p99,
        p99_after_ms=halves[-1].p99,
        pinned=pinned,
    )
    for phase in _OTHERS:
        found = tail(within(outcome, windows[phase]))
        figures.note(f"look-ups in {phase}", **found.raw(phase))


def _each(outcome: Outcome, windows: list[Window]) -> list[float]:
    """The p99 of each window that holds enough requests to have one."""
    found: list[Tail] = [tail(within(outcome, [window])) for window in windows]
    most = max(one.requests for one in found)
    return [one.p99 for one in found if one.requests >= most / 4 and one.requests]
