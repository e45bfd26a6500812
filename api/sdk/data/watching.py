"""Notices changes of the environments that SDKs have streams open for, once for all their streams.

Cost: two round trips each half second for an environment with streams, in every process, however
many streams it has, and as many if relays have some; after a change, that of reading it once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool

from api.errors import ApiError, Unavailable
from api.sdk.data.environment_data import EnvironmentData
from api.sdk.data.reading import Audience, EnvironmentReader
from api.services.services import Services
from worker.store import EnvironmentNotFound, ProjectNotFound, StoreError

_POLL_S: Final = 0.5
#: After the store could not say whether anything has changed.
_RETRY_S: Final = 2.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class DataSubscription:
    """One stream, as the watcher of its environment sees it; for the event loop only."""

    digest: bytes
    """By which the directory of tokens knows the SDK key."""
    watch: "_Watch"
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is other data, and when the stream is to end."""
    ended: bool = False

    @property
    def data(self) -> EnvironmentData | None:
        """The data after the last change that was noticed; ``None`` before the first."""
        return self.watch.data

    def end(self) -> None:
        """Have the stream end after the message that it is sending."""
        self.ended = True
        self.news.set()


class DataStreams:
    """The open streams of a process; for one event loop."""

    def __init__(self, services: Services, reader: EnvironmentReader) -> None:
        settings = services.settings
        # Streams never give their connection up, and other requests need some, too.
        self._most = min(settings.sdk_streams, max(1, settings.connections // 2))
        self._services = services
        self._reader = reader
        self._watches: dict[Audience, _Watch] = {}
        self._open = 0

    def open(self, audience: Audience, digest: bytes) -> DataSubscription:
        """Watch an environment for a new stream, which must be closed.

        Raises:
            Unavailable: There are as many as this process takes.
        """
        if self._open >= self._most:
            raise Unavailable(
                f"this process has {self._most:,} streams of SDKs open, as many as it takes "
                "(BIGSEG_SDK_STREAMS); retry, or poll instead"
            )
        watch = self._watches.get(audience)
        if watch is None:
            read = partial(self._reader.read, audience=audience)
            watch = _Watch(audience, self._services, read, lambda: self._forget(audience))
            self._watches[audience] = watch
        self._open += 1
        subscription = DataSubscription(digest, watch)
        watch.streams.add(subscription)
        return subscription

    def close(self, subscription: DataSubscription) -> None:
        """Watch for it no longer."""
        self._open -= 1
        watch = subscription.watch
        watch.streams.discard(subscription)
        if not watch.streams:
            watch.stop()

    def _forget(self, audience: Audience) -> None:
        self._watches.pop(audience, None)


class _Watch:
    """Reads the data of one environment until its last stream is closed."""

    def __init__(
        self,
        audience: Audience,
        services: Services,
        read: Callable[..., EnvironmentData],
        forget: Callable[[], None],
    ) -> None:
        self.streams: set[DataSubscription] = set()
        self.data: EnvironmentData | None = None
        self._audience = audience
        self._services = services
        self._read = read
        self._forget = forget
        self._failing = False
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> None:
        self._forget()
        self._task.cancel()

    async def _watch(self) -> None:
        try:
            while not await self._has_stopped(_RETRY_S if self._failing else _POLL_S):
                self._end_revoked()
                if not await self._keep_up():
                    return
        finally:  # whatever happens, no stream stays open that nobody feeds
            self._forget()
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
        """Look for a change, and tell the streams; gives whether the environment is there."""
        try:
            data = await run_in_threadpool(lambda: self._read(self._services.store()))
        except (EnvironmentNotFound, ProjectNotFound):
            return False
        except (StoreError, ApiError) as exc:
            if not self._failing:
                name = self._audience.env.environment
                _log.warning("streams.delayed", environment=name, reason=str(exc))
            self._failing = True
            return True
        self._failing = False
        if data is not self.data:
            self.data = data
            for subscription in self.streams:
                subscription.news.set()
        return True
