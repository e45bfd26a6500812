"""Is this context in? The hot path, coalesced: one pipeline an event-loop tick.

Each look-up asks the shard of the revision *believed* live; last in the pipeline each
list is asked which revision *is* live. An answer counts only if the two agree and the
shard's sentinel was there. So a belief may be as old as it likes: it is a hint, checked
on every answer, and needs no time to live, no clock and no invalidation.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hiredis import ReplyError
from redis import RedisCluster

from api.errors import InvalidRequest
from api.redis_pipeline import Endpoint, PipelineConnection, pack
from worker.store import (
    Keyspace,
    ListRef,
    ListUnknown,
    Membership,
    Scope,
    Store,
    StoreUnavailable,
)
from worker.store.keyspace import EXCLUDED, INCLUDED
from worker.store.member_codec import SENTINEL, pack_one
from worker.store.member_hash import hash_one, shard_index
from worker.store.revisions import Revision

_ANSWERS: Final = {
    (included, excluded): Membership(included=included, excluded=excluded)
    for included in (False, True)
    for excluded in (False, True)
}
#: How often one look-up asks: once with what it believes, once with what it was told.
_ASKS: Final = 2

Place = tuple[str, str, str]
Address = tuple[str, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What was last seen of one list, and where it lives."""

    ref: ListRef
    revision: Revision
    record: str
    address: Address
    """The node of a cluster; ``None`` for a single server."""

    def after(self, revision: Revision) -> "Belief":
        """The belief once another revision was seen live."""
        return Belief(self.ref, revision, self.record, self.address)


@dataclass(frozen=True, slots=True)
class _Stale:
    """The belief was wrong; the revision that is live, or ``None`` to ask the definition."""

    live: Revision | None


@dataclass(slots=True)
class _Ask:
    belief: Belief
    member: bytes
    future: "asyncio.Future[Membership | _Stale]"


class Lookups:
    """Answers for one event loop; strictly consistent, primaries only, no retries.

    Memory: one belief a segment seen, up to ``segment_limit``, and one entry a look-up
    waiting, up to ``backlog``.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        keyspace: Keyspace,
        store: Callable[[], Store],
        *,
        timeout_s: float,
        backlog: int,
        segment_limit: int,
    ) -> None:
        """Open nothing yet.

        Args:
            endpoint: the server, or any node of the cluster.
            keyspace: names of the keys.
            store: gives the opened store, for what is not on the hot path; may block.
            timeout_s: how long one pipeline, and reading one definition, may take.
            backlog: look-ups that may wait at one time.
            segment_limit: beliefs kept.
        """
        self._endpoint = endpoint
        self._keys = keyspace
        self._store = store
        self._timeout_s = timeout_s
        self._backlog = backlog
        self._segment_limit = segment_limit
        self._beliefs: dict[Place, Belief] = {}
        self._learning: dict[Place, asyncio.Task[Belief]] = {}
        self._connections: dict[Address, PipelineConnection] = {}
        self._tick: list[_Ask] = []
        self._running: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self.pipelines = 0
        self.asked_again = 0

    async def look_up(self, place: Place, key: str) -> Membership:
        """Answer for one valid context key. Cost: a share of one round trip.

        Args:
            place: project, environment and segment key, each a valid resource key.
            key: a valid context key.

        Raises:
            InvalidRequest: the segment is not a big one.
            SegmentNotFound: or ProjectNotFound, EnvironmentNotFound: no such thing.
            ListUnknown: a shard or the record is missing, so no answer is certain.
            StoreUnavailable: no answer in time, or too many wait. Safe to retry.
        """
        if self._waiting >= self._backlog:
            raise StoreUnavailable("too many look-ups wait for the store; retry")
        self._waiting += 1
        try:
            return await self._answer(place, pack_one(key))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Close all connections; what waits fails. Idempotent."""
        for connection in self._connections.values():
            connection.close()
        for task in self._learning.values():
            task.cancel()

    async def _answer(self, place: Place, member: bytes) -> Membership:
        belief = self._beliefs.get(place)
        if belief is None:
            belief = await self._learn(place)
        for tries_left in reversed(range(_ASKS)):
            try:
                answer = await self._ask(belief, member)
            except StoreUnavailable:
                if belief.address is not None:  # the list may have another primary by now
                    self._beliefs.pop(place, None)
                raise
            if isinstance(answer, Membership):
                return answer
            self.asked_again += 1
            if answer.live is None:
                self._beliefs.pop(place, None)
                if tries_left:
                    belief = await self._learn(place)
            else:
                belief = self._remember(place, belief.after(answer.live))
        raise StoreUnavailable(f"list {belief.ref.name} changed under every try; retry")

    def _ask(self, belief: Belief, member: bytes) -> "asyncio.Future[Membership | _Stale]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Membership | _Stale] = loop.create_future()
        if not self._tick:
            loop.call_soon(self._flush)
        self._tick.append(_Ask(belief, member, future))
        return future

    def _flush(self) -> None:
        asks, self._tick = self._tick, []
        by_address: dict[Address, list[_Ask]] = {}
        for ask in asks:
            by_address.setdefault(ask.belief.address, []).append(ask)
        for address, group in by_address.items():
            task = asyncio.create_task(self._run(address, group))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, address: Address, asks: list[_Ask]) -> None:
        commands: list[bytes] = []
        for ask in asks:
            revision, hash_ = ask.belief.revision, hash_one(ask.member)
            sides = (INCLUDED, EXCLUDED) if revision.excluded_bits else (INCLUDED,)
            for side in sides:
                shard = self._keys.shard(
                    ask.belief.ref, revision.name, side, shard_index(hash_, revision.bits(side))
                )
                commands.append(pack(b"SMISMEMBER", shard, SENTINEL, ask.member))
        beliefs = dict.fromkeys(ask.belief for ask in asks)
        # Last, so that what they say was true when the shards were read.
        commands += [pack(b"HGET", belief.record, b"live") for belief in beliefs]
        try:
            replies = await self._connection(address).request(b"".join(commands), len(commands))
        except StoreUnavailable as exc:
            _fail(asks, exc)
            return
        self.pipelines += 1
        first_live = len(replies) - len(beliefs)
        live = dict(zip(beliefs, replies[first_live:], strict=True))
        _settle(asks, replies, {belief: _verdict(belief, live[belief]) for belief in beliefs})

    def _connection(self, address: Address) -> PipelineConnection:
        connection = self._connections.get(address)
        if connection is None:
            endpoint = self._endpoint if address is None else self._endpoint.at(*address)
            connection = PipelineConnection(endpoint, timeout_s=self._timeout_s)
            self._connections[address] = connection
        return connection

    async def _learn(self, place: Place) -> Belief:
        """Read the definition, in a thread; look-ups of one segment share one reading."""
        task = self._learning.get(place)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._read, place))
            self._learning[place] = task
            task.add_done_callback(lambda done: self._learned(place, done))
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(task)
        except TimeoutError as exc:
            message = f"segment {place[2]} could not be read in time; retry"
            raise StoreUnavailable(message) from exc

    def _learned(self, place: Place, task: "asyncio.Task[Belief]") -> None:
        del self._learning[place]
        if not task.cancelled() and task.exception() is None:
            self._remember(place, task.result())

    def _read(self, place: Place) -> Belief:
        store = self._store()
        project, environment, key = place
        segment = store.segments.get(Scope(project, environment), key)
        if not segment.unbounded:
            raise InvalidRequest(f"segment {key} is not a big segment")
        record = self._keys.list_record(segment.ref)
        live = store.memberships.state(segment.ref).live
        return Belief(segment.ref, live, record, _address(store, record))

    def _remember(self, place: Place, belief: Belief) -> Belief:
        if place not in self._beliefs and len(self._beliefs) >= self._segment_limit:
            del self._beliefs[next(iter(self._beliefs))]
        self._beliefs[place] = belief
        return belief


