"""The streams of data of a process: what each watches, and how many there may be."""

from collections.abc import Callable
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool

from api.http.streamed_answer import Pieces
from api.sdk.data.environment_data import EnvironmentData
from api.sdk.data.reading import Audience, EnvironmentReader
from api.services.services import Services
from api.streams.watching import StreamBounds, Subscription, Watches
from worker.store import EnvironmentNotFound, ProjectNotFound

#: Makes what is sent to whoever is to have some data, and has other data, or none.
Messages = Callable[[EnvironmentData, EnvironmentData | None], Pieces]

#: Messages about changes that are kept, for the streams that are sent the same a moment later.
_MOST_CHANGES: Final = 8
#: Messages up to this size are written at once.
_ONE_PIECE_BYTES: Final = 64 * 1024


class DataStreams(Watches[Audience, EnvironmentData]):
    """The open streams of data, in either protocol; for one event loop.

    Cost: three round trips each quarter of a second for an environment with streams, in every
    process, and four if relays have some; after a change, that of reading it once.
    """

    def __init__(self, services: Services, reader: EnvironmentReader) -> None:
        settings = services.settings
        bounds = StreamBounds(
            # Streams never give their connection up, and other requests need some, too.
            most=min(settings.sdk_streams, max(1, settings.connections // 2)),
            setting="BIGSEG_SDK_STREAMS",
            instead="retry, or poll instead",
            poll_s=0.25,
        )
        super().__init__(services, bounds, (EnvironmentNotFound, ProjectNotFound))
        self._stores = services.store
        self._reader = reader
        self._changes: dict[tuple[Messages, str, str], Pieces] = {}

    def open_for(self, audience: Audience, digest: bytes) -> Subscription[EnvironmentData]:
        """Watch the data of an audience for a new stream; as :meth:`open`."""
        return self.open(audience, digest, partial(self._read_now, audience))

    def changes(self, make: Messages, data: EnvironmentData, before: EnvironmentData) -> Pieces:
        """Make what those streams are sent that have the data of before; mostly all of them.

        Args:
            make: In the form of a protocol.
            data: What they are to have.
            before: What they have.
        """
        name = make, data.tag, before.tag
        if name not in self._changes:
            while len(self._changes) >= _MOST_CHANGES:
                del self._changes[next(iter(self._changes))]
            pieces = make(data, before)
            is_short = sum(map(len, pieces)) <= _ONE_PIECE_BYTES
            self._changes[name] = [b"".join(pieces)] if is_short else pieces
        return self._changes[name]

    async def _read_now(self, audience: Audience) -> EnvironmentData:
        return await run_in_threadpool(lambda: self._reader.read(self._stores(), audience))
