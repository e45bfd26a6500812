"""A shell in which commands are run one block after the other, as a reader types them.

Standard output is a terminal of 80 columns, because commands print tables for people there.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_COLUMNS: Final = 80
_LIMIT_S: Final = 120.0
_POLL_S: Final = 0.1
_READ_BYTES: Final = 65_536
#: Printed by the shell after each block; no command prints it.
_END: Final = "\x1e"


@dataclass(slots=True)
class Shell:
    """One running shell, and the end of its terminal that is read."""

    process: subprocess.Popen[bytes]
    terminal: int
    scripts: Path
    _blocks: int = 0

    def run(self, commands: str) -> str:
        """Run commands and give what they print on standard output.

        Raises:
            AssertionError: one of them failed; what was printed, also as errors, is in it.
        """
        self._blocks += 1
        script = self.scripts / f"{self._blocks}.sh"
        script.write_text(commands)
        assert self.process.stdin is not None
        line = f". '{script}' </dev/null\nprintf '{_END}'\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        return self._read_block(commands)

    def errors(self) -> str:
        """What has been printed as errors until now."""
        return (self.scripts / "errors").read_text(errors="replace")

    def _read_block(self, commands: str) -> str:
        printed, deadline = b"", time.monotonic() + _LIMIT_S
        while not printed.endswith(_END.encode()):
            more = self._read()
            printed += more
            ended = not more and self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                how = f"failed ({self.process.returncode})" if ended else f"over {_LIMIT_S:g} s"
                text = printed.decode(errors="replace")
                raise AssertionError(f"{how}:\n{commands}\n{text}\n{self.errors()}")
        return printed.decode().removesuffix(_END)

    def _read(self) -> bytes:
        if not select.select([self.terminal], [], [], _POLL_S)[0]:
            return b""
        try:
            return os.read(self.terminal, _READ_BYTES)
        except OSError:  # Linux's word for the end of a terminal
            return b""


@contextmanager
def running_shell(
    directory: Path, scripts: Path, environment: Mapping[str, str]
) -> Iterator[Shell]:
    """Run a shell that ends at the first command that fails.

    Args:
        directory: where it starts.
        scripts: an empty directory for what it is given, and what it prints as errors.
        environment: its whole environment.
    """
    terminal, output = pty.openpty()
    fcntl.ioctl(output, termios.TIOCSWINSZ, struct.pack("HHHH", 24, _COLUMNS, 0, 0))
    modes = termios.tcgetattr(output)
    modes[1] &= ~termios.OPOST  # a line ends with a line feed alone
    termios.tcsetattr(output, termios.TCSANOW, modes)
    with (scripts / "errors").open("wb") as errors:
        process = subprocess.Popen(
            ("/bin/sh", "-e"),
            cwd=directory,
            env={**environment, "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": str(_COLUMNS)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
    os.close(output)
    try:
        yield Shell(process, terminal, scripts)
    finally:
        with suppress(ProcessLookupError):  # with all that it has left in the background
            os.killpg(process.pid, signal.SIGTERM)
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        os.close(terminal)
