"""Starting a load, and the services to hold the product against."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import httpx

from tests.benchmarks import wrk
from tests.benchmarks.bench import SEGMENT, Bench
from tests.benchmarks.latency import tail
from tests.benchmarks.lists import first_keys, write_uuids
from tests.benchmarks.load import Load, Outcome
from tests.benchmarks.wrk import Rate
from tests.support.servers.ports import free_port
from tests.support.servers.redis import wait_until

#: Half of them are in the list.
_KEYS = 10_000
_LOAD = (sys.executable, "-m", "tests.benchmarks.load")


def write_keys(bench: Bench) -> str:
    """Write the context keys that are asked for: members and strangers in turn."""
    path = bench.system.folder / "asked-keys"
    members = first_keys(bench.list_file, _KEYS // 2)
    strangers = write_uuids(bench.system.folder, len(members), seed=4)
    pairs = zip(members, strangers.path.read_text().split(), strict=True)
    path.write_text("".join(f"{member}\n{stranger}\n" for member, stranger in pairs))
    return str(path)


def product_load(
    bench: Bench, keys: str, *, seconds: float, rate: float | None = None, connections: int = 32
) -> Load:
    """Membership GETs of the product, with a token of the store that has a scope."""
    system = bench.system
    token = system.reader_token()
    return Load(system.api_port, keys, SEGMENT, token, connections, seconds, rate)


def client_name() -> str:
    """Which load generator runs closed loops."""
    return "wrk" if shutil.which("wrk") else "tests.benchmarks.load"


def closed_loop(load: Load) -> Rate:
    """Run a closed loop of look-ups, by the fastest load generator there is."""
    if shutil.which("wrk"):
        return wrk.run(load)
    with started_load(load) as process:
        outcome = _outcome(process)
    found = tail(outcome.latency)
    return Rate(len(outcome.latency) / outcome.seconds, found.p50, found.p99)


@contextmanager
def started_load(load: Load) -> Iterator[subprocess.Popen[str]]:
    """Run a load beside the block; `finished` gives what came of it."""
    process = subprocess.Popen(_LOAD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(load)) + "\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def finished(process: "subprocess.Popen[str]") -> Outcome:
    """End an open loop of look-ups; what came of it.

    Raises:
        AssertionError: an answer was wrong.
    """
    assert process.stdin is not None
    process.stdin.write("stop\n")
    process.stdin.flush()
    outcome = _outcome(process)
    asked, found = len(outcome.latency), outcome.included
    # Members and strangers are asked for in turn: but for those in flight, any other share is
    # a wrong answer.
    if asked == 0 or abs(found - asked / 2) > 32:
        raise AssertionError(f"of {asked} answers {found} were members")
    return outcome


def _outcome(process: "subprocess.Popen[str]") -> Outcome:
    assert process.stdout is not None
    outcome = Outcome(**json.loads(process.stdout.read()))
    if outcome.failed:
        raise AssertionError(f"of {len(outcome.latency)} requests {outcome.failed} failed")
    return outcome


@contextmanager
def running_app(bench: Bench, *app: str) -> Iterator[int]:
    """Run an ASGI application in one process of the server program that the API has; its port."""
    port = free_port()
    command = (
        *(sys.executable, "-m", "uvicorn", *app),
        *("--port", str(port), "--no-access-log", "--log-level", "warning"),
        # The API's protocol and loop are made of these.
        *("--http", "httptools", "--loop", "uvloop", "--no-server-header"),
    )
    environment = {**os.environ, "BENCHMARK_STORE_PORT": str(bench.system.store_port)}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port), f"{app[0]} answers")
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/openapi.json").is_success
    except httpx.TransportError:  # not listening yet
        return False
