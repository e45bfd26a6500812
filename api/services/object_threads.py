"""Threads for calls to the object store, so that nothing else waits for them.

Handlers that block share the framework's forty threads. An object store that has stopped
answering holds a thread through all its retries, and forty uploads would hold all of them.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Final, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from worker.objects import ObjectStoreUnavailable

#: The size of the object store client's pool of connections.
_THREADS: Final = 40

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class ObjectThreads:
    """Runs functions in threads of their own; for one event loop."""

    def __init__(self, *, wait_s: float, threads: int = _THREADS) -> None:
        """Start no thread yet.

        Args:
            wait_s: how long a call waits for a free thread before it is refused.
            threads: how many there are at most.
        """
        self._wait_s = wait_s
        self._free = asyncio.Semaphore(threads)
        self._limiter = anyio.CapacityLimiter(threads)

    async def run(
        self,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Call a function that waits for the object store; it cannot be cancelled once it runs.

        Raises:
            ObjectStoreUnavailable: no thread became free in time. Safe to retry.
        """
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError as exc:
            message = "too many requests are waiting for the object store; try again"
            raise ObjectStoreUnavailable(message) from exc
        try:
            return await anyio.to_thread.run_sync(
                lambda: function(*args, **kwargs), limiter=self._limiter
            )
        finally:
            self._free.release()

    async def stream(
        self, pieces: Generator[bytes, None, None], first: bytes
    ) -> AsyncGenerator[bytes, None]:
        """Yield a piece that was read before, then the others, each read in a thread.

        A stream that is abandoned closes ``pieces``.
        """
        piece = first
        try:
            while piece:
                yield piece
                piece = await self.run(next, pieces, b"")
        finally:
            pieces.close()
