"""Shows progress on a stream: one line that is drawn again and again, or a line now and then."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self, TextIO

from api.progress.line import Progress, format_line, format_sentence

#: Between two drawings on a terminal, and between two lines elsewhere.
_FRAME_S: Final = 0.1
_LINE_S: Final = 5.0
_ERASE: Final = "\r\x1b[K"
_PLAIN_BAR: Final = ("#", "-")
_USUAL_WIDTH: Final = 80
_MARGIN: Final = 5


class ProgressDisplay:
    """Shows progress while the block runs; no line is left on a terminal afterwards."""

    def __init__(
        self,
        *,
        hidden: bool = False,
        stream: TextIO | None = None,
        clock_s: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Show nothing yet.

        Args:
            hidden: Whether nothing is shown at all.
            stream: Where it is shown; standard error when unset.
            clock_s: The time.
            environment: says how wide the terminal is and what it can do.
        """
        self._stream = stream or sys.stderr
        self._hidden = hidden
        self._clock_s = clock_s
        self._environment = environment
        self._redraws = self._stream.isatty() and environment.get("TERM") != "dumb"
        self._shown_s = clock_s() if not self._redraws else float("-inf")
        self._phase = ""
        self._drawn = False

    def show(self, progress: Progress) -> None:
        """Show how far it has come, no more often than a person can read it."""
        now_s = self._clock_s()
        changed = self._redraws and progress.phase != self._phase
        pause_s = _FRAME_S if self._redraws else _LINE_S
        if self._hidden or (not changed and now_s - self._shown_s < pause_s):
            return
        self._shown_s, self._phase = now_s, progress.phase
        if self._redraws:
            # Before it is written: Ctrl-C may come right after.
            self._drawn = True
            self._write(_ERASE + format_line(progress, self._width(), bar=self._bar()))
        else:
            self._write(format_sentence(progress) + "\n")

    def clear(self) -> None:
        """Erase the line, before something else is printed."""
        if self._drawn:
            self._write(_ERASE)
            self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # Progress that nobody can see is no reason to stop.
            self._hidden = True

    def _width(self) -> int:
        """Less than the terminal has: some wrap at the last column, and ^C echoes, also twice."""
        given = self._environment.get("COLUMNS", "")
        if given.isdecimal() and int(given):
            return int(given) - _MARGIN
        try:
            return (os.get_terminal_size(self._stream.fileno()).columns or _USUAL_WIDTH) - _MARGIN
        except OSError:
            return _USUAL_WIDTH - _MARGIN

    def _bar(self) -> tuple[str, str]:
        try:
            "━─".encode(self._stream.encoding or "ascii")
        except UnicodeEncodeError:
            return _PLAIN_BAR
        return ("━", "─")
