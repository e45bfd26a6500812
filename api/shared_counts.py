"""Counts of a window, kept in Redis, which all API processes of a system share."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from api.limits import WINDOW_S
from worker.store import RedisAddress
from worker.store.dialling import driver_options

#: Seconds a request waits to be counted; then it is let through.
_TIMEOUT_S: Final = 0.25
#: Seconds in which a server that failed is not asked again.
_PAUSE_S: Final = 1.0
_WARN_EVERY_S: Final = 60.0
_CONNECTIONS: Final = 32

_log = structlog.get_logger(__name__)


class RedisCounts:
    """Counts in one Redis server through the library ``limits``; for one event loop.

    Its connections are its own, so that counting waits behind nothing else. Never fails: a
    server that does not answer means that nothing is counted.
    """

    def __init__(
        self, address: RedisAddress, prefix: str, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Connect to nothing yet.

        Args:
            address: a single server.
            prefix: what the keys begin with.
            monotonic: seconds.
        """
        self._address = address
        self._prefix = prefix
        self._monotonic = monotonic
        self._pool: BlockingConnectionPool | None = None
        self._storage: RedisStorage | None = None
        self._again_at = self._warn_at = float("-inf")

    async def add(self, window: int, names: Sequence[str]) -> list[int] | None:
        """Count one request under each name. Cost: one round trip.

        Returns:
            What each name has come to in this window, or ``None``: nobody could count.
        """
        if self._monotonic() < self._again_at:
            return None
        storage = self._storage or self._open()
        # Twice the window, so that a process whose clock is behind finds it, too.
        adding = (storage.incr(f"{window}:{name}", 2 * WINDOW_S) for name in names)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await asyncio.gather(*adding)
        except (RedisError, OSError, TimeoutError) as exc:
            self._pause(exc)
            return None

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        pool, self._pool, self._storage = self._pool, None, None
        if pool is not None:
            await pool.aclose()

    def _open(self) -> RedisStorage:
        self._pool = BlockingConnectionPool(
            max_connections=_CONNECTIONS,
            timeout=_TIMEOUT_S,
            connection_class=_connection_class(self._address),
            **driver_options(
                self._address,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                # A count that was answered too late would count twice.
                retry=Retry(NoBackoff(), 0),
            ),
        )
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=self._prefix,
            connection_pool=self._pool,  # type: ignore[arg-type]  # documented; the stub forgot it
        )
        return self._storage

    def _pause(self, exc: Exception) -> None:
        now = self._monotonic()
        self._again_at = now + _PAUSE_S
        if now >= self._warn_at:
            self._warn_at = now + _WARN_EVERY_S
            _log.warning(
                "limits.uncounted",
                reason=type(exc).__name__,
                hint="rate limits are off until the server that counts answers",
            )


def _connection_class(address: RedisAddress) -> type[AbstractConnection]:
    if address.socket_path is not None:
        return UnixDomainSocketConnection
    return SSLConnection if address.tls is not None else Connection
