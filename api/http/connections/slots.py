"""How many connections a process holds, and which one is closed when all slots are taken."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

#: When every slot is taken, this share of them is freed at once; when none could be freed, the
#: search is not repeated this soon: a flood of new connections stays cheap.
_FREED_SHARE: Final = 16
_PAUSE_S: Final = 0.05
#: Open files in addition to connections: to the store, the broker and the bucket, pipes, and the
#: interpreter's own.
_OTHER_FILES: Final = 512

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """The bounds that a deployment chooses."""

    most: int = 4_096
    """Connections of the process."""
    head_s: float = 10.0
    """From a request's first byte to the end of its head, and without a byte written."""
    idle_s: float = 75.0
    """Between an answer and the next request's first byte."""


class Connection(Protocol):
    """A connection that takes a slot."""

    @property
    def waits_since_s(self) -> float | None:
        """Since when it has waited for a request; ``None`` while it serves one."""

    def give_way(self) -> None:
        """Close without an answer: none is owed to the client."""


class ConnectionSlots:
    """The connections of a process; for one event loop."""

    def __init__(
        self, bounds: ConnectionBounds, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with every slot free."""
        self.bounds = bounds
        self._monotonic = monotonic
        self._taken: set[Connection] = set()
        self._full_until_s = float("-inf")

    def claim(self, connection: Connection) -> bool:
        """Give a new connection a slot, if necessary one whose connection waits for a request.

        Those that have waited longest go first. Cost: about a millisecond when 4,096 slots
        are taken, and then nothing for the next hundreds of connections.

        Returns:
            Whether it has one; if not, every other connection serves a request.
        """
        if len(self._taken) >= self.bounds.most and not self._free_some():
            return False
        self._taken.add(connection)
        return True

    def release(self, connection: Connection) -> None:
        """Free a connection's slot. Idempotent."""
        self._taken.discard(connection)

    def _free_some(self) -> bool:
        now_s = self._monotonic()
        if now_s < self._full_until_s:
            return False
        waiting = [
            (since_s, connection)
            for connection in self._taken
            if (since_s := connection.waits_since_s) is not None
        ]
        waiting.sort(key=lambda pair: pair[0])
        for _, connection in waiting[: max(1, self.bounds.most // _FREED_SHARE)]:
            self._taken.discard(connection)
            connection.give_way()
        if not waiting:
            self._full_until_s = now_s + _PAUSE_S
        return bool(waiting)


def allow_open_files(connections: int) -> None:
    """Raise the process's own limit of open files as far as possible; warn if it is too low.

    Many systems start processes with room for 1,024 open files. Without a file for it, a
    connection is not even refused.
    """
    wanted = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        _log.warning(
            "open_files.limited",
            allowed=allowed,
            wanted=wanted,
            hint="raise the hard limit of open files (ulimit -Hn), or lower BIGSEG_CONNECTIONS",
        )
