"""A process of our own that decodes Parquet, because a damaged file may end it.

``subprocess`` with a program of ours, and not ``multiprocessing``: Celery's processes are
daemons and may have no such children, and a fork of a worker would hold its connections
and passwords. The program (``child.py``) forks again for each reading, because a start of
Python costs as much as decoding a million rows.
"""

import os
import signal
import socket
import subprocess
import sys
import weakref
from dataclasses import dataclass
from typing import Any, Final

from worker.lists.errors import DecoderLost
from worker.lists.parquet.child import VERDICT

_END_LIMIT_S: Final = 2.0
#: All that the program gets to know: no password, no address, no key.
_KEPT_VARIABLES: Final = ("PATH", "LD_LIBRARY_PATH", "TZ")
_VARIABLES: Final = {
    "LC_ALL": "C.UTF-8",
    # Threads would not survive the fork, and nothing here needs them.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # Others reserve addresses far beyond what they use, and addresses are what is bounded.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    # Pages of the batch before are used again: 8 % less CPU for 4,000,000 UUIDs.
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
}


@dataclass(frozen=True, slots=True)
class _Program:
    """The running program; ends itself when its control socket is closed."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket

    def end(self) -> None:
        """End it and what it has forked."""
        self.control.close()
        try:
            self.process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            # It is the leader of its group and not waited for yet, so the number is its own.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class DecoderProcess:
    """Starts the program when it is first needed, and again after it was killed.

    For one thread of one process, not for its forks.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._program: _Program | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None
        self.peak_kib = 0
        """Most memory that the last reading used."""

    @property
    def pid(self) -> int | None:
        """The running program's; ``None`` while there is none."""
        if self._program is None or self._program.process.poll() is not None:
            return None
        return self._program.process.pid

    def close(self) -> None:
        """End the program; the next reading starts another. Idempotent."""
        if self._finalizer is not None:
            self._finalizer()
        self._program = self._finalizer = None

    def fork(self) -> socket.socket:
        """Have a child forked for one reading.

        Returns:
            Our end of its channel, blocking.

        Raises:
            DecoderLost: the program cannot be started. Safe to retry.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            for last_try in (False, True):
                self._program = self._program or self._start()
                try:
                    socket.send_fds(self._program.control, [b"r"], [theirs.fileno()])
                except OSError:
                    # It was killed since the last reading.
                    self.close()
                    if last_try:
                        ours.close()
                        raise DecoderLost("could not be started") from None
                else:
                    break
        return ours

    def wait(self) -> int | None:
        """Wait until the child has ended; its exit code, or ``None`` if the program ended too."""
        if self._program is None:
            return None
        control = self._program.control
        control.settimeout(_END_LIMIT_S)
        try:
            data = control.recv(VERDICT.size, socket.MSG_WAITALL)
        except OSError:
            data = b""
        if len(data) < VERDICT.size:
            self.kill()
            return None
        code, self.peak_kib = VERDICT.unpack(data)
        return int(code)

    def kill(self) -> None:
        """End the program and its child at once."""
        if (pid := self.pid) is not None:
            os.killpg(pid, signal.SIGKILL)
        self.close()

    def _start(self) -> _Program:
        ours, theirs = socket.socketpair()
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)  # noqa: PTH100 - no file is meant
        with theirs:
            number = theirs.fileno()
            arguments = ("-P", "-m", "worker.lists.parquet.child", str(number))
            process = subprocess.Popen(  # noqa: S603 - a program of ours and two numbers
                [sys.executable, *arguments, str(self._memory_bytes)],
                env={**kept, **_VARIABLES, "PYTHONPATH": paths},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(number,),
                # A signal to the terminal's group is the worker's to handle.
                start_new_session=True,
            )
        program = _Program(process, ours)
        self._finalizer = weakref.finalize(self, program.end)
        return program
