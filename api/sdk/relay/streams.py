"""The streams of patches of a process: what each watches, and how many there may be."""

import asyncio
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool

from api.services.services import Services
from api.streams.watching import StreamBounds, Subscription, Watches
from worker.store import EnvironmentRef, RelaysNotServed

#: Pages made at the same time in a process; each takes some 10 ms of CPU.
_PAGES_AT_ONCE: Final = 2


class RelayStreams(Watches[EnvironmentRef, str]):
    """The open streams of relays, each told when there is another newest version.

    Cost: one round trip each quarter of a second for an environment with streams, in every
    process, however many streams it has.
    """

    def __init__(self, services: Services) -> None:
        settings = services.settings
        bounds = StreamBounds(
            # Streams never give their connection up, and other requests need some, too.
            most=min(settings.relay_streams, max(1, settings.connections // 8)),
            setting="BIGSEG_RELAY_STREAMS",
            instead="retry some seconds later",
            poll_s=0.25,
        )
        super().__init__(services, bounds, (RelaysNotServed,))
        self.page_turn = asyncio.Semaphore(_PAGES_AT_ONCE)
        """Taken for making a page: it computes, and competes with look-ups."""
        self._stores = services.store

    def open_for(self, env: EnvironmentRef, digest: bytes) -> Subscription[str]:
        """Watch an environment for a new stream; as :meth:`open`."""
        return self.open(env, digest, partial(self.read_newest, env))

    async def read_newest(self, env: EnvironmentRef) -> str:
        """Read the newest version.

        Raises:
            RelaysNotServed: No worker keeps the changes of the environment.
            StoreUnavailable: Safe to retry.
        """
        return await run_in_threadpool(lambda: self._stores().relay_pages.newest(env))
