"""Membership GETs a second of one API process, against one naive process and an empty one."""

from dataclasses import replace

from tests.benchmarks.bench import Bench, middle, tell
from tests.benchmarks.client import (
    client_name,
    closed_loop,
    product_load,
    running_app,
    write_keys,
)
from tests.benchmarks.load import Load
from tests.benchmarks.wrk import Rate

_PEER = ("tests.benchmarks.peer_app:create_app", "--factory")
_EMPTY = ("tests.benchmarks.empty_app:app",)


def measure(bench: Bench) -> None:
    """Load all three with the same requests over 32 connections, in turn."""
    bench.product_list()
    bench.peer_set()
    keys = write_keys(bench)
    product = product_load(bench, keys, seconds=bench.effort.lookup_s)
    with running_app(bench, *_PEER) as peer_port, running_app(bench, *_EMPTY) as empty_port:
        peer, empty = (replace(product, port=one, token=None) for one in (peer_port, empty_port))
        rounds = _rounds(bench, product, peer, empty)
    ours, theirs, empties = zip(*rounds, strict=True)
    _put(bench, "lookup_vs_naive", ours, theirs)
    _put(bench, "lookup_vs_empty_app", ours, empties)


def _rounds(bench: Bench, *loads: Load) -> list[tuple[Rate, ...]]:
    for load in loads:
        closed_loop(replace(load, seconds=bench.effort.warm_s))
    rounds = []
    for number in range(bench.effort.runs):
        tell(f"look-ups of product and peers, round {number + 1} of {bench.effort.runs}")
        rounds.append(tuple(closed_loop(load) for load in loads))
    return rounds


def _put(bench: Bench, key: str, ours: tuple[Rate, ...], theirs: tuple[Rate, ...]) -> None:
    # Each round by itself, so that a machine that gets slower or faster hits both alike.
    pairs = zip(ours, theirs, strict=True)
    value, spread = middle([our.requests_s / their.requests_s for our, their in pairs])
    bench.figures.put(
        key,
        value,
        spread=spread,
        product_requests_s=middle([one.requests_s for one in ours])[0],
        peer_requests_s=middle([one.requests_s for one in theirs])[0],
        product_p99_ms=middle([one.p99_ms for one in ours])[0],
        peer_p99_ms=middle([one.p99_ms for one in theirs])[0],
        client=client_name(),
        runs=len(ours),
    )
