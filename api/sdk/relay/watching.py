"""Notices changes of the environments that relays have streams open for.

Cost: one round trip each quarter of a second for an environment with streams, in every process,
however many streams it has.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool

from api.errors import Unavailable
from api.services.services import Services
from worker.store import EnvironmentRef, RelaysNotServed, StoreError

_POLL_S: Final = 0.25
#: After the store did not answer.
_RETRY_S: Final = 2.0
#: Pages made at the same time in a process; each takes some 10 ms of CPU.
_PAGES_AT_ONCE: Final = 2

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class RelaySubscription:
    """One stream, as the watcher of its environment sees it; for the event loop only."""

    env: EnvironmentRef
    digest: bytes
    """By which the directory of tokens knows the SDK key."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be another patch, and when the stream is to end."""
    ended: bool = False

    def end(self) -> None:
        """Have the stream end after the message that it is sending."""
        self.ended = True
        self.news.set()


class RelayStreams:
    """The open streams of relays in a process; for one event loop."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self.page_turn = asyncio.Semaphore(_PAGES_AT_ONCE)
        """Taken for making a page: it computes, and competes with look-ups."""
        # Streams never give their connection up, and other requests need some, too.
        self._most = min(settings.relay_streams, max(1, settings.connections // 8))
        self._services = services
        self._watches: dict[EnvironmentRef, _EnvironmentWatch] = {}
        self._open = 0

    def open(self, env: EnvironmentRef, digest: bytes) -> RelaySubscription:
        """Watch an environment for a new stream, which must be closed.

        Raises:
            Unavailable: there are as many as this process takes.
        """
        if self._open >= self._most:
            raise Unavailable(
                f"this process has {self._most:,} streams of relays open, as many as it takes "
                "(BIGSEG_RELAY_STREAMS); retry some seconds later"
            )
        subscription = RelaySubscription(env, digest)
        if env not in self._watches:
            self._watches[env] = _EnvironmentWatch(env, self._services, self._forget)
        self._open += 1
        self._watches[env].streams.add(subscription)
        return subscription

    def close(self, subscription: RelaySubscription) -> None:
        """Watch for it no longer."""
        self._open -= 1
        watch = self._watches.get(subscription.env)
        if watch is not None and subscription in watch.streams:
            watch.streams.discard(subscription)
            if not watch.streams:
                watch.stop()

    def _forget(self, watch: "_EnvironmentWatch") -> None:
        # One that is stopped ends a moment later, when another may have taken its place.
        if self._watches.get(watch.env) is watch:
            del self._watches[watch.env]


class _EnvironmentWatch:
    """Reads the newest version of one environment until its last stream is closed."""

    def __init__(
        self,
        env: EnvironmentRef,
        services: Services,
        forget: Callable[["_EnvironmentWatch"], None],
    ) -> None:
        self.env = env
        self.streams: set[RelaySubscription] = set()
        self._services = services
        self._forget = forget
        self._newest: str | None = None
        self._failing = False
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        self._forget(self)
        self._task.cancel()

    async def _watch(self) -> None:
        try:
            while not await self._has_stopped(_RETRY_S if self._failing else _POLL_S):
                self._end_revoked()
                if not await self._keep_up():
                    return
        finally:  # whatever happens, no stream stays open that nobody feeds
            self._forget(self)
            for subscription in self.streams:
                subscription.end()

    async def _has_stopped(self, wait_s: float) -> bool:
        """Wait; gives whether the process is asked to end."""
        try:
            async with asyncio.timeout(wait_s):
                return await self._services.stopping.wait()
        except TimeoutError:
            return False

    def _end_revoked(self) -> None:
        is_valid = self._services.token_directory.is_valid
        for subscription in self.streams:
            if not is_valid(subscription.digest):
                subscription.end()

    async def _keep_up(self) -> bool:
        """Look for a change, and tell the streams; gives whether there may be more."""
        try:
            newest = await run_in_threadpool(self._read)
        except RelaysNotServed:
            return False
        except StoreError as exc:
            if not self._failing:
                _log.warning("streams.delayed", environment=str(self.env), reason=str(exc))
            self._failing = True
            return True
        self._failing = False
        if newest != self._newest:
            self._newest = newest
            for subscription in self.streams:
                subscription.news.set()
        return True

    def _read(self) -> str:
        return self._services.store().relay_pages.newest(self.env)
