"""A pool with a limit on its connections, which closes idle ones."""

import threading
import time
from typing import Any, Final

from redis.connection import Connection, ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError

#: Seconds after which an unused connection is closed: a server takes a limited number of
#: clients, and what one process keeps after a burst another one may need.
IDLE_S: Final = 5.0


class BoundedPool(ConnectionPool):
    """Connections to one server for all threads of a process; safe over a fork.

    A thread that finds all in use waits. Idle connections are closed when another one is
    released, so a pool that is no longer used keeps those it had last.
    """

    def __init__(self, *, timeout: float, **options: Any) -> None:  # noqa: ANN401 - redis-py's
        """Open nothing yet.

        Args:
            timeout: seconds a thread waits for a connection; redis-py's cluster client
                passes it on under this name only.
            options: redis-py's, ``max_connections`` among them.
        """
        self._timeout_s = timeout
        super().__init__(**options)

    def reset(self) -> None:
        """Forget all connections: the pool is new, or belongs to a forked process."""
        self._free = threading.BoundedSemaphore(self.max_connections)
        self._released_at: dict[Connection, float] = {}
        super().reset()

    def get_connection(self, *_names: Any, **_options: Any) -> Connection:  # noqa: ANN401 - redis-py's
        """A connection that is open; give it back with ``release``.

        Raises:
            redis.ConnectionError: the server does not take it, or all are in use for longer
                than a thread waits. Safe to retry.
        """
        self._checkpid()
        if not self._free.acquire(timeout=self._timeout_s):
            raise RedisConnectionError(f"all {self.max_connections} connections are in use")
        # When it cannot be opened, redis-py gives it back to the pool by itself.
        return super().get_connection()

    def release(self, connection: Connection) -> None:  # type: ignore[override]  # as in the base
        """Give one back, and close those that have been idle too long."""
        self._checkpid()
        with self._lock:
            if connection not in self._in_use_connections:  # of the process before a fork
                return
            self._released_at[connection] = time.monotonic()
            super().release(connection)
            surplus = self._idle_too_long()
        self._free.release()
        for idle in surplus:
            idle.disconnect()

    def _idle_too_long(self) -> list[Connection]:
        """Take those out of the pool; the one used last is at its end."""
        limit = time.monotonic() - IDLE_S
        surplus: list[Connection] = []
        waiting = self._available_connections
        while waiting and self._released_at[waiting[0]] < limit:
            idle = waiting.pop(0)
            del self._released_at[idle]
            surplus.append(idle)
        self._created_connections -= len(surplus)
        return surplus
