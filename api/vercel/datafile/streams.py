"""The streams of datafiles of a process: what each watches, and how many there may be."""

from functools import partial
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool

from api.errors import ApiError
from api.services.services import Services
from api.streams.watching import StreamBounds, Subscription, Watches
from api.vercel.datafile.document import Datafile, make_datafile
from api.vercel.datafile.packs import Pack, Packs
from worker.store import Project, ProjectNotFound, SdkKey

_log = structlog.get_logger(__name__)

Name = tuple[str, int]
"""Key of a project, and when it was created."""


class PackedProject:
    """One state of a project, and the datafiles made of it so far; for the event loop only."""

    def __init__(self, project: Project, mark: str, pack: Pack, most_bytes: int) -> None:
        self.mark: Final = mark
        self._project = project
        self._pack = pack
        self._most_bytes = most_bytes
        self._made: dict[str, Datafile | None] = {}

    def datafile(self, environment: str) -> Datafile | None:
        """Give the datafile for an environment, made once for all its streams.

        One that may not be sent is ``None``: its clients keep what they have, as those do that
        poll, until a change makes it right again.
        """
        if environment not in self._made:
            try:
                made = make_datafile(self._pack, self._project, environment, self._most_bytes)
            except ApiError as exc:
                _log.warning("datafile.unsent", project=self._project.key, reason=str(exc))
                made = None
            self._made[environment] = made
        return self._made[environment]


class DatafileStreams(Watches[Name, PackedProject]):
    """The open streams of datafiles; for one event loop.

    Cost: one round trip each half second for a project with streams, in every process, however
    many streams it has; after a change, that of reading and packing the project once.
    """

    def __init__(self, services: Services, packs: Packs) -> None:
        settings = services.settings
        bounds = StreamBounds(
            # Streams never give their connection up, and other requests need some, too.
            most=min(settings.vercel_streams, max(1, settings.connections // 2)),
            setting="BIGSEG_VERCEL_STREAMS",
            instead="retry, or read /v1/datafile instead",
        )
        super().__init__(services, bounds, (ProjectNotFound,))
        self._services_of_reads = services
        self._packs = packs

    def open_for(self, project: Project, key: SdkKey) -> Subscription[PackedProject]:
        """Watch a project for a new stream; as :meth:`open`."""
        name = project.key, project.created_ms
        return self.open(name, bytes.fromhex(key.id), _Reads(self, project).next)

    async def read(self, project: Project, known: PackedProject | None) -> PackedProject:
        """Read a project; the same state as long as nothing has changed.

        Raises:
            ProjectNotFound: It is deleted.
            StoreUnavailable: Safe to retry.
        """
        services = self._services_of_reads
        segments = services.store().project_segments
        mark = await run_in_threadpool(segments.read_mark, project)
        if known is not None and known.mark == mark:
            return known
        async with services.patch_turn:
            mark, pack = await run_in_threadpool(partial(self._pack, project))
        return PackedProject(project, mark, pack, services.settings.vercel_datafile_bytes)

    def _pack(self, project: Project) -> tuple[str, Pack]:
        """In a thread: the state of the project."""
        found = self._services_of_reads.store().project_segments.read_all(project)
        return found.mark, self._packs.pack(project, found)


class _Reads:
    """The reads of one watch, each of which knows what the one before gave."""

    def __init__(self, streams: DatafileStreams, project: Project) -> None:
        self._streams = streams
        self._project = project
        self._known: PackedProject | None = None

    async def next(self) -> PackedProject:
        self._known = await self._streams.read(self._project, self._known)
        return self._known
