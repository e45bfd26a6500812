"""How many connections a process holds, and which one goes when all places are taken."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

#: Where every place is taken, this share of them is freed at once, and where nothing could be
#: freed, nothing is looked for again this soon: a flood of new connections stays cheap.
_FREED_SHARE: Final = 16
_PAUSE_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """The bounds that a deployment chooses."""

    most: int = 4_096
    """Connections of the process."""
    head_s: float = 10.0
    """From a request's first byte to the end of its head, and without a byte written."""
    idle_s: float = 75.0
    """Between an answer and the next request's first byte."""


class Waiter(Protocol):
    """A connection that takes a place."""

    @property
    def waits_since_s(self) -> float | None:
        """Since when it waits for a request; ``None``: it serves one."""

    def give_way(self) -> None:
        """End without a word: nothing is owed to the client."""


class Places:
    """The connections of a process; for one event loop."""

    def __init__(
        self, bounds: ConnectionBounds, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with every place free."""
        self.bounds = bounds
        self._monotonic = monotonic
        self._taken: set[Waiter] = set()
        self._full_until_s = float("-inf")

    def take(self, new: Waiter) -> bool:
        """Give a new connection a place, if need be one that waits for a request.

        Those that have waited longest go first. Cost: about a millisecond when 4,096 places
        are taken, and then nothing for the next hundreds of connections.

        Returns:
            Whether it has one; every other connection serves a request else.
        """
        if len(self._taken) >= self.bounds.most and not self._free_some():
            return False
        self._taken.add(new)
        return True

    def leave(self, one: Waiter) -> None:
        """Take a place back. Idempotent."""
        self._taken.discard(one)

    def _free_some(self) -> bool:
        now_s = self._monotonic()
        if now_s < self._full_until_s:
            return False
        waiting = [
            (since_s, one) for one in self._taken if (since_s := one.waits_since_s) is not None
        ]
        waiting.sort(key=lambda pair: pair[0])
        for _, one in waiting[: max(1, self.bounds.most // _FREED_SHARE)]:
            self._taken.discard(one)
            one.give_way()
        if not waiting:
            self._full_until_s = now_s + _PAUSE_S
        return bool(waiting)
