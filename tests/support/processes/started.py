"""bigseg's own programs as processes of their own, started from what has read their modules."""

import atexit
import functools
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any, Final, TypeAlias

ROOT: Final = Path(__file__).parents[3]
_COMMAND: Final = Path(__file__).parent / "command.py"
#: Celery warns of root because of pickle, which is off.
WARNINGS: Final = {"PYTHONWARNINGS": "ignore::RuntimeWarning:celery.platforms"}


class Started:
    """A running program; what is used of it is what `subprocess.Popen` has."""

    def __init__(self, status: int) -> None:
        self._status = os.fdopen(status)
        # Also if nobody waits for its end: a file that is left open would fail another test.
        weakref.finalize(self, self._status.close)
        self._lock = Lock()
        self.pid = self._read_number()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Look whether it has ended; its status."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its status."""
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has, and its status is still to be told
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
                self.returncode = self._read_number()
                self._status.close()
            return self.returncode

    def _read_number(self) -> int:
        line = self._status.readline()
        assert line, "what starts programs has ended: its reason is in the output of the tests"
        return int(line)


Process: TypeAlias = subprocess.Popen[bytes] | Started


def stop(process: Process, limit_s: float = 10.0) -> None:
    """End a process as an operator would (SIGTERM), then by force.

    Whatever interrupts this, the process has ended and nobody needs to wait for it any more.
    """
    try:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(limit_s)
    finally:
        process.kill()
        process.wait()


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: IO[Any],
    errors: IO[Any] | None = None,
    *,
    new_session: bool = False,
) -> Process:
    """Start a program of bigseg's by its command, at the root of the repository.

    On Linux it begins in a copy of a process that has read its modules: `starter`.

    Args:
        command: the interpreter's, with ``-m``.
        environment: all of it.
        output: what it prints.
        errors: what it prints as errors; to the same file if unset.
        new_session: whether it leads a group of its own.
    """
    if sys.platform != "linux":
        return start_anew(command, environment, output, errors, new_session=new_session)
    files = (output, errors or output)
    return _starter().start(command, environment, files, new_session=new_session)


def start_anew(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: IO[Any],
    errors: IO[Any] | None = None,
    *,
    new_session: bool = False,
) -> "subprocess.Popen[bytes]":
    """As `start`, by an interpreter of its own, as users start it."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors or output,
        start_new_session=new_session,
    )


def script_command(script: Path) -> tuple[str, ...]:
    """Words that run a script of Python's, on Linux begun as by `start`.

    The name by which it is called comes after them, and then its arguments.
    """
    if sys.platform != "linux":
        return "sh", "-c", f'shift; exec "{sys.executable}" "{script}" "$@"', "sh"
    return sys.executable, "-IS", str(_COMMAND), _starter().address, str(script)


class _Starter:
    """The process that begins programs, which ends with this one."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="bigseg-starter-")
        self.address = f"{self._directory.name}/commands"
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        commands = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, commands:
            commands.bind(self.address)
            commands.listen()
            files = theirs.fileno(), commands.fileno()
            self._process = subprocess.Popen(
                (sys.executable, "-m", "tests.support.processes.starter", *map(str, files)),
                cwd=ROOT,
                env=os.environ | WARNINGS,
                stdin=subprocess.DEVNULL,
                pass_fds=files,
            )

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        output: tuple[IO[Any], IO[Any]],
        *,
        new_session: bool,
    ) -> Started:
        order = {
            "module": command[2],
            "arguments": command[3:],
            "environment": dict(environment),
            "directory": str(ROOT),
            "new_session": new_session,
        }
        ours, theirs = os.pipe()
        files = [*(file.fileno() for file in output), theirs]
        try:
            socket.send_fds(self._orders, [repr(order).encode()], files)
        finally:
            os.close(theirs)
        return Started(ours)

    def end(self) -> None:
        self._orders.close()
        self._process.wait()
        self._directory.cleanup()


@functools.cache
def _starter() -> _Starter:
    starter = _Starter()
    atexit.register(starter.end)
    return starter
