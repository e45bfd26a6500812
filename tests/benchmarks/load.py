"""A load generator in a process of its own, the same for product and peer.

Requests are encoded before the clock starts and sent over keep-alive connections.
Reads one JSON object (the fields of `Load`) from standard input and prints one (those of
`Outcome`). Closed loop: each connection sends when it has its answer. Open loop (``rate``):
requests are due at fixed times, latency counts from the due time, and a second line on
standard input ends it.
"""

import gc
import json
import selectors
import socket
import sys
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

_OK = b"HTTP/1.1 200"
_INCLUDED = b'"included":true'


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask.

    Attributes:
        port: of the server, on the loopback.
        keys: a file of context keys, one a line, asked in turn.
        segment: the segment.
        token: sent in ``Authorization``; none without it.
        connections: how many at one time.
        seconds: how long, at most.
        rate: requests due each second; None for a closed loop.
    """

    port: int
    keys: str
    segment: str
    token: str | None
    connections: int
    seconds: float
    rate: float | None = None


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    seconds: float = 0.0
    failed: int = 0
    included: int = 0
    due: list[float] = field(default_factory=list)
    """Unix time at which each request was due (open loop) or sent."""
    latency: list[float] = field(default_factory=list)
    """Seconds until its answer was whole."""
    late: list[float] = field(default_factory=list)
    """Seconds after which it was sent, of those: this process did not get the processor, or no
    connection was free."""


class _Connection:
    __slots__ = ("due", "late", "received", "stream")

    def __init__(self, port: int) -> None:
        self.stream = socket.create_connection(("127.0.0.1", port))
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.due = self.late = 0.0


class Generator:
    """Runs one load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._requests = cycle(_encode(load))
        self._connections = [_Connection(load.port) for _ in range(load.connections)]
        # A wait of epoll ends at whole milliseconds: too late for requests that are due.
        exact = load.rate is not None
        self._selector: selectors.BaseSelector = (
            selectors.SelectSelector() if exact else selectors.DefaultSelector()
        )
        for connection in self._connections:
            self._selector.register(connection.stream, selectors.EVENT_READ, connection)
        self._outcome = Outcome()
        self._offset = time.time() - time.perf_counter()

    def closed(self) -> Outcome:
        """Keep every connection busy until the time is up."""
        started = time.perf_counter()
        for connection in self._connections:
            self._send(connection, time.perf_counter())
        until = started + self._load.seconds
        while (now := time.perf_counter()) < until:
            for connection in self._answered(until - now):
                self._send(connection, time.perf_counter())
        return self._end(started)

    def open(self, rate: float, stop: threading.Event) -> Outcome:
        """Send at fixed times, whatever the answers do."""
        started = time.perf_counter()
        idle, waiting = deque(self._connections), deque[float]()
        until, due, step = started + self._load.seconds, started, 1 / rate
        while (now := time.perf_counter()) < until and not stop.is_set():
            while due <= now:
                waiting.append(due)
                due += step
            while waiting and idle:
                self._send(idle.popleft(), waiting.popleft())
            idle.extend(self._answered(max(0.0, due - time.perf_counter())))
        return self._end(started)

    def _send(self, connection: _Connection, due: float) -> None:
        connection.due = due
        connection.late = time.perf_counter() - due
        connection.stream.sendall(next(self._requests))

    def _answered(self, wait_s: float) -> list[_Connection]:
        done = []
        for ready, _ in self._selector.select(wait_s):
            connection: _Connection = ready.data
            piece = connection.stream.recv(65_536)
            if not piece:
                raise ConnectionError("the server closed a connection")
            answer = connection.received + piece
            if _is_whole(answer):
                self._note(connection, answer)
                connection.received = b""
                done.append(connection)
            else:
                connection.received = answer
        return done

    def _note(self, connection: _Connection, answer: bytes) -> None:
        outcome = self._outcome
        outcome.due.append(connection.due + self._offset)
        outcome.latency.append(time.perf_counter() - connection.due)
        outcome.late.append(connection.late)
        outcome.failed += not answer.startswith(_OK)
        outcome.included += _INCLUDED in answer

    def _end(self, started: float) -> Outcome:
        self._outcome.seconds = time.perf_counter() - started
        for connection in self._connections:
            connection.stream.close()
        self._selector.close()
        return self._outcome


def _encode(load: Load) -> list[bytes]:
    authorization = f"Authorization: {load.token}\r\n" if load.token else ""
    prefix = f"GET /api/v2/segments/default/production/{load.segment}/contexts/"
    suffix = f" HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}\r\n"
    keys = Path(load.keys).read_text().split()
    return [f"{prefix}{key}{suffix}".encode() for key in keys]


def _is_whole(answer: bytes) -> bool:
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    at = answer.find(b"ontent-", 0, head)
    while answer[at + 7 : at + 14].lower() != b"length:":
        at = answer.index(b"ontent-", at + 1, head)
    size = int(answer[at + 14 : answer.index(b"\r\n", at)])
    return len(answer) >= head + 4 + size


def main() -> None:
    """Run what standard input says."""
    load = Load(**json.loads(sys.stdin.readline()))
    generator = Generator(load)
    # A collection here would look like a late answer there.
    gc.disable()
    if load.rate is None:
        outcome = generator.closed()
    else:
        stop = threading.Event()
        threading.Thread(target=_stop_at_line, args=(stop,), daemon=True).start()
        outcome = generator.open(load.rate, stop)
    json.dump(asdict(outcome), sys.stdout)


def _stop_at_line(stop: threading.Event) -> None:
    sys.stdin.readline()
    stop.set()


if __name__ == "__main__":
    main()
