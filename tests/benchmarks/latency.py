"""How long look-ups take while an import builds shards, open loop."""

import time
from collections.abc import Sequence

import numpy as np

from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.client import finished, product_load, run_load, started_load, write_keys
from tests.benchmarks.load import Outcome

_RATE = 500.0
_LONGEST_SECONDS = 900.0
_IMPORTS_MOST = 12

Window = tuple[float, float]


def measure(bench: Bench) -> None:
    """Ask one list at a fixed rate, alone and while another one is imported again and again."""
    bench.product_list()
    keys = write_keys(bench)
    bench.drop_peer_set()
    bench.system.used_bytes()  # comes to rest first
    tell(f"look-ups at {_RATE:g}/s, idle")
    idle = run_load(product_load(bench, keys, seconds=bench.effort.idle_s, rate=_RATE))
    load = product_load(bench, keys, seconds=_LONGEST_SECONDS, rate=_RATE)
    with started_load(load) as process:
        gathers, scatters = _import_again(bench)
        busy = finished(process, stop=True)
    bench.note_memory()
    idle_p99, gather_p99 = _p99(idle.latency), _p99(_within(busy, gathers))
    bench.figures.put(
        "lookup_p99_during_import",
        gather_p99 / idle_p99,
        idle_p99_ms=idle_p99,
        gather_p99_ms=gather_p99,
        scatter_p99_ms=_p99(_within(busy, scatters)),
        idle_p50_ms=_p50(idle.latency),
        gather_p50_ms=_p50(_within(busy, gathers)),
        gather_requests=len(_within(busy, gathers)),
        imports=len(gathers),
    )


def _import_again(bench: Bench) -> tuple[list[Window], list[Window]]:
    """Import into new segments until the gather stages are long enough; when they were."""
    gathers: list[Window] = []
    scatters: list[Window] = []
    for number in range(_IMPORTS_MOST):
        tell(f"look-ups at {_RATE:g}/s while an import runs, {number + 1}")
        segment = f"busy-{number}"
        bench.system.create(segment)
        time.sleep(1)  # the load is at its rate
        entered = bench.system.import_list(segment, bench.list_file).entered
        gathers.append((entered["gather"], entered["publish"]))
        scatters.append((entered["scatter"], entered["gather"]))
        if sum(end - start for start, end in gathers) * _RATE >= bench.effort.gather_requests:
            break
    return gathers, scatters


def _within(outcome: Outcome, windows: Sequence[Window]) -> list[float]:
    pairs = zip(outcome.due, outcome.latency, strict=True)
    return [took for due, took in pairs if any(start <= due < end for start, end in windows)]


def _p99(latency: Sequence[float]) -> float:
    return float(np.percentile(latency, 99)) * 1000 if latency else float("nan")


def _p50(latency: Sequence[float]) -> float:
    return float(np.percentile(latency, 50)) * 1000 if latency else float("nan")
