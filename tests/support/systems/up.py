"""Run `bigseg up` as a process of its own and read the events it prints."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from tests.support.processes.started import Process, start, start_anew
from tests.support.servers.ports import free_port
from tests.support.servers.redis import wait_until

#: The real system.
BIGSEG = ("-m", "api.cli", "up", "--json")
#: The same supervisor over stand-ins that start at once.
STUBS = ("-m", "tests.support.systems.stubs")

_PORTS = ("--port", "--redis-port", "--s3-port")
_READY_LIMIT_S = 90.0
_END_LIMIT_S = 60.0


@dataclass(slots=True)
class UpProcess:
    """A running `bigseg up`."""

    process: Process
    data_dir: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def event(self, name: str) -> dict[str, Any]:
        """Wait for an event of this name; the end of the process fails."""

        def seen() -> bool:
            ended = self.process.poll() is not None
            found = any(event["name"] == name for event in list(self.events))
            assert found or not ended, f"ended: {self.events} {self.errors}"
            return found

        wait_until(seen, f"event {name}", _READY_LIMIT_S)
        return next(event for event in self.events if event["name"] == name)

    def child_pids(self) -> dict[str, int]:
        """Pids by name, as recorded for the next start."""
        lines = json.loads((self.data_dir / "children.json").read_text())
        return {line["name"]: line["pid"] for line in lines}

    def guardian_pid(self) -> int:
        """Give the child of the parent that is none of the recorded ones."""
        known = set(self.child_pids().values())
        found = [pid for pid in children_of(self.process.pid) if pid not in known]
        assert len(found) == 1, found
        return found[0]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the end; give the exit status."""
        return self.process.wait(_END_LIMIT_S)


@contextmanager
def up(
    data_dir: Path,
    *options: str,
    command: tuple[str, ...] = STUBS,
    environment: Mapping[str, str] | None = None,
) -> Iterator[UpProcess]:
    """Start it; at the end of the block it is stopped if it still runs.

    Ports that the options do not name are free ones.
    """
    options = (*options, *free_ports(name for name in _PORTS if name not in options))
    arguments = (sys.executable, *command, "--data-dir", str(data_dir), *options)
    variables = {**os.environ, **(environment or {})}
    (output, to_output), (errors, to_errors) = _pipe(), _pipe()
    with output, errors:
        with to_output, to_errors:
            begin = start_anew if command == BIGSEG else start
            process = begin(arguments, variables, to_output, to_errors)
        running = UpProcess(process, data_dir)
        readers = [
            threading.Thread(target=_read_events, args=(output, running.events)),
            threading.Thread(target=_read_lines, args=(errors, running.errors)),
        ]
        for reader in readers:
            reader.start()
        try:
            yield running
        finally:
            process.terminate()
            try:
                process.wait(_END_LIMIT_S)
            finally:
                process.kill()
                process.wait()
                for reader in readers:
                    reader.join()


def _pipe() -> tuple[IO[str], IO[str]]:
    """Give the end to read, and the one to write to."""
    ours, theirs = os.pipe()
    return os.fdopen(ours), os.fdopen(theirs, "w")


def free_ports(options: Iterable[str] = _PORTS) -> tuple[str, ...]:
    """Give these options, each with a port that is free."""
    return tuple(word for option in options for word in (option, str(free_port())))


@contextmanager
def default_ports() -> Iterator[None]:
    """Have the default ports for oneself: tests run side by side in several processes."""
    with (Path(tempfile.gettempdir()) / "bigseg-default-ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_running(pid: int) -> bool:
    """Whether a process with this number does anything; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def arguments_of(pid: int) -> str:
    """The command line of a process, as anybody on the machine can read it."""
    return subprocess.run(
        ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)],
        capture_output=True,
        check=False,
        text=True,
    ).stdout


def children_of(pid: int) -> list[int]:
    """Pids of the children of a process."""
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return []


def _read_events(output: IO[str], events: list[dict[str, Any]]) -> None:
    for line in output:
        events.append(json.loads(line))  # noqa: PERF401  # each is seen as it comes


def _read_lines(output: IO[str], lines: list[str]) -> None:
    for line in output:
        lines.append(line)  # noqa: PERF402  # same
