"""The processes of a test system: each started, killed and stopped on its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from api.local.processes import guardian
from tests.support.processes.started import Process, start
from tests.support.servers.redis import wait_until
from tests.support.systems.up import children_of, is_running

_STOP_LIMIT_S = 15.0


class Guardian:
    """Ends what is left when this process is killed before it could clean up."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", guardian.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )

    def watch(self, pid: int) -> None:
        """Remember a process group to end."""
        self._tell(f"watch {pid}")

    def dismiss(self) -> None:
        """Let it go: everything has been ended."""
        self._tell("bye")
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())


@dataclass(slots=True)
class Part:
    """One process of the system, the leader of a group of its own."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log_file: Path
    guardian: Guardian
    process: Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} does not run"
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def start(self) -> None:
        """Start the process; does not wait until it is ready."""
        assert self.process is None, f"{self.name} runs"
        with self.log_file.open("ab") as output:
            self.process = start(self.command, self.environment, output, new_session=True)
        self.guardian.watch(self.process.pid)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the group do nothing while the block runs."""
        group = self.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):  # it was killed meanwhile
                os.killpg(group, signal.SIGCONT)

    def children(self) -> list[int]:
        """Pids of a worker's pool processes."""
        return children_of(self.pid)

    def kill_child(self, pid: int) -> None:
        """SIGKILL one process of the pool, and wait until it is gone."""
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_running(pid), f"process {pid} of {self.name} is gone")

    def kill_leader(self) -> list[int]:
        """SIGKILL only the leader; gives its children, which must end by themselves."""
        assert self.process is not None
        children = self.children()
        self.process.kill()
        self.process.wait()
        self.process = None
        return children

    def kill(self) -> None:
        """SIGKILL the whole group, as the end of a machine would."""
        if self.process is not None:
            _kill_group(self.process.pid)
            # One that has just started has no group yet, and is alone.
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask_to_end(self) -> None:
        """SIGTERM, without waiting."""
        if self.process is not None:
            self.process.terminate()

    def stop(self) -> None:
        """SIGTERM, and by force what does not end."""
        self.ask_to_end()
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_LIMIT_S)
        self.kill()

    def restart(self) -> None:
        """Kill it if it runs, and start it."""
        self.kill()
        self.start()


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
