"""Slows callers without a valid token when there are many; those with one never wait.

A refusal is cheap, yet a few hundred connections that each retry at once can keep a process busy
with nothing else. So the first refusals of a second are sent at once, and all others a second
later: a flood is then limited by the number of its connections.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

#: Refusals of one second that are sent at once: far above what mistakes cause, and about a
#: fiftieth of what a process can send.
MOST_AT_ONCE: Final = 200
#: How long the others wait.
WAIT_S: Final = 1.0


class RefusalPace:
    """Counts refusals in seconds; for one event loop."""

    __slots__ = ("_count", "_monotonic", "_second")

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Count nothing yet."""
        self._monotonic = monotonic
        self._second = 0
        self._count = 0

    async def wait(self) -> None:
        """Wait until the next refusal may be sent."""
        second = int(self._monotonic())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        if self._count > MOST_AT_ONCE:
            await asyncio.sleep(WAIT_S)