def _address(store: Store, record: str) -> Address:
    if not isinstance(store.client, RedisCluster):
        return None
    node = store.client.get_node_from_key(record)
    if node is None:
        raise StoreUnavailable(f"no node holds the slot of {record}; retry")
    return str(node.host), int(node.port)


def _verdict(belief: Belief, live: Any) -> _Stale | StoreUnavailable | None:  # noqa: ANN401 - a reply
    """``None`` when the belief is true."""
    if live is None:
        return _Stale(None)
    if isinstance(live, ReplyError):
        # The slot has moved: the store's own client finds out where to.
        return _Stale(None) if str(live).startswith("MOVED") else _refusal(belief, live)
    seen = Revision.parse(live)
    return None if seen == belief.revision else _Stale(seen)


def _settle(
    asks: list[_Ask],
    replies: list[Any],
    verdicts: dict[Belief, _Stale | StoreUnavailable | None],
) -> None:
    position = 0
    for ask in asks:
        both = ask.belief.revision.excluded_bits != 0
        found = replies[position : position + 1 + both]
        position += 1 + both
        if ask.future.done():
            continue
        verdict = verdicts[ask.belief]
        if isinstance(verdict, _Stale):
            ask.future.set_result(verdict)
        elif verdict is not None:
            ask.future.set_exception(verdict)
        else:
            _give(ask, found)


def _give(ask: _Ask, found: list[Any]) -> None:
    for reply in found:
        if isinstance(reply, ReplyError):
            ask.future.set_exception(_refusal(ask.belief, reply))
            return
        if not reply[0]:
            name = ask.belief.ref.name
            message = f"list {name} is not whole on the server; import it again or restore it"
            ask.future.set_exception(ListUnknown(message))
            return
    excluded = len(found) > 1 and found[1][1] == 1
    ask.future.set_result(_ANSWERS[found[0][1] == 1, excluded])


def _refusal(belief: Belief, reply: ReplyError) -> StoreUnavailable:
    code = str(reply).split(" ", 1)[0]
    return StoreUnavailable(f"the store did not answer for list {belief.ref.name}: {code}; retry")


def _fail(asks: list[_Ask], error: StoreUnavailable) -> None:
    for ask in asks:
        if not ask.future.done():
            ask.future.set_exception(StoreUnavailable(str(error)))
