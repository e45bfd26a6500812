"""Notices changes of the projects that streams are open for, once for all streams of a project.

Cost: one round trip each half second for a project with streams, in every process, however many
streams it has; after a change, that of reading and packing the project once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool

from api.errors import ApiError, Unavailable
from api.services.services import Services
from api.vercel.datafile.document import Datafile, make_datafile
from api.vercel.datafile.packs import Pack, Packs
from worker.store import Project, ProjectNotFound, SdkKey, StoreError

_POLL_S: Final = 0.5
#: After the store could not say whether anything has changed.
_RETRY_S: Final = 2.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Subscription:
    """One stream, as its project's watcher sees it; for the event loop only."""

    key: SdkKey
    project: "_ProjectWatch"
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be another datafile, and when the stream is to end."""
    ended: bool = False

    @property
    def digest(self) -> bytes:
        """By which the directory of tokens knows the SDK key."""
        return bytes.fromhex(self.key.id)

    def datafile(self) -> Datafile | None:
        """Give the datafile after the last change; ``None`` if none has been noticed or made."""
        return self.project.datafile(self.key.environment)

    def end(self) -> None:
        """Have the stream end after the message that it is sending."""
        self.ended = True
        self.news.set()


class Streams:
    """The open streams of a process; for one event loop."""

    def __init__(self, services: Services, packs: Packs) -> None:
        settings = services.settings
        # Streams never give their connection up, and other requests need some, too.
        self._most = min(settings.vercel_streams, max(1, settings.connections // 2))
        self._services = services
        self._packs = packs
        self._watches: dict[tuple[str, int], _ProjectWatch] = {}
        self._open = 0

    def open(self, project: Project, key: SdkKey) -> Subscription:
        """Watch the project for a new stream, which must be closed.

        Raises:
            Unavailable: there are as many as this process takes.
        """
        if self._open >= self._most:
            raise Unavailable(
                f"this process has {self._most:,} streams of datafiles open, as many as it takes "
                "(BIGSEG_VERCEL_STREAMS); retry, or read /v1/datafile instead"
            )
        name = (project.key, project.created_ms)
        watch = self._watches.get(name)
        if watch is None:
            watch = self._watches[name] = _ProjectWatch(
                project, self._services, self._packs, lambda: self._forget(name)
            )
        self._open += 1
        return watch.add(key)

    def close(self, subscription: Subscription) -> None:
        """Watch for it no longer."""
        self._open -= 1
        subscription.project.remove(subscription)

    def _forget(self, name: tuple[str, int]) -> None:
        self._watches.pop(name, None)


class _ProjectWatch:
    """Reads the mark of one project until its last stream is closed."""

    def __init__(
        self, project: Project, services: Services, packs: Packs, forget: Callable[[], None]
    ) -> None:
        self._project = project
        self._services = services
        self._packs = packs
        self._forget = forget
        self._streams: set[Subscription] = set()
        self._mark: str | None = None
        self._pack: Pack | None = None
        self._made: dict[str, Datafile | None] = {}
        self._failing = False
        self._task = asyncio.create_task(self._watch())

    def add(self, key: SdkKey) -> Subscription:
        subscription = Subscription(key, self)
        self._streams.add(subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        self._streams.discard(subscription)
        if not self._streams:
            self._forget()
            self._task.cancel()

    def datafile(self, environment: str) -> Datafile | None:
        """Give the datafile for an environment, made once for all its streams.

        One that may not be sent is ``None``: its clients keep what they have, as those do that
        poll, until a change makes it right again.
        """
        if self._pack is None:
            return None
        if environment not in self._made:
            try:
                most_bytes = self._services.settings.vercel_datafile_bytes
                made = make_datafile(self._pack, self._project, environment, most_bytes)
            except ApiError as exc:
                _log.warning("datafile.unsent", project=self._project.key, reason=str(exc))
                made = None
            self._made[environment] = made
        return self._made[environment]

    async def _watch(self) -> None:
        try:
            while not await self._has_stopped(_RETRY_S if self._failing else _POLL_S):
                self._end_revoked()
                if not await self._keep_up():
                    return
        finally:  # whatever happens, no stream stays open that nobody feeds
            self._forget()
            for subscription in self._streams:
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
        for subscription in self._streams:
            if not is_valid(subscription.digest):
                subscription.end()

    async def _keep_up(self) -> bool:
        """Look for a change, and tell the streams; gives whether the project is still there."""
        try:
            mark = await run_in_threadpool(self._read_mark)
            if mark != self._mark:
                async with self._services.patch_turn:
                    self._mark, self._pack = await run_in_threadpool(self._read)
                self._made = {}
                for subscription in self._streams:
                    subscription.news.set()
        except ProjectNotFound:
            return False
        except StoreError as exc:
            if not self._failing:
                _log.warning("streams.delayed", project=self._project.key, reason=str(exc))
            self._failing = True
        else:
            self._failing = False
        return True

    def _read_mark(self) -> str:
        return self._services.store().project_segments.read_mark(self._project)

    def _read(self) -> tuple[str, Pack]:
        """In a thread: the state of the project."""
        found = self._services.store().project_segments.read_all(self._project)
        return found.mark, self._packs.pack(self._project, found)
