"""Answers a second of bulk look-ups by one API process, and look-ups of one key beside them."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.bench import SEGMENT, Bench, middle, tell
from tests.benchmarks.client import finished, product_load, started_load, write_keys
from tests.benchmarks.latency import tail, within
from tests.benchmarks.lists import first_keys, write_uuids
from tests.benchmarks.system import BenchmarkError
from tests.support.systems.driving import SEGMENTS

_RATE = 500.0
_LONGEST_SECONDS = 300.0
_PAIRS = 100_000
_TIMEOUT_S = 60


def measure(bench: Bench) -> None:
    """Ask for 100,000 answers at a time, alone, and beside look-ups at a fixed rate."""
    bench.product_list()
    keys = write_keys(bench)
    caller = _Caller(bench)
    tell("bulk look-ups, alone")
    caller.call()
    rates = [_PAIRS * 1e-6 / caller.call() for _ in range(3 * bench.effort.runs)]
    value, spread = middle(rates)
    bench.figures.put("bulk_pairs", value, spread=spread, calls=len(rates), pairs=_PAIRS)
    tell(f"look-ups at {_RATE:g}/s, alone and beside bulk look-ups")
    load = product_load(bench, keys, seconds=_LONGEST_SECONDS, rate=_RATE)
    with started_load(load) as process:
        time.sleep(0.5)  # the load is at its rate
        started = time.time()
        time.sleep(bench.effort.idle_s / 2)
        busy_from = time.time()
        with caller.calling() as took:
            time.sleep(bench.effort.idle_s / 2)
            busy_to = time.time()
        outcome = finished(process)
    idle = tail(within(outcome, [(started, busy_from)]))
    busy = tail(within(outcome, [(busy_from, busy_to)]))
    bench.figures.put(
        "lookup_p99_during_bulk",
        busy.p99 / idle.p99,
        spread=None,
        **idle.raw("idle"),
        **busy.raw("busy"),
        bulk_pairs_beside=_PAIRS * 1e-6 * len(took) / sum(took),
        calls=len(took),
    )


class _Caller:
    """Sends the same call over one connection: half of its contexts are members."""

    def __init__(self, bench: Bench) -> None:
        members = first_keys(bench.list_file, _PAIRS // 2)
        strangers = write_uuids(bench.system.folder, _PAIRS - len(members), seed=9)
        contexts = [*members, *strangers.path.read_text().split()]
        self._members = len(members)
        self._body = json.dumps({"segments": [SEGMENT], "contexts": contexts}).encode()
        self._headers = {
            "Authorization": bench.system.reader_token(),
            "Content-Type": "application/json",
        }
        self._port = bench.system.api_port
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_S)

    def call(self) -> float:
        """Ask once; the seconds until the whole answer was there.

        Raises:
            BenchmarkError: it was refused, or an answer was wrong.
        """
        started = time.perf_counter()
        self._connection.request("POST", f"{SEGMENTS}/memberships", self._body, self._headers)
        reply = self._connection.getresponse()
        body = reply.read()
        seconds = time.perf_counter() - started
        found = body.count(b'"included"')
        if reply.status != http.client.OK or found != self._members:
            raise BenchmarkError(f"bulk look-up: {reply.status}, {found} members: {body[:200]!r}")
        return seconds

    @contextmanager
    def calling(self) -> Iterator[list[float]]:
        """Ask again and again beside the block; how many seconds each call took."""
        took: list[float] = []
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                took.append(self.call())

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield took
        finally:
            stop.set()
            thread.join()
