"""Progress on a terminal is one line that is renewed; elsewhere a line now and then."""

import io
import re

import pytest

from api.progress.display import ProgressDisplay
from api.progress.line import Progress


class _Stream(io.StringIO):
    def __init__(self, *, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__()
        self._terminal = terminal
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal


def _show(stream: _Stream, *, seconds: int, **environment: str) -> str:
    """Show an import of so many seconds that is asked about twenty times a second."""
    now_s = 0.0
    with ProgressDisplay(stream=stream, clock_s=lambda: now_s, environment=environment) as display:
        for _ in range(seconds * 20):
            now_s += 0.05
            display.show(
                Progress(
                    "reading" if now_s < seconds / 2 else "building",
                    percent=100 * now_s / seconds,
                    rows=1_234_567,
                    rate=500_000,
                    remaining_s=seconds - now_s,
                )
            )
    return stream.getvalue()


@pytest.mark.parametrize("columns", [40, 60])
def test_terminal__narrow__has_one_line_that_fits_and_is_gone_at_the_end(columns: int) -> None:
    shown = _show(_Stream(terminal=True), seconds=3, COLUMNS=str(columns))

    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K")
    lines = [line for line in shown.split("\r\x1b[K") if line]
    assert 20 <= len(lines) <= 32
    assert max(map(len, lines)) < columns
    percents = [int(match[1]) for line in lines if (match := re.search(r"(\d+)%", line))]
    assert len(percents) == len(lines)
    assert percents == sorted(percents)
    assert all("left" in line for line in lines[:-2])


@pytest.mark.parametrize("terminal", [True, False])
def test_no_terminal__or_a_dumb_one__gets_a_line_every_five_seconds(*, terminal: bool) -> None:
    shown = _show(_Stream(terminal=terminal), seconds=21, TERM="dumb")

    assert "\x1b" not in shown
    assert "\r" not in shown
    lines = shown.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("reading 24%, ")
    assert lines[-1].startswith("building 9")


def test_short_job__without_a_terminal__prints_nothing() -> None:
    assert _show(_Stream(terminal=False), seconds=4) == ""


def test_terminal__that_knows_only_ascii__gets_ascii() -> None:
    assert _show(_Stream(terminal=True, encoding="ascii"), seconds=1, COLUMNS="60").isascii()


def test_display__hidden_or_closed__is_silent() -> None:
    hidden, closed = _Stream(terminal=True), _Stream(terminal=True)

    def fail(_text: str) -> int:
        raise BrokenPipeError

    with ProgressDisplay(hidden=True, stream=hidden) as display:
        display.show(Progress("reading"))
    closed.write = fail  # type: ignore[method-assign]
    with ProgressDisplay(stream=closed) as display:
        display.show(Progress("reading"))

    assert hidden.getvalue() == ""
