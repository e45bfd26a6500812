"""Streams of SDKs that wait: what each costs, and how soon all of them have a change."""

import resource
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import psutil

from tests.benchmarks.bench import Bench, tell
from tests.benchmarks.processes import family
from tests.benchmarks.system import BenchmarkError
from tests.support.sdks.flags import flags_of

_FLAGS: Final = "/api/v2/flag-data/default/production"
_KEYS: Final = "/api/v2/projects/default/environments/production/sdk-keys"
_LIMIT_S: Final = 60.0
#: Streams before those that are counted: what all share is there then.
_WARM: Final = 100
#: Connected and not yet answered.
_AT_ONCE: Final = 100
_READ_BYTES: Final = 64 * 1024
_IDLE_S: Final = 5.0


def measure(bench: Bench) -> None:
    """Open streams of one environment over one process, and then change a flag."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    http = bench.system.http
    key = http.post(_KEYS, json={"label": "bench"}).raise_for_status().json()["key"]
    http.put(_FLAGS, json=flags_of(["one"])).raise_for_status()
    tell(f"{bench.effort.streams:,} streams of SDKs")
    with _open(bench, _WARM, key):
        before = _memory(bench)
        with _open(bench, bench.effort.streams, key) as streams:
            kib = (_memory(bench) - before) / len(streams) / 1024
            busy = _idle_share(bench)
            change_s = _change(bench, streams)
    count = bench.effort.streams
    bench.figures.put("sdk_stream_kib", kib, streams=count, idle_core_percent=100 * busy)
    bench.figures.put("sdk_change_s", change_s, streams=count)
    http.put(_FLAGS, json={"flags": {}}).raise_for_status()


@contextmanager
def _open(bench: Bench, count: int, key: str) -> Iterator[list[socket.socket]]:
    """Open streams, each of which has had its first message."""
    request = f"GET /all HTTP/1.1\r\nHost: bench\r\nAuthorization: {key}\r\n\r\n".encode()
    with ExitStack() as stack:
        opened: list[socket.socket] = []
        while len(opened) < count:
            some = [_connect(bench, stack) for _ in range(min(_AT_ONCE, count - len(opened)))]
            for each in some:
                each.sendall(request)
            _wait_for(some, b"event: put")
            opened += some
        time.sleep(1)  # what the first messages needed is free again
        yield opened


def _connect(bench: Bench, stack: ExitStack) -> socket.socket:
    address = "127.0.0.1", bench.system.api_port
    return stack.enter_context(socket.create_connection(address, timeout=_LIMIT_S))


def _wait_for(streams: list[socket.socket], event: bytes) -> None:
    """Read from each until it has an event."""
    deadline = time.monotonic() + _LIMIT_S
    got = {each.fileno(): b"" for each in streams}
    with selectors.DefaultSelector() as selector:
        for each in streams:
            selector.register(each, selectors.EVENT_READ)
        while got:
            for ready, _ in selector.select(1):
                stream = ready.fileobj
                assert isinstance(stream, socket.socket)
                got[stream.fileno()] += stream.recv(_READ_BYTES)
                if event in got[stream.fileno()]:
                    del got[stream.fileno()]
                    selector.unregister(stream)
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{len(got)} streams did not get {event!r}")


def _change(bench: Bench, streams: list[socket.socket]) -> float:
    """Change a flag; the seconds from its answer until the last stream has it."""
    document = flags_of(["another"])
    bench.system.http.put(_FLAGS, json=document).raise_for_status()
    started = time.perf_counter()
    _wait_for(streams, b"event: patch")
    return time.perf_counter() - started


def _api(bench: Bench) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in family(bench.system.pids["api"])]


def _memory(bench: Bench) -> int:
    return sum(process.memory_info().rss for process in _api(bench))


def _idle_share(bench: Bench) -> float:
    """The share of a core that the API takes while nothing happens."""
    before = sum(sum(process.cpu_times()[:2]) for process in _api(bench))
    time.sleep(_IDLE_S)
    return (sum(sum(process.cpu_times()[:2]) for process in _api(bench)) - before) / _IDLE_S
