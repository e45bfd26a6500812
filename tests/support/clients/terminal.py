"""Commands of `bigseg` in a pseudo-terminal, with a person who presses Ctrl-C."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.servers.redis import wait_until

_ROOT: Final = Path(__file__).parents[3]
_LIMIT_S: Final = 30
_CONTROLS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\^C")
#: The leader of a session gets the terminal that it opens first: the one whose Ctrl-C it obeys.
_IN_TERMINAL: Final = """
import os, sys
terminal = os.open(sys.argv[1], os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(terminal, number)
os.execv(sys.executable, [sys.executable, "-m", "api.cli", *sys.argv[2:]])
"""


@dataclass(slots=True)
class TerminalRun:
    """One command at work."""

    process: "subprocess.Popen[bytes]"
    master: int
    terminal: int
    """Held open until the command has ended: a terminal that nobody has open is gone."""
    pieces: list[bytes] = field(default_factory=list)

    @property
    def output(self) -> str:
        """What was printed, without what moves the cursor."""
        return _CONTROLS.sub("", b"".join(self.pieces).decode(errors="replace"))

    def wait_for(self, text: str) -> None:
        """Wait until this was printed."""
        wait_until(lambda: text in self.output, f"{text!r} in {self.output!r}", _LIMIT_S)

    def press_ctrl_c(self) -> None:
        """Interrupt it as a person does."""
        os.write(self.master, b"\x03")

    def end(self) -> tuple[int, list[str]]:
        """Wait for its end: its status, and the lines that are left to be seen."""
        status = self.process.wait(_LIMIT_S)
        self.close_terminal()
        wait_until(lambda: b"" in self.pieces, "the end of its output", _LIMIT_S)
        lines = (line.rpartition("\r")[2] for line in self.output.replace("\r\n", "\n").split("\n"))
        return status, [line for line in lines if line]

    def close_terminal(self) -> None:
        """Let the reader see the end."""
        if self.terminal >= 0:
            os.close(self.terminal)
            self.terminal = -1

    def read(self) -> None:
        """Collect what it prints, until its end."""
        with suppress(OSError):  # Linux says EIO once all have closed the terminal
            while piece := os.read(self.master, 65_536):
                self.pieces.append(piece)
        self.pieces.append(b"")


@contextmanager
def in_terminal(
    *words: str, environment: Mapping[str, str], folder: Path, columns: int = 80
) -> Iterator[TerminalRun]:
    """Run a command in a terminal of its own; it is ended with the block."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BIGSEG_") and name != "COLUMNS"
    }
    process = subprocess.Popen(
        (sys.executable, "-c", _IN_TERMINAL, os.ttyname(terminal), *words),
        cwd=folder,
        env=kept | {"PYTHONPATH": str(_ROOT), "TERM": "xterm", **environment},
        start_new_session=True,
    )
    run = TerminalRun(process, master, terminal)
    reader = threading.Thread(target=run.read, daemon=True)
    reader.start()
    try:
        yield run
    finally:
        process.kill()
        process.wait()
        run.close_terminal()
        reader.join(_LIMIT_S)
        os.close(master)
