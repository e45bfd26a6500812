"""Answers a second of bulk look-ups by one API process, and look-ups of one key beside them."""

import http.client
import json
import time

from tests.benchmarks.bench import SEGMENT, Bench, middle, tell
from tests.benchmarks.client import write_keys
from tests.benchmarks.interference import RATE, measure_beside
from tests.benchmarks.lists import first_keys, write_uuids
from tests.benchmarks.system import BenchmarkError
from tests.support.systems.driving import SEGMENTS

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
    tell(f"look-ups at {RATE:g}/s, alone and beside bulk look-ups")
    found = measure_beside(bench, keys, caller.call, at_once=1)
    calls = len(found.calls)
    bench.figures.put(
        "lookup_p99_during_bulk",
        found.ratio,
        spread=None,
        **found.raw(),
        bulk_pairs_beside=_PAIRS * 1e-6 * calls / sum(found.calls),
        calls=calls,
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
