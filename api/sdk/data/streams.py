"""The streams of data of a process: what each watches, and how many there may be."""

from functools import partial

from starlette.concurrency import run_in_threadpool

from api.sdk.data.environment_data import EnvironmentData
from api.sdk.data.reading import Audience, EnvironmentReader
from api.services.services import Services
from api.streams.watching import StreamBounds, Subscription, Watches
from worker.store import EnvironmentNotFound, ProjectNotFound


class DataStreams(Watches[Audience, EnvironmentData]):
    """The open streams of data, in either protocol; for one event loop.

    Cost: three round trips each half second for an environment with streams, in every process,
    and four if relays have some; after a change, that of reading it once.
    """

    def __init__(self, services: Services, reader: EnvironmentReader) -> None:
        settings = services.settings
        bounds = StreamBounds(
            # Streams never give their connection up, and other requests need some, too.
            most=min(settings.sdk_streams, max(1, settings.connections // 2)),
            setting="BIGSEG_SDK_STREAMS",
            instead="retry, or poll instead",
        )
        super().__init__(services, bounds, (EnvironmentNotFound, ProjectNotFound))
        self._stores = services.store
        self._reader = reader

    def open_for(self, audience: Audience, digest: bytes) -> Subscription[EnvironmentData]:
        """Watch the data of an audience for a new stream; as :meth:`open`."""
        return self.open(audience, digest, partial(self._read_now, audience))

    async def _read_now(self, audience: Audience) -> EnvironmentData:
        return await run_in_threadpool(lambda: self._reader.read(self._stores(), audience))
