"""Look-ups in the test's own process, on an event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from api.lookups.lookups import Lookups, SegmentAddress
from api.lookups.pipeline import Endpoint
from worker.store import Membership, Store, StoreError

T = TypeVar("T")

#: What a look-up came to: the two booleans, or the error's class.
Seen = tuple[bool, bool] | type[StoreError]

ADDRESS: SegmentAddress = ("default", "production", "s")


class LookupThread:
    """Runs coroutines over one ``Lookups`` and gives their results."""

    def __init__(self, lookups: Lookups, loop: asyncio.AbstractEventLoop) -> None:
        self.lookups = lookups
        self._loop = loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def look_up(self, key: str, address: SegmentAddress = ADDRESS) -> Membership:
        """One look-up; raises what it raises."""
        return self.run(self.lookups.look_up(address, key))

    def see_all(self, keys: list[str], address: SegmentAddress = ADDRESS) -> list[Seen]:
        """Look up many at once, as concurrent requests do."""
        return self.run(self._see_all(keys, address))

    async def _see_all(self, keys: list[str], address: SegmentAddress) -> list[Seen]:
        return list(await asyncio.gather(*(self._see(key, address) for key in keys)))

    async def _see(self, key: str, address: SegmentAddress) -> Seen:
        try:
            answer = await self.lookups.look_up(address, key)
        except StoreError as exc:
            return type(exc)
        return answer.included, answer.excluded


@contextmanager
def running_lookups(
    url: str,
    store: Store,
    *,
    timeout_s: float = 2.0,
    backlog: int = 10_000,
    segment_limit: int = 100,
) -> Iterator[LookupThread]:
    """Look-ups over an open store; closed with their loop at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    lookups = Lookups(
        Endpoint.of_url(url),
        store.keyspace,
        lambda: store,
        timeout_s=timeout_s,
        backlog=backlog,
        segment_limit=segment_limit,
    )
    running = LookupThread(lookups, loop)
    try:
        yield running
    finally:
        running.run(_close(lookups))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@contextmanager
def beside(step: Callable[[int], None]) -> Iterator[threading.Event]:
    """Run a step again and again in another thread while the block runs."""
    end, failed = threading.Event(), []

    def work() -> None:
        number = 0
        while not end.is_set():
            try:
                step(number)
            except Exception as exc:  # noqa: BLE001  # raised below, in the test's thread
                failed.append(exc)
                return
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield end
    finally:
        end.set()
        thread.join(30)
    assert not failed, failed[0]


async def _close(lookups: Lookups) -> None:
    lookups.close()
    await asyncio.sleep(0)  # lets transports see their end
