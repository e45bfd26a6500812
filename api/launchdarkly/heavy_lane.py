"""Heavy evaluations, one after the other, beside all the ordinary ones.

Python runs one thread at a time, so two heavy evaluations at once would take as long as one
after the other, and each would take its turns from the event loop.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from starlette.concurrency import run_in_threadpool

from api.errors import Unavailable
from api.evaluation import Effort

#: Those that may wait, each with its context in memory, and seconds that one waits.
MOST_WAITING: Final = 64
LONGEST_WAIT_S: Final = 10.0

T = TypeVar("T")


class HeavyLane:
    """Runs one evaluation at a time with a full effort; for one event loop."""

    def __init__(self, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        """Run nothing yet."""
        self._longest_wait_s = longest_wait_s
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def run(self, work: Callable[[Effort], T]) -> T:
        """Wait for a turn, then work in a thread.

        Raises:
            Unavailable: too many wait, or this one has for too long. Safe to retry.
        """
        if self._waiting >= MOST_WAITING:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._longest_wait_s):
                await self._turn.acquire()
        except TimeoutError as exc:
            raise _busy() from exc
        finally:
            self._waiting -= 1
        try:
            return await run_in_threadpool(work, Effort())
        finally:
            self._turn.release()


def _busy() -> Unavailable:
    return Unavailable("too many evaluations that cost much; send a smaller context, or retry")
