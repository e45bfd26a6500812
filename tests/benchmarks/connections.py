"""The tail of look-ups in a closed loop, and the pauses of the API process that answers them."""

import re

from tests.benchmarks.bench import Bench, middle, tell
from tests.benchmarks.client import client_name, closed_loop, product_load, write_keys
from tests.benchmarks.wrk import Rate

_CONNECTIONS = (32, 128)
#: The longest collection since the process was up, in seconds; one line a process.
PAUSE_METRIC = "bigseg_gc_pause_seconds_max"
_PAUSE = re.compile(rf"^{PAUSE_METRIC}(?:{{.*}})? (\S+)$", re.MULTILINE)


def measure(bench: Bench) -> None:
    """Load one API process over few and many connections, in turn."""
    bench.product_list()
    keys = write_keys(bench)
    runs = bench.effort.runs
    loads = {
        count: product_load(bench, keys, seconds=bench.effort.lookup_s, connections=count)
        for count in _CONNECTIONS
    }
    found: dict[int, list[Rate]] = {count: [] for count in _CONNECTIONS}
    for number in range(runs):
        tell(f"look-ups over {_CONNECTIONS} connections, round {number + 1} of {runs}")
        for count, load in loads.items():
            found[count].append(closed_loop(load))
    for count, rates in found.items():
        value, spread = middle([one.p99_ms / one.p50_ms for one in rates])
        bench.figures.put(
            f"lookup_p99_vs_p50_{count}",
            value,
            spread=spread,
            p50_ms=middle([one.p50_ms for one in rates])[0],
            p99_ms=middle([one.p99_ms for one in rates])[0],
            requests_s=middle([one.requests_s for one in rates])[0],
            client=client_name(),
            runs=runs,
        )
    pauses = _pauses_s(bench)
    if pauses:
        bench.figures.put("gc_pause_ms", max(pauses) * 1000, metric=PAUSE_METRIC)


def _pauses_s(bench: Bench) -> list[float]:
    """The longest collection of each API process, where they tell."""
    reply = bench.system.http.get("/metrics")
    return [float(value) for value in _PAUSE.findall(reply.text)]
