"""Several processes on one port: starts them, replaces those that end, ends them together."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final, Self

import structlog

from api.metrics.exposition import STARTS
from api.metrics.tally import Tally, make_file
from api.serving.options import (
    OPEN_REQUESTS_GRACE_S,
    Inherited,
    ServingOptions,
    Tls,
    process_command,
)
from api.serving.port import Port
from api.serving.restarts import Backoff, describe_end
from worker.logs import configure_logs

_POLL_S: Final = 0.05
#: Seconds for a process to end: its open requests, then its own parts.
_GRACE_S: Final = OPEN_REQUESTS_GRACE_S + 4.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_log = structlog.get_logger(__name__)


def supervise(options: ServingOptions) -> int:
    """Serve until a signal; gives the exit status.

    A process that ends by itself is replaced, after longer pauses if it keeps ending, and never
    given up. Only if the first one cannot be started at all does this end, too, for then
    none of them can.
    """
    configure_logs()
    with ExitStack() as stack:
        try:
            port = stack.enter_context(Port.bind(options.address))
        except OSError as exc:
            at = options.address
            sys.stderr.write(f"cannot listen on {at.host} port {at.port}: {exc.strerror}\n")
            return 1
        return stack.enter_context(Supervisor.open(port, options)).run()


@dataclass(frozen=True, slots=True)
class Shared:
    """Descriptors that all processes inherit; see :class:`Inherited`."""

    tally: int
    lifeline: int


@dataclass(slots=True)
class _Started:
    process: subprocess.Popen[bytes]
    at_s: float


class Supervisor:
    """The processes of one port, each with a place that its replacement takes over."""

    def __init__(self, port: Port, shared: Shared, options: ServingOptions, tally: Tally) -> None:
        """Start nothing yet.

        Args:
            port: to listen on.
            shared: what all processes inherit.
            options: how to serve.
            tally: what the processes count, to read.
        """
        self._port = port
        self._shared = shared
        self._tls: Tls | None = options.tls
        self._count = options.processes
        self._tally = tally
        self._started: dict[int, _Started] = {}
        self._due: dict[int, float] = {}
        self._backoff = Backoff()
        self._signals = 0

    @classmethod
    @contextmanager
    def open(cls, port: Port, options: ServingOptions) -> Iterator[Self]:
        """Make what the processes inherit; closed at the end."""
        with ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile())
            make_file(file.fileno(), options.processes)
            lifeline, held = os.pipe()
            stack.callback(os.close, lifeline)
            stack.callback(os.close, held)
            shared = Shared(file.fileno(), lifeline)
            yield cls(port, shared, options, Tally.shared(file.fileno(), 0))

    def run(self) -> int:
        """Serve until a signal; gives the exit status. None of the processes is left."""
        before = {number: signal.signal(number, self._note_signal) for number in _SIGNALS}
        try:
            self._start(0)
            status = self._wait_for_first()
            if status is not None:
                return status
            for place in range(1, self._count):
                self._start(place)
            while not self._signals:
                self._replace_ended()
                time.sleep(_POLL_S)
            return 0
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _wait_for_first(self) -> int | None:
        """Wait until the first process serves: what is wrong with it is wrong with all.

        Returns:
            Its exit status, if it ended by itself instead.
        """
        process = self._started[0].process
        while not self._signals and not self._has_served():
            status = process.poll()
            if status is not None:
                return status if status > 0 else 1
            time.sleep(_POLL_S)
        return None

    def _has_served(self) -> bool:
        return any(row.name == (STARTS,) and row.integers[0] for row in self._tally.read_all())

    def _start(self, place: int) -> None:
        shared = self._shared
        # Held by the process alone, so that its end is the end of the socket: else the system
        # would go on giving it connections.
        with self._port.make_socket() as own:
            inherited = Inherited(own.fileno(), shared.tally, shared.lifeline, place)
            process = subprocess.Popen(  # noqa: S603  # our own command, no shell
                process_command(inherited, self._tls),
                stdin=subprocess.DEVNULL,
                pass_fds=(own.fileno(), shared.tally, shared.lifeline),
            )
        self._started[place] = _Started(process, time.monotonic())
        _log.info("process.started", place=place, pid=process.pid)

    def _replace_ended(self) -> None:
        now_s = time.monotonic()
        for place, started in list(self._started.items()):
            status = started.process.poll()
            if status is None:
                continue
            del self._started[place]
            pause_s = self._backoff.next_s(place, now_s - started.at_s)
            self._due[place] = now_s + pause_s
            _log.error(
                "process.ended",
                place=place,
                pid=started.process.pid,
                how=describe_end(status),
                ran_s=round(now_s - started.at_s, 1),
                restart_in_s=pause_s,
            )
        for place, due_s in list(self._due.items()):
            if due_s <= now_s:
                del self._due[place]
                self._restart(place, now_s)

    def _restart(self, place: int, now_s: float) -> None:
        try:
            self._start(place)
        except OSError as exc:  # no memory, file or process left for it just now
            self._due[place] = now_s + self._backoff.next_s(place, 0.0)
            _log.error("process.postponed", place=place, reason=exc.strerror)

    def _stop(self) -> None:
        """End all; a second signal, or the end of their time, kills what is left."""
        signals, deadline_s = self._signals, time.monotonic() + _GRACE_S
        processes = [started.process for started in self._started.values()]
        for process in processes:
            process.terminate()
        for process in processes:
            while process.poll() is None:
                if self._signals > max(1, signals) or time.monotonic() > deadline_s:
                    _log.warning("process.killed", pid=process.pid)
                    process.kill()
                    process.wait()
                    break
                time.sleep(_POLL_S)
