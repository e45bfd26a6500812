"""What a newcomer typed, and what the terminal showed, as one text."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.support.commands.terminal import Shown, Terminal
from tests.support.commands.variable_text import mask

#: An id, which a narrow terminal breaks anywhere.
_ID: Final = "\n?".join("-" if at in {8, 13, 18, 23} else "[0-9a-f]" for at in range(36))
#: What differs from run to run beside what other commands print.
_VARIABLE: Final = (
    (re.compile(_ID), "ID"),
    (re.compile(r"(?<=127\.0\.0\.1:)(?!8000|19000)\d+|(?<=\bport )(?!8000)\d+"), "PORT"),
    # A bar's last picture depends on when the last answer came.
    (re.compile(r"\d+(?= s( left)?\b)"), "N"),
)


@dataclass(slots=True)
class Transcript:
    """Grows with every command that is typed.

    Attributes:
        home: the directory of this run, which every run shows as ``~``.
    """

    home: str
    _lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines).replace(self.home, "~").strip() + "\n"

    def heading(self, text: str) -> None:
        """Begin a scene."""
        self._lines += ["", f"# {text}", ""]

    def run(self, terminal: Terminal, commands: str) -> Shown:
        """Type commands, wait for their end, and note what they left."""
        return self.note(commands, terminal.run(commands))

    def interrupt(self, terminal: Terminal, commands: str, after: str) -> Shown:
        """Type commands, and press Ctrl-C once they have printed a text."""
        with terminal.start(commands) as running:
            running.wait_for(after)
            running.interrupt()
            return self.note(commands, running.end())

    def note(self, commands: str, shown: Shown, *, at: int | None = None) -> Shown:
        """Note commands that ran, and their exit status unless it is 0.

        Args:
            commands: what was typed.
            shown: what it left.
            at: before which line; at the end if unset.
        """
        lines = [f"$ {line}" for line in commands.strip().splitlines()]
        lines += shown.text.splitlines()
        if shown.status:
            lines.append(f"[exit status {shown.status}]")
        at = len(self._lines) if at is None else at
        self._lines[at:at] = [*lines, ""]
        return shown

    @contextmanager
    def beside(self, terminal: Terminal, commands: str, until: str) -> Iterator[None]:
        """Run commands in a terminal of their own while the block runs, then press Ctrl-C.

        Args:
            terminal: where they run.
            commands: what is typed; they stand before what the block notes.
            until: what they print before the block begins.
        """
        at = len(self._lines)
        with terminal.start(commands) as running:
            running.wait_for(until)
            yield
            running.interrupt()
            self.note(f"{commands}    # in a terminal of its own", running.end(), at=at)


def mask_transcript(text: str) -> str:
    """Replace what varies from run to run."""
    for pattern, stand_in in _VARIABLE:
        text = pattern.sub(stand_in, text)
    return mask(text)
