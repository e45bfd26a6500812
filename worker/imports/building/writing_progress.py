"""Shows how a range is written: beside its lease while it goes on, in the log at its end."""

import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from worker.imports.stage_run import StageRun
from worker.store import StoreError
from worker.store.lists import Pace, WritingBoard

logger = logging.getLogger("bigseg.imports")

#: How often what callers see is updated.
_EVERY_S: Final = 1.0


class WritingProgress:
    """Counts what one range sends, renews its lease, and shows the pace.

    A pace that cannot be shown is no reason to stop: the range then goes on unseen.
    """

    def __init__(
        self, run: StageRun, pace: Pace, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._run = run
        self._pace = pace
        self._board: WritingBoard | None = run.services.store.writing
        self._clock_s = clock_s
        self._began_s = self._shown_s = clock_s()
        self._began = self._shown = pace.sent_bytes
        self._paused_s = pace.paused_s

    def sent(self, size_bytes: int) -> None:
        """Count one window.

        Raises:
            LeaseLost: another worker has the unit, or the job has ended.
        """
        self._run.progress.sent(size_bytes)
        now_s = self._clock_s()
        if now_s - self._shown_s >= _EVERY_S:
            rate = (self._pace.sent_bytes - self._shown) / (now_s - self._shown_s)
            name, reason = self._run.unit.token, self._pace.reason(now_s)
            self._use_board(lambda board: board.show(name, reason, rate))
            self._shown_s, self._shown = now_s, self._pace.sent_bytes

    def _use_board(self, use: Callable[[WritingBoard], None]) -> None:
        """Change the board, or leave it alone from now on: each failure may take a time-out."""
        if self._board is None:
            return
        try:
            use(self._board)
        except StoreError as exc:
            self._board = None
            facts = {"job": str(self._run.request.ref), "reason": str(exc)}
            logger.warning("writing.hidden", extra=facts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            return
        now_s, run = self._clock_s(), self._run
        if self._shown_s > self._began_s:
            self._use_board(lambda board: board.remove(run.unit.token))
        facts = {
            "job": str(run.request.ref),
            "range": run.unit.number,
            "bytes": self._pace.sent_bytes - self._began,
            "seconds": round(now_s - self._began_s, 3),
            "paused_seconds": round(self._pace.paused_s - self._paused_s, 3),
            "pace": self._pace.reason(now_s),
        }
        logger.info("range.written", extra=facts)
