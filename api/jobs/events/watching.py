"""Notices how far imports are that streams are open for, once for all streams of an import.

Cost: one round trip each half second for an import with streams, in every process, however many
streams it has.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool

from api.errors import Unavailable
from api.services.services import Services
from worker.store import JobNotFound, JobRef, JobState, StoreError

_POLL_S: Final = 0.5
#: After the store did not answer.
_RETRY_S: Final = 2.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Subscription:
    """One stream, as its import's watcher sees it; for the event loop only."""

    ref: JobRef
    state: JobState
    """The import when it was read last."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the state is another one, and when the stream is to end."""
    ended: bool = False

    def tell(self, state: JobState) -> None:
        """Give the stream a newer state."""
        self.state = state
        self.news.set()

    def end(self) -> None:
        """Have the stream end after the message that it is sending."""
        self.ended = True
        self.news.set()


class ImportStreams:
    """The open streams of progress of one dialect in a process; for one event loop."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        # Each dialect has some, and other requests need connections, too.
        self._most = min(settings.event_streams, max(1, settings.connections // 8))
        self._services = services
        self._watches: dict[JobRef, _ImportWatch] = {}
        self._open = 0

    def open(self, state: JobState) -> Subscription:
        """Watch an import, of which this is the state now, for a new stream, which must be closed.

        Raises:
            Unavailable: there are as many as this process takes.
        """
        if self._open >= self._most:
            raise Unavailable(
                f"this process has {self._most:,} streams of imports open, as many as it takes "
                "(BIGSEG_EVENT_STREAMS); retry, or poll the import instead"
            )
        ref = state.request.ref
        subscription = Subscription(ref, state)
        if ref not in self._watches:
            self._watches[ref] = _ImportWatch(ref, self._services, lambda: self._forget(ref))
        self._open += 1
        self._watches[ref].add(subscription)
        return subscription

    def close(self, subscription: Subscription) -> None:
        """Watch for it no longer."""
        self._open -= 1
        if watch := self._watches.get(subscription.ref):
            watch.remove(subscription)

    def _forget(self, ref: JobRef) -> None:
        self._watches.pop(ref, None)


class _ImportWatch:
    """Reads one import until it has ended or its last stream is closed."""

    def __init__(self, ref: JobRef, services: Services, forget: Callable[[], None]) -> None:
        self._ref = ref
        self._services = services
        self._forget = forget
        self._streams: set[Subscription] = set()
        self._failing = False
        self._task = asyncio.create_task(self._watch())

    def add(self, subscription: Subscription) -> None:
        self._streams.add(subscription)

    def remove(self, subscription: Subscription) -> None:
        if subscription in self._streams:
            self._streams.discard(subscription)
            if not self._streams:
                self._forget()
                self._task.cancel()

    async def _watch(self) -> None:
        try:
            while not await self._has_stopped(_RETRY_S if self._failing else _POLL_S):
                if not await self._keep_up():
                    return
        finally:  # whatever happens, no stream stays open that nobody feeds
            self._forget()
            for subscription in self._streams:
                if subscription.state.ended_ms is None:
                    subscription.end()

    async def _has_stopped(self, wait_s: float) -> bool:
        """Wait; gives whether the process is asked to end."""
        try:
            async with asyncio.timeout(wait_s):
                return await self._services.stopping.wait()
        except TimeoutError:
            return False

    async def _keep_up(self) -> bool:
        """Read the import and tell the streams; gives whether more is to come."""
        try:
            state = await run_in_threadpool(self._read)
        except JobNotFound:
            return False
        except StoreError as exc:
            if not self._failing:
                _log.warning("streams.delayed", job=str(self._ref), reason=str(exc))
            self._failing = True
            return True
        self._failing = False
        for subscription in self._streams:
            subscription.tell(state)
        return state.ended_ms is None

    def _read(self) -> JobState:
        return self._services.store().jobs.get(self._ref)
