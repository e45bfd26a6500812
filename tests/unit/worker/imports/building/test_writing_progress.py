"""What a range shows of its writing never stops the range."""

from types import SimpleNamespace
from typing import Any

import pytest

from worker.imports.building.writing_progress import WritingProgress
from worker.store import OutOfMemory
from worker.store.lists import Pace


class _Board:
    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[str] = []
        self._error = error

    def show(self, name: str, _reason: str, _bytes_s: float) -> None:
        self._note(f"show {name}")

    def remove(self, name: str) -> None:
        self._note(f"remove {name}")

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self._error is not None:
            raise self._error


def _write(board: _Board, *, seconds: int) -> int:
    """Send a window a second; gives the bytes that were counted."""
    sent: list[int] = []
    run: Any = SimpleNamespace(
        services=SimpleNamespace(store=SimpleNamespace(writing=board)),
        progress=SimpleNamespace(sent=sent.append),
        unit=SimpleNamespace(token="t", number=0),
        request=SimpleNamespace(ref="p:e:import:i"),
    )
    now_s = 0.0
    with WritingProgress(run, Pace(0), clock_s=lambda: now_s) as progress:
        for _ in range(seconds):
            now_s += 1
            progress.sent(10)
    return sum(sent)


def test_range__is_shown_every_second_and_removed_at_its_end() -> None:
    board = _Board()
    assert _write(board, seconds=2) == 20
    assert board.calls == ["show t", "show t", "remove t"]


def test_range__that_cannot_be_shown__goes_on_and_tries_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board = _Board(OutOfMemory("could not show how shards are written"))
    assert _write(board, seconds=3) == 30
    assert board.calls == ["show t"]
    assert [record.message for record in caplog.records] == ["writing.hidden"]
