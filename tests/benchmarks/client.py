"""Starting a load, and the naive service to hold the product against."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import httpx

from tests.benchmarks.bench import SEGMENT, Bench
from tests.benchmarks.lists import first_keys, write_uuids
from tests.benchmarks.load import Load, Outcome
from tests.support.servers.redis import free_port, wait_until

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


def product_load(bench: Bench, keys: str, *, seconds: float, rate: float | None = None) -> Load:
    """Membership GETs of the product, with a token of the store that has a scope."""
    system = bench.system
    return Load(system.api_port, keys, SEGMENT, system.reader_token(), 32, seconds, rate)


def run_load(load: Load) -> Outcome:
    """Run a load to its end."""
    with started_load(load) as process:
        return finished(process)


@contextmanager
def started_load(load: Load) -> Iterator[subprocess.Popen[str]]:
    """Run a load beside the block; `finished` ends an open loop and gives what came of it."""
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


def finished(process: "subprocess.Popen[str]", *, stop: bool = False) -> Outcome:
    """Wait for a load's end; with ``stop``, ask an open loop to end first."""
    assert process.stdin is not None
    assert process.stdout is not None
    if stop:
        process.stdin.write("stop\n")
        process.stdin.flush()
    text = process.stdout.read()
    outcome = Outcome(**json.loads(text))
    asked, found = len(outcome.latency), outcome.included
    # Members and strangers are asked for in turn: but for those in flight, any other share is
    # a wrong answer.
    if outcome.failed or asked == 0 or abs(found - asked / 2) > 32:
        raise AssertionError(f"of {asked} answers {outcome.failed} failed, {found} were members")
    return outcome


@contextmanager
def running_peer(bench: Bench) -> Iterator[int]:
    """Run the naive service in one uvicorn process; its port."""
    port = free_port()
    command = (
        *(sys.executable, "-m", "uvicorn", "tests.benchmarks.peer_app:create_app", "--factory"),
        *("--port", str(port), "--no-access-log", "--log-level", "warning"),
    )
    environment = {**os.environ, "BENCHMARK_STORE_PORT": str(bench.system.store_port)}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port), "the naive service answers")
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/openapi.json").is_success
    except httpx.TransportError:  # not listening yet
        return False
