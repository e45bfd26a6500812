"""Membership GETs a second, one API process against one naive process."""

import shutil
import statistics
from dataclasses import replace

import numpy as np

from tests.benchmarks import wrk
from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.client import product_load, run_load, running_peer, write_keys
from tests.benchmarks.load import Load

_WARM_SECONDS = 0.5


def measure(bench: Bench) -> None:
    """Load both with the same requests over 32 connections, in turn."""
    bench.product_list()
    bench.peer_set()
    keys = write_keys(bench)
    product = product_load(bench, keys, seconds=bench.effort.lookup_s)
    with running_peer(bench) as port:
        peer = replace(product, port=port, token=None)
        for load in (product, peer):
            run_load(replace(load, seconds=_WARM_SECONDS))
        rounds, wanted = [], bench.effort.runs
        for number in range(wanted):
            tell(f"look-ups of product and peer, round {number + 1} of {wanted}")
            rounds.append((_rate(product), _rate(peer)))
    (product_s, product_p99), (peer_s, peer_p99) = (
        _median(side) for side in zip(*rounds, strict=True)
    )
    # Each round by itself, so that a machine that gets slower or faster hits both alike.
    ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in rounds)
    bench.figures.put(
        "lookup_vs_naive",
        ratio,
        product_requests_s=product_s,
        peer_requests_s=peer_s,
        product_p99_ms=product_p99,
        peer_p99_ms=peer_p99,
        client=client_name(),
        runs=wanted,
    )


def client_name() -> str:
    """Which load generator runs."""
    return "wrk" if shutil.which("wrk") else "tests.benchmarks.load"


def _rate(load: Load) -> tuple[float, float]:
    """Requests a second, and the 99th percentile of their latency in ms."""
    if shutil.which("wrk"):
        return wrk.run(load)
    outcome = run_load(load)
    p99 = float(np.percentile(outcome.latency, 99)) * 1000
    return len(outcome.latency) / outcome.seconds, p99


def _median(side: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    rates, latencies = zip(*side, strict=True)
    return statistics.median(rates), statistics.median(latencies)
