"""Is this context in? The hot path, coalesced: one pipeline an event-loop tick.

Each look-up asks the shard of the revision *believed* live; last in the pipeline each
list is asked which revision *is* live. An answer counts only if the two agree and the
shard's sentinel was there. So a belief may be as old as it likes: it is a hint, checked
on every answer, and needs no time to live, no clock and no invalidation.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import RedisCluster

from api.errors import InvalidRequest
from api.lookups.pipeline import Endpoint, PipelineConnection
from api.lookups.protocol import Address, Belief, Outcome, Stale, commands_of, outcomes_of
from worker.store import (
    Keyspace,
    ListRef,
    Membership,
    Scope,
    Store,
    StoreError,
    StoreUnavailable,
)
from worker.store.members import pack_key
from worker.store.server.connections import driver_errors

#: How often one look-up asks: once with what it believes, once with what it was told.
ASKS: Final = 2

Place = tuple[str, str, str]


@dataclass(slots=True)
class _Question:
    belief: Belief
    member: bytes
    answer: "asyncio.Future[Membership | Stale]"


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
        self.keyspace = keyspace
        self._store = store
        self._timeout_s = timeout_s
        self._backlog = backlog
        self._segment_limit = segment_limit
        self._beliefs: dict[Place, Belief] = {}
        self._learning: dict[Place, asyncio.Task[Belief]] = {}
        self._connections: dict[Address, PipelineConnection] = {}
        self._tick: list[_Question] = []
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
            return await self._answer(place, pack_key(key))
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
        for tries_left in reversed(range(ASKS)):
            try:
                answer = await self._ask(belief, member)
            except StoreUnavailable:
                self.unanswered(belief)
                raise
            if isinstance(answer, Membership):
                return answer
            corrected = self.corrected(belief, answer)
            if corrected is not None:
                belief = corrected
            elif tries_left:
                belief = await self._learn(place)
        raise changes_too_fast(belief.ref)

    # Also for api.lookups.many

    def believed(self, ref: ListRef) -> Belief | None:
        """What was last seen of a list; ``None`` for one that is not remembered."""
        belief = self._beliefs.get(_place(ref))
        return belief if belief is not None and belief.ref == ref else None

    def remember(self, belief: Belief) -> Belief:
        """Believe from now on; what was believed longest is forgotten beyond the limit."""
        place = _place(belief.ref)
        if place not in self._beliefs and len(self._beliefs) >= self._segment_limit:
            del self._beliefs[next(iter(self._beliefs))]
        self._beliefs[place] = belief
        return belief

    def corrected(self, belief: Belief, seen: Stale) -> Belief | None:
        """Believe what a list said of itself; ``None`` if it must be learnt anew."""
        self.asked_again += 1
        if seen.live is not None:
            return self.remember(belief.after(seen.live))
        self._beliefs.pop(_place(belief.ref), None)
        return None

    def unanswered(self, belief: Belief) -> None:
        """Forget where a list lives if it may have another primary by now."""
        if belief.address is not None:
            self._beliefs.pop(_place(belief.ref), None)

    async def request(self, address: Address, commands: Sequence[bytes]) -> list[Any]:
        """Send packed commands to one node; their replies in order, errors in their place.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        replies = await self._connection(address).request(b"".join(commands), len(commands))
        self.pipelines += 1
        return replies

    def _ask(self, belief: Belief, member: bytes) -> "asyncio.Future[Membership | Stale]":
        loop = asyncio.get_running_loop()
        question = _Question(belief, member, loop.create_future())
        if not self._tick:
            loop.call_soon(self._flush)
        self._tick.append(question)
        return question.answer

    def _flush(self) -> None:
        tick, self._tick = self._tick, []
        nodes: dict[Address, dict[Belief, list[_Question]]] = {}
        for question in tick:
            belief = question.belief
            nodes.setdefault(belief.address, {}).setdefault(belief, []).append(question)
        for address, lists in nodes.items():
            task = asyncio.create_task(self._run(address, lists))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, address: Address, lists: dict[Belief, list[_Question]]) -> None:
        try:
            await self._ask_node(address, lists)
        except StoreUnavailable as exc:
            for questions in lists.values():
                _settle(questions, [StoreUnavailable(str(exc)) for _ in questions])
        finally:
            for questions in lists.values():
                _abandon(questions)

    async def _ask_node(self, address: Address, lists: dict[Belief, list[_Question]]) -> None:
        commands: list[bytes] = []
        ends: list[int] = []
        for belief, questions in lists.items():
            commands += commands_of(self.keyspace, belief, [one.member for one in questions])
            ends.append(len(commands))
        replies = await self.request(address, commands)
        start = 0
        for end, (belief, questions) in zip(ends, lists.items(), strict=True):
            _settle(questions, outcomes_of(belief, replies[start:end]))
            start = end

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
            self.remember(task.result())

    def _read(self, place: Place) -> Belief:
        store = self._store()
        project, environment, key = place
        segment = store.segments.get(Scope(project, environment), key)
        if not segment.unbounded:
            raise InvalidRequest(f"segment {key} is not a big segment")
        record = self.keyspace.list_record(segment.ref)
        live = store.memberships.state(segment.ref).live
        return Belief(segment.ref, live, record, address_of(store, record))


def changes_too_fast(ref: ListRef) -> StoreUnavailable:
    """What is said of a list whose live revision was another one at every try."""
    return StoreUnavailable(f"list {ref.name} changed under every try; retry")


def address_of(store: Store, record: str) -> Address:
    """The node that holds a list record, as the store's client knows it.

    Raises:
        StoreUnavailable: no node does. Safe to retry.
    """
    if not isinstance(store.client, RedisCluster):
        return None
    with driver_errors(f"find the node of {record}"):
        node = store.client.get_node_from_key(record)
    if node is None:
        raise StoreUnavailable(f"no node holds the slot of {record}; retry")
    return str(node.host), int(node.port)


def _place(ref: ListRef) -> Place:
    return ref.project, ref.environment, ref.segment


def _settle(questions: list[_Question], outcomes: list[Outcome]) -> None:
    for question, outcome in zip(questions, outcomes, strict=True):
        if question.answer.done():
            continue  # whoever asked has gone
        if isinstance(outcome, StoreError):
            question.answer.set_exception(outcome)
        else:
            question.answer.set_result(outcome)


def _abandon(questions: list[_Question]) -> None:
    """Whatever went wrong, nobody may wait for ever."""
    for question in questions:
        if not question.answer.done():
            question.answer.set_exception(StoreUnavailable("the look-up came to nothing; retry"))
