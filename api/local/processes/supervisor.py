"""Start processes in order, watch them, stop them in the opposite order, tier by tier.

Each child leads a session of its own, so that a terminal's Ctrl-C reaches only the parent,
and what a child leaves behind ends with its group. A guardian process stops the
children when the parent is killed.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from api.local.errors import ChildError
from api.local.processes import guardian
from api.local.processes.leftovers import StartedProcess, kill_group
from api.serving.restarts import describe_end

_POLL_S = 0.05
_TAIL_LINES = 15
#: Times a process is started again before it has run for long.
MOST_RESTARTS: Final = 5
#: Seconds before the first of them; twice as long before each further one.
FIRST_PAUSE_S: Final = 1.0
#: Seconds after which a process counts as one that runs.
_RUNS_AFTER_S: Final = 60.0

# Services need both servers while they stop, and none of them needs another.
STORE_TIER, OBJECTS_TIER, SERVICE_TIER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to start.

    Attributes:
        name: what it is called in messages; also the name of its log file.
        command: program and arguments.
        environment: its whole environment.
        directory: its working directory.
        grace_s: seconds it has to end by itself before it is killed.
        tier: children of a tier are stopped together, and before the tiers below it.
        restarts: whether it may be started again after it ended by itself. Not the store: its
            last second of writes may be gone, which must not pass unseen.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    grace_s: float = 10.0
    tier: int = SERVICE_TIER
    restarts: bool = False


@dataclass(frozen=True, slots=True)
class EndedChild:
    """A child that ended by itself.

    Attributes:
        spec: what it was started from.
        ran_s: how long it ran.
        how: its name and how it ended, in a few words.
        text: the same, with the end of its log.
    """

    spec: ChildSpec
    ran_s: float
    how: str
    text: str


@dataclass(frozen=True, slots=True)
class _Child:
    spec: ChildSpec
    process: subprocess.Popen[bytes]
    log: Path
    started_s: float


class Supervisor:
    """The processes of one system.

    Args:
        logs: folder for one log file per child; that of the previous run is kept as
            ``NAME.previous.log``.
        record: file that names the children while they run, for `stop_leftovers`.
    """

    def __init__(self, logs: Path, record: Path) -> None:
        self._logs = logs
        self._record = record
        self._children: list[_Child] = []
        self._started: list[StartedProcess] = []
        self._guardian = subprocess.Popen(  # noqa: S603  # our own script, no shell
            [sys.executable, "-I", guardian.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )

    @property
    def pids(self) -> dict[str, int]:
        """Number of each child's process, in the order of their start."""
        return {child.spec.name: child.process.pid for child in self._children}

    def start(self, spec: ChildSpec) -> None:
        """Start a child; returns at once, before it is ready for anything.

        Raises:
            ChildError: its program cannot be run.
        """
        log = self._logs / f"{spec.name}.log"
        if log.exists():
            log.replace(log.with_name(f"{spec.name}.previous.log"))
        try:
            with log.open("wb") as output:
                process = subprocess.Popen(  # noqa: S603  # the system's own commands, no shell
                    spec.command,
                    cwd=spec.directory,
                    env=spec.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as exc:
            raise ChildError(f"{spec.name}: {spec.command[0]} cannot be run: {exc}") from exc
        self._children.append(_Child(spec, process, log, time.monotonic()))
        self._send_guardian(f"watch {process.pid}")
        self._started.append(StartedProcess.identify(spec.name, process.pid))
        self._write_record()

    def take_ended(self) -> list[EndedChild]:
        """Give the children that have ended, and forget them; kills their groups."""
        ended = [child for child in self._children if child.process.poll() is not None]
        for child in ended:
            # The rest of its group would go on beside its replacement.
            kill_group(child.process.pid)
            self._children.remove(child)
            self._send_guardian(f"forget {child.process.pid}")
            self._started = [line for line in self._started if line.pid != child.process.pid]
        if ended:
            self._write_record()
        now_s = time.monotonic()
        return [
            EndedChild(
                child.spec,
                now_s - child.started_s,
                _how_ended(child, child.process.returncode),
                _describe_end(child, child.process.returncode),
            )
            for child in ended
        ]

    def check(self) -> None:
        """Do nothing while all children run.

        Raises:
            ChildError: one has ended; the message has its status and its log's tail.
        """
        for child in self._children:
            status = child.process.poll()
            if status is not None:
                raise ChildError(_describe_end(child, status))

    def stop(self, is_forced: Callable[[], bool] = lambda: False) -> None:
        """Stop the children, tier by tier, the last one started first; none runs afterwards.

        Args:
            is_forced: polled; once true, all that still run are killed.
        """
        for tier in sorted({child.spec.tier for child in self._children}, reverse=True):
            together = [child for child in self._children if child.spec.tier == tier]
            _stop_children(together[::-1], is_forced)
        self._children.clear()
        self._record.unlink(missing_ok=True)
        self._send_guardian("bye")
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        self._guardian.wait()

    def _write_record(self) -> None:
        # Whole or as it was: a crash in the middle must not hide what runs.
        new = self._record.with_suffix(".new")
        new.write_text(json.dumps([asdict(started) for started in self._started]))
        new.replace(self._record)

    def _send_guardian(self, line: str) -> None:
        if self._guardian.stdin is None:
            return
        try:
            self._guardian.stdin.write(f"{line}\n".encode())
        except BrokenPipeError:
            return  # it was killed; `stop_leftovers` remains


@dataclass(slots=True)
class Restarts:
    """When a process that ended by itself is started again; counts its ends by its name."""

    first_pause_s: float = FIRST_PAUSE_S
    _counts: dict[str, int] = field(default_factory=dict)

    def pause_s(self, name: str, ran_s: float) -> float | None:
        """How long to wait before the next start, ``None`` to give up.

        1, 2, 4, 8 and 16 seconds for one that keeps ending, half a minute together; for one
        that ran for a minute the count starts again.
        """
        count = 0 if ran_s >= _RUNS_AFTER_S else self._counts.get(name, 0)
        self._counts[name] = count + 1
        return None if count >= MOST_RESTARTS else self.first_pause_s * 2**count


def read_tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """Read the last lines of a log file, indented."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "    (empty log)"


def _stop_children(children: Sequence[_Child], is_forced: Callable[[], bool]) -> None:
    asked_at = time.monotonic()
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    for child in children:
        deadline = asked_at + child.spec.grace_s
        while child.process.poll() is None and time.monotonic() < deadline and not is_forced():
            time.sleep(_POLL_S)
        kill_group(child.process.pid)
        child.process.wait()


def _describe_end(child: _Child, status: int) -> str:
    end = _how_ended(child, status)
    return f"{end}; the end of {child.log}:\n{read_tail(child.log)}"


def _how_ended(child: _Child, status: int) -> str:
    return f"{child.spec.name} {describe_end(status)}"
