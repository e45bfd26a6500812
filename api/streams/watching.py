"""Notices changes once for all streams that wait for them.

Cost: that of one read each round, for everything that has streams, in every process, however many
there are. A stream that waits holds a future and no timer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from math import ceil
from typing import Final, Generic, TypeVar

import structlog

from api.errors import ApiError, Unavailable
from api.services.services import Services
from worker.batches import batches
from worker.store import StoreError

Name = TypeVar("Name", bound=Hashable)
State = TypeVar("State")

#: Well within the minutes in which clients of any kind give a silent stream up, and the 60 seconds
#: of usual balancers.
_PING_S: Final = 15.0
#: After the store could not say whether anything has changed.
_RETRY_S: Final = 2.0
#: Streams that are woken at once; look-ups go between.
_WOKEN_AT_ONCE: Final = 100

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamBounds:
    """How many streams of a kind one process has open, and how often they are fed."""

    most: int
    setting: str
    """That bounds them, for whoever is refused."""
    instead: str
    """What a client may do that is refused."""
    poll_s: float = 0.5


class Subscription(Generic[State]):
    """One stream, as what watches for it sees it; for the event loop only."""

    __slots__ = ("_has_news", "_needs_ping", "_waiter", "digest", "ended", "watch")

    def __init__(self, watch: "Watch[State]", digest: bytes) -> None:
        self.watch = watch
        self.digest = digest
        """By which the directory of tokens knows the SDK key."""
        self.ended = False
        self._has_news = self._needs_ping = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def state(self) -> State | None:
        """The state after the last change that was noticed; ``None`` before the first read."""
        return self.watch.state

    @property
    def fresh_state(self) -> State | None:
        """The same if it was read a moment ago, so that a later change will be told."""
        return None if self.watch.is_failing else self.watch.state

    def tell(self) -> None:
        """Say that there may be another state."""
        self._has_news = True
        self._wake()

    def ping(self) -> None:
        """Have the stream show that it is there."""
        self._needs_ping = True
        self._wake()

    def end(self) -> None:
        """Have the stream end after the message that it is sending."""
        self.ended = True
        self._wake()

    async def has_news(self) -> bool:
        """Wait for something to do; gives whether it is news. See :attr:`ended` after that."""
        if not (self.ended or self._has_news or self._needs_ping):
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        found = self._has_news
        self._has_news = self._needs_ping = False
        return found

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Watches(Generic[Name, State]):
    """The open streams of one kind in a process; for one event loop."""

    def __init__(
        self, services: Services, bounds: StreamBounds, gone: tuple[type[Exception], ...]
    ) -> None:
        """Watch nothing yet.

        Args:
            services: The services.
            bounds: On the streams.
            gone: What a read raises when there is nothing more to come: all streams end.
        """
        self._services = services
        self._bounds = bounds
        self._gone = gone
        self._watches: dict[Name, Watch[State]] = {}
        self._open = 0

    def open(
        self, name: Name, digest: bytes, read: Callable[[], Awaitable[State]]
    ) -> Subscription[State]:
        """Watch for a new stream, which must be closed.

        Args:
            name: Of what is watched; streams of one name share all.
            digest: By which the directory of tokens knows the SDK key.
            read: Gives the state, the same object as long as it has not changed; of the first
                stream of this name.

        Raises:
            Unavailable: There are as many as this process takes.
        """
        bounds = self._bounds
        if self._open >= bounds.most:
            raise Unavailable(
                f"this process has {bounds.most:,} such streams open, as many as it takes "
                f"({bounds.setting}); {bounds.instead}"
            )
        watch = self._watches.get(name)
        if watch is None:
            watch = Watch(self._services, bounds.poll_s, read, self._gone, str(name), self._forget)
            self._watches[name] = watch
        self._open += 1
        return watch.add(digest)

    def close(self, subscription: Subscription[State]) -> None:
        """Watch for it no longer."""
        self._open -= 1
        subscription.watch.remove(subscription)

    def _forget(self, watch: "Watch[State]") -> None:
        # One that was stopped ends a moment later, when another may have taken its place.
        for name, known in [*self._watches.items()]:
            if known is watch:
                del self._watches[name]


class Watch(Generic[State]):
    """Reads one state again and again until its last stream is closed."""

    def __init__(
        self,
        services: Services,
        poll_s: float,
        read: Callable[[], Awaitable[State]],
        gone: tuple[type[Exception], ...],
        name: str,
        forget: Callable[["Watch[State]"], None],
    ) -> None:
        self.state: State | None = None
        self._services = services
        self._poll_s = poll_s
        self._read = read
        self._gone = gone
        self._name = name
        self._forget = forget
        self._by_digest: dict[bytes, set[Subscription[State]]] = {}
        #: Those that are pinged in the same round.
        self._turns: list[set[Subscription[State]]] = [set() for _ in range(ceil(_PING_S / poll_s))]
        self._round = 0
        self._rest = 0
        self._failing = False
        self._task = asyncio.create_task(self._watch())

    @property
    def is_failing(self) -> bool:
        """Whether the last read gave nothing."""
        return self._failing

    def add(self, digest: bytes) -> Subscription[State]:
        """Begin a stream."""
        subscription = Subscription(self, digest)
        self._by_digest.setdefault(digest, set()).add(subscription)
        # The turn that was last, so that its first ping comes after the whole time.
        self._turns[self._round - 1].add(subscription)
        return subscription

    def remove(self, subscription: Subscription[State]) -> None:
        """Forget a stream; the last one ends the watch."""
        streams = self._by_digest.get(subscription.digest, set())
        streams.discard(subscription)
        for turn in self._turns:
            turn.discard(subscription)
        if not streams:
            self._by_digest.pop(subscription.digest, None)
        if not self._by_digest:
            self._forget(self)
            self._task.cancel()

    async def _watch(self) -> None:
        try:
            while not await self._has_stopped():
                self._end_invalid()
                await _call_each(self._turns[self._round], Subscription.ping)
                self._round = (self._round + 1) % len(self._turns)
                self._rest -= 1
                if self._rest <= 0 and not await self._keep_up():
                    return
        finally:  # whatever happens, no stream stays open that nobody feeds
            self._forget(self)
            for streams in [*self._by_digest.values()]:
                for subscription in [*streams]:
                    subscription.end()

    async def _has_stopped(self) -> bool:
        """Wait; gives whether the process is asked to end."""
        try:
            async with asyncio.timeout(self._poll_s):
                return await self._services.stopping.wait()
        except TimeoutError:
            return False

    def _end_invalid(self) -> None:
        is_valid = self._services.token_directory.is_valid
        for digest in [digest for digest in self._by_digest if not is_valid(digest)]:
            for subscription in [*self._by_digest[digest]]:
                subscription.end()

    async def _keep_up(self) -> bool:
        """Look for a change, and tell the streams; gives whether there may be another."""
        try:
            state = await self._read()
        except self._gone:
            return False
        except (StoreError, ApiError) as exc:
            if not self._failing:
                _log.warning("streams.delayed", of=self._name, reason=str(exc))
            self._failing, self._rest = True, ceil(_RETRY_S / self._poll_s)
            return True
        self._failing = False
        if state != self.state:
            self.state = state
            for streams in [*self._by_digest.values()]:
                await _call_each(streams, Subscription.tell)
        return True


async def _call_each(
    streams: set[Subscription[State]], what: Callable[[Subscription[State]], None]
) -> None:
    """Wake streams, some at a time."""
    for some in batches([*streams], _WOKEN_AT_ONCE):
        for subscription in some:
            what(subscription)
        await asyncio.sleep(0)
