"""A terminal that a test types into: what a person would see of a command is what it returns."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pexpect
import pyte

#: More than any command prints: what scrolls off a screen would be lost.
_LINES: Final = 2_000
_ROWS: Final = 24
_LIMIT_S: Final = 90.0
_BY_SIGNAL: Final = 128


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command left on the terminal, and its exit status as a shell gives it."""

    text: str
    status: int


class _Screen(pyte.Screen):
    """Knows which of its rows it has broken, because a line was wider than itself."""

    def __init__(self, columns: int, lines: int) -> None:
        self.broken_rows: set[int] = set()
        self._draws = False
        super().__init__(columns, lines)

    def draw(self, data: str) -> None:
        """Put text at the cursor."""
        self._draws = True
        super().draw(data)
        self._draws = False

    def linefeed(self) -> None:
        """Go to the next row."""
        if self._draws:
            self.broken_rows.add(self.cursor.y)
        else:
            self.broken_rows.discard(self.cursor.y)
        super().linefeed()


class Running:
    """A command in the terminal that has not ended yet."""

    def __init__(self, child: "pexpect.spawn[str]", columns: int) -> None:
        self._child = child
        self._screen = _Screen(columns, _LINES)
        self._stream = pyte.Stream(self._screen)

    def wait_for(self, text: str) -> None:
        """Wait until the command has printed a text; its end before that fails."""
        try:
            self._child.expect_exact(text, timeout=_LIMIT_S)
        except (pexpect.EOF, pexpect.TIMEOUT) as exc:
            message = f"{text!r} was not printed, but: {self._child.before!r}"
            raise AssertionError(message) from exc
        finally:
            self._draw()

    def type(self, text: str) -> None:
        """Type a line."""
        self._child.sendline(text)

    def interrupt(self) -> None:
        """Press Ctrl-C, which a command that has ended does not notice."""
        with suppress(OSError):
            self._child.sendintr()

    def end(self) -> Shown:
        """Wait for the end of the command."""
        self._child.expect(pexpect.EOF, timeout=_LIMIT_S)
        self._draw()
        self._child.close()
        status = self._child.exitstatus
        if status is None:
            status = _BY_SIGNAL + (self._child.signalstatus or 0)
        return Shown("\n".join(self._lines()).rstrip(), status)

    def stop(self) -> None:
        """Kill it if it has not ended."""
        self._child.close(force=True)

    def _lines(self) -> list[str]:
        """The lines as they were printed: those that the terminal broke are whole again."""
        lines: list[str] = []
        # Those below are empty, and to show them takes longer than most commands.
        self._screen.lines = max(self._screen.buffer, default=-1) + 1
        for row, shown in enumerate(self._screen.display):
            # A line may be broken at a space, which is the row's last character then.
            text = shown if row in self._screen.broken_rows else shown.rstrip()
            if row - 1 in self._screen.broken_rows:
                lines[-1] += text
            else:
                lines.append(text)
        return lines

    def _draw(self) -> None:
        for part in (self._child.before, self._child.after):
            if isinstance(part, str):
                self._stream.feed(part)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A shell's window: a directory, an environment and a width."""

    directory: Path
    environment: Mapping[str, str]
    columns: int = 80

    @contextmanager
    def start(self, commands: str) -> Iterator[Running]:
        """Type commands, and have them run while the block does."""
        shell = shutil.which("bash") or "/bin/sh"
        child = pexpect.spawn(
            shell,
            ["-c", commands],
            cwd=str(self.directory),
            env={**_inherited(), **self.environment, "TERM": "xterm-256color"},
            dimensions=(_ROWS, self.columns),
            encoding="utf-8",
            timeout=_LIMIT_S,
        )
        running = Running(child, self.columns)
        try:
            yield running
        finally:
            running.stop()

    def run(self, commands: str) -> Shown:
        """Type commands, and wait for their end."""
        with self.start(commands) as running:
            return running.end()


def _inherited() -> dict[str, str]:
    """What a new user's shell has: none of the settings of a test run."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "COVERAGE_PROCESS_START")
    return {name: os.environ[name] for name in kept if name in os.environ}
