"""Is this context in? The hot path, coalesced: one pipeline per event-loop tick and node.

Answers follow the look-up protocol (``worker/store/lists/lookups.py``): what is remembered of a
list is only a belief, which every answer checks.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.errors import InvalidRequest
from api.lookups.nodes import Nodes
from api.lookups.pipeline import Endpoint
from worker.store import (
    Belief,
    EnvironmentRef,
    Keyspace,
    ListRef,
    Membership,
    Node,
    Outcome,
    Stale,
    Store,
    StoreError,
    StoreUnavailable,
    pack_key,
    unsettled_list,
)

#: How often one look-up asks: once with what it believes, once with what the list said.
ASKS: Final = 2

SegmentAddress = tuple[str, str, str]


@dataclass(slots=True)
class _Question:
    belief: Belief
    member: bytes
    answer: "asyncio.Future[Membership | Stale]"


class Lookups:
    """Answers for one event loop; strictly consistent, primaries only, no retries.

    Memory: one belief per segment seen, up to ``segment_limit``, and one entry per waiting
    look-up, up to ``backlog``.
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
        self.nodes = Nodes(endpoint, keyspace, timeout_s=timeout_s)
        self._store = store
        self._timeout_s = timeout_s
        self._backlog = backlog
        self._segment_limit = segment_limit
        self._beliefs: dict[SegmentAddress, Belief] = {}
        self._learning: dict[SegmentAddress, asyncio.Task[Belief]] = {}
        self._tick: list[_Question] = []
        self._running: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self.asked_again = 0

    @property
    def pipelines(self) -> int:
        """How many pipelines were answered."""
        return self.nodes.pipelines

    async def look_up(self, address: SegmentAddress, key: str) -> Membership:
        """Answer for one valid context key. Cost: a share of one round trip.

        Args:
            address: project, environment and segment key, each a valid resource key.
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
            return await self._answer(address, pack_key(key))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Close all connections; waiting look-ups fail. Idempotent."""
        self.nodes.close()
        for task in self._learning.values():
            task.cancel()

    async def _answer(self, address: SegmentAddress, member: bytes) -> Membership:
        belief = self._beliefs.get(address)
        if belief is None:
            belief = await self._learn(address)
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
                belief = await self._learn(address)
        raise unsettled_list(belief.ref)

    # Also for api.lookups.list_lookups

    def believed(self, ref: ListRef) -> Belief | None:
        """What was last seen of a list; ``None`` for one that is not remembered."""
        belief = self._beliefs.get(_address(ref))
        return belief if belief is not None and belief.ref == ref else None

    def remember(self, belief: Belief) -> Belief:
        """Believe from now on; beyond the limit, the oldest belief is forgotten."""
        address = _address(belief.ref)
        if address not in self._beliefs and len(self._beliefs) >= self._segment_limit:
            del self._beliefs[next(iter(self._beliefs))]
        self._beliefs[address] = belief
        return belief

    def corrected(self, belief: Belief, seen: Stale) -> Belief | None:
        """Believe what a list said of itself; ``None`` if it must be learned again."""
        self.asked_again += 1
        if seen.live is not None:
            return self.remember(belief.after(seen.live))
        self._beliefs.pop(_address(belief.ref), None)
        return None

    def unanswered(self, belief: Belief) -> None:
        """Forget where a list is stored, if it may have another primary by now."""
        if belief.node is not None:
            self._beliefs.pop(_address(belief.ref), None)

    def _ask(self, belief: Belief, member: bytes) -> "asyncio.Future[Membership | Stale]":
        loop = asyncio.get_running_loop()
        question = _Question(belief, member, loop.create_future())
        if not self._tick:
            loop.call_soon(self._flush)
        self._tick.append(question)
        return question.answer

    def _flush(self) -> None:
        tick, self._tick = self._tick, []
        nodes: dict[Node, dict[Belief, list[_Question]]] = {}
        for question in tick:
            belief = question.belief
            nodes.setdefault(belief.node, {}).setdefault(belief, []).append(question)
        for node, lists in nodes.items():
            task = asyncio.create_task(self._run(node, lists))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, node: Node, lists: dict[Belief, list[_Question]]) -> None:
        asked = [
            (belief, [question.member for question in questions])
            for belief, questions in lists.items()
        ]
        try:
            outcomes_of_lists = await self.nodes.ask(node, asked)
            for questions, outcomes in zip(lists.values(), outcomes_of_lists, strict=True):
                _settle(questions, outcomes)
        except StoreUnavailable as exc:
            for questions in lists.values():
                _settle(questions, [StoreUnavailable(str(exc)) for _ in questions])
        finally:
            for questions in lists.values():
                _abandon(questions)

    async def _learn(self, address: SegmentAddress) -> Belief:
        """Read the definition, in a thread; look-ups of one segment share one reading."""
        task = self._learning.get(address)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._read, address))
            self._learning[address] = task
            task.add_done_callback(lambda done: self._learned(address, done))
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(task)
        except TimeoutError as exc:
            message = f"segment {address[2]} could not be read in time; retry"
            raise StoreUnavailable(message) from exc
        finally:
            del task  # its error holds this frame: a reference cycle for each refusal otherwise

    def _learned(self, address: SegmentAddress, task: "asyncio.Task[Belief]") -> None:
        del self._learning[address]
        if not task.cancelled() and task.exception() is None:
            self.remember(task.result())

    def _read(self, address: SegmentAddress) -> Belief:
        store = self._store()
        project, environment, key = address
        segment = store.segments.get(EnvironmentRef(project, environment), key)
        if not segment.unbounded:
            raise InvalidRequest(f"segment {key} is not a big segment")
        return store.memberships.believe(segment.ref)


def _address(ref: ListRef) -> SegmentAddress:
    return ref.project, ref.environment, ref.segment


def _settle(questions: list[_Question], outcomes: list[Outcome]) -> None:
    for question, outcome in zip(questions, outcomes, strict=True):
        if question.answer.done():
            continue  # the caller has gone
        if isinstance(outcome, StoreError):
            question.answer.set_exception(outcome)
        else:
            question.answer.set_result(outcome)


def _abandon(questions: list[_Question]) -> None:
    """Whatever went wrong, no caller may wait for ever."""
    for question in questions:
        if not question.answer.done():
            question.answer.set_exception(StoreUnavailable("the look-up was not answered; retry"))
