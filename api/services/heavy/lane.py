"""The queue of heavy evaluations: one runs at a time, beside all the ordinary ones."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from api.errors import Unavailable

#: Evaluations that may wait, each with its context in memory, and seconds that each may wait.
MOST_WAITING: Final = 64
LONGEST_WAIT_S: Final = 10.0

T = TypeVar("T")


class HeavyLane:
    """Runs one evaluation at a time; for one event loop."""

    def __init__(self, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        """Run nothing yet."""
        self._longest_wait_s = longest_wait_s
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Wait for a turn, then work.

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
            return await work()
        finally:
            self._turn.release()


def _busy() -> Unavailable:
    return Unavailable("too many evaluations that cost much; send a smaller context, or retry")
