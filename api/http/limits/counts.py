"""Counts requests in a Redis that all API processes of a system share."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from api.http.limits.limits import WINDOW_S
from api.lookups.pipeline import Endpoint, PipelineConnection, encode_command
from worker.store import RedisAddress, StoreUnavailable, code_of

#: Seconds a request waits to be counted; then it is served uncounted.
_TIMEOUT_S: Final = 0.25
#: Seconds before a server that failed is tried again.
_PAUSE_S: Final = 1.0
_WARN_EVERY_S: Final = 60.0
#: Twice the window, so that a process whose clock is behind finds a count, too.
_LIFE_S: Final = 2 * WINDOW_S

_log = structlog.get_logger(__name__)


class RedisCounts:
    """Counts in one Redis server; for one event loop.

    All requests share one connection for nothing but counting, so that it waits behind
    nothing else. Never fails: if the server does not answer, or is not a primary, nothing is
    counted.
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
        self._connection = PipelineConnection(
            Endpoint.of_address(address),
            timeout_s=_TIMEOUT_S,
            what="counting server",
            is_logged=False,
        )
        self._prefix = prefix
        self._monotonic = monotonic
        self._again_at = self._warn_at = float("-inf")

    async def add(self, window: int, names: Sequence[str]) -> list[int] | None:
        """Count one request under each name. Cost: one round trip.

        Returns:
            The count of each name in this window, or ``None`` if it could not be counted.
        """
        if self._monotonic() < self._again_at:
            return None
        keys = [f"{self._prefix}:{window}:{name}" for name in names]
        commands = b"".join(
            # Created with its expiry before it is counted, so that none stays for ever.
            encode_command("SET", key, "0", "EX", str(_LIFE_S), "NX") + encode_command("INCR", key)
            for key in keys
        )
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                replies = await self._connection.request(commands, 2 * len(keys))
        except (StoreUnavailable, TimeoutError) as exc:
            self._pause(str(exc) or f"no answer within {_TIMEOUT_S:g} s")
            return None
        counts = [reply for reply in replies[1::2] if isinstance(reply, int)]
        if len(counts) < len(keys):
            self._pause(next(code_of(reply) for reply in replies if isinstance(reply, Exception)))
            return None
        return counts

    async def close(self) -> None:
        """Close the connection. Idempotent."""
        self._connection.close()

    def _pause(self, reason: str) -> None:
        now = self._monotonic()
        self._again_at = now + _PAUSE_S
        if now >= self._warn_at:
            self._warn_at = now + _WARN_EVERY_S
            _log.warning(
                "limits.suspended",
                reason=reason,
                hint="rate limits are off until the server that counts answers",
            )
