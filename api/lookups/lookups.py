"""Is this context in? The hot path, coalesced: one pipeline per event-loop tick and node.

Answers follow the look-up protocol (``worker/store/lists/lookups.py``): what is remembered of a
list is only a belief, which every answer checks.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeAlias

import structlog

from api.errors import InvalidRequest
from api.lookups.counts import LookupCounts, PlainCounts
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

_log = structlog.get_logger(__name__)

#: Seconds that a step of a bulk look-up waits for the store: nobody's flag waits for it.
_BULK_TIMEOUT_S: Final = 5.0

#: How often one look-up asks: once with what it believes, once with what the list said.
ASKS: Final = 2

SegmentAddress = tuple[str, str, str]


Answerer: TypeAlias = Callable[[Outcome], None]


class _Questions(NamedTuple):
    """What is asked about one list in one tick."""

    members: list[bytes]
    answerers: list[Answerer]


_Tick: TypeAlias = dict[Belief, _Questions]


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
        counts: LookupCounts | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            endpoint: the server, or any node of the cluster.
            keyspace: names of the keys.
            store: gives the opened store, for what is not on the hot path; may block.
            timeout_s: how long one pipeline, and reading one definition, may take.
            backlog: look-ups that may wait at one time.
            segment_limit: beliefs kept.
            counts: where to count; by default where only ``counts`` is read.
        """
        self.counts = PlainCounts() if counts is None else counts
        self.nodes = Nodes(endpoint, keyspace, self.counts, timeout_s=timeout_s)
        self.bulk_nodes = Nodes(endpoint, keyspace, self.counts, timeout_s=_BULK_TIMEOUT_S)
        """Connections of their own, so that no look-up of one key waits behind many."""
        self._store = store
        self._timeout_s = timeout_s
        self._backlog = backlog
        self._segment_limit = segment_limit
        self._beliefs: dict[SegmentAddress, Belief] = {}
        self._learning: dict[SegmentAddress, asyncio.Task[Belief]] = {}
        self._tick: _Tick = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._calm: asyncio.Future[None] | None = None
        self.ticks = 0
        """Rounds of the event loop in which look-ups of one key were sent."""

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
            member = pack_key(key)
            belief = self._beliefs.get(address)
            if belief is None:
                belief = await self._learn(address)
            for tries_left in reversed(range(ASKS)):
                # Kept, for Python 3.11 asks the system for it each time.
                loop = self._loop or self._find_loop()
                found: asyncio.Future[Membership | Stale] = loop.create_future()
                self._ask(belief, member, partial(_resolve, found))
                answer = await found
                if isinstance(answer, Membership):
                    return answer
                corrected = self.corrected(belief, answer)
                if corrected is not None:
                    belief = corrected
                elif tries_left:
                    belief = await self._learn(address)
        finally:
            self._waiting -= 1
            if self._calm is not None and not self._waiting:
                self._note_calm()
        raise unsettled_list(belief.ref)

    def find(self, address: SegmentAddress) -> Belief | None:
        """Give the belief that a look-up can be submitted with; if ``None``, :meth:`look_up`."""
        return self._beliefs.get(address) if self._waiting < self._backlog else None

    def submit(self, belief: Belief, member: bytes, then: Answerer) -> None:
        """Look up once, without a coroutine. Cost: under a microsecond.

        Args:
            belief: what :meth:`find` gave.
            member: a packed key.
            then: called with the answer in a later round of the event loop.
        """
        self._waiting += 1
        self._ask(belief, member, partial(self._give, then))

    def _give(self, then: Answerer, outcome: Outcome) -> None:
        self._waiting -= 1
        if self._calm is not None and not self._waiting:
            self._note_calm()
        then(outcome)

    def close(self) -> None:
        """Close all connections; waiting look-ups fail. Idempotent."""
        self.nodes.close()
        self.bulk_nodes.close()
        for task in self._learning.values():
            task.cancel()

    # Also for api.lookups.list_lookups and api.lookups.bulk_lookups

    async def calm(self, at_most_s: float) -> None:
        """Wait until no look-up of one key waits for the store, or for some time."""
        if not self._waiting:
            return
        if self._calm is None:
            self._calm = (self._loop or self._find_loop()).create_future()
        await asyncio.wait([self._calm], timeout=at_most_s)

    def _note_calm(self) -> None:
        calm, self._calm = self._calm, None
        if calm is not None and not calm.done():
            calm.set_result(None)

    async def believe(self, address: SegmentAddress) -> Belief:
        """Give what is remembered of a list, or read it now; raises as :meth:`look_up`."""
        return self._beliefs.get(address) or await self._learn(address)

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
        self.counts.asked_again += 1
        if seen.live is not None:
            return self.remember(belief.after(seen.live))
        self._beliefs.pop(_address(belief.ref), None)
        return None

    def unanswered(self, belief: Belief) -> None:
        """Forget where a list is stored, if it may have another primary by now."""
        if belief.node is not None:
            self._beliefs.pop(_address(belief.ref), None)

    def _find_loop(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _ask(self, belief: Belief, member: bytes, then: Answerer) -> None:
        if not self._tick:
            (self._loop or self._find_loop()).call_soon(self._flush)
        questions = self._tick.get(belief)
        if questions is None:
            self._tick[belief] = questions = _Questions([], [])
        questions.members.append(member)
        questions.answerers.append(then)

    def _flush(self) -> None:
        tick, self._tick = self._tick, {}
        self.ticks += 1
        nodes: dict[Node, _Tick] = {}
        for belief, questions in tick.items():
            nodes.setdefault(belief.node, {})[belief] = questions
        loop = self._loop or self._find_loop()
        for node, lists in nodes.items():
            task = loop.create_task(self._run(node, lists))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, node: Node, lists: _Tick) -> None:
        asked = [(belief, questions.members) for belief, questions in lists.items()]
        try:
            outcomes_of_lists: Iterable[Sequence[Outcome]] = await self.nodes.ask(node, asked)
        except BaseException as exc:
            # Whatever went wrong, no caller may wait for ever.
            for belief, questions in lists.items():
                self._settle(belief, questions, [_failure(exc) for _ in questions.members])
            if not isinstance(exc, StoreUnavailable):
                raise
            return
        for (belief, questions), outcomes in zip(lists.items(), outcomes_of_lists, strict=True):
            self._settle(belief, questions, outcomes)

    def _settle(self, belief: Belief, questions: _Questions, outcomes: Sequence[Outcome]) -> None:
        for then, outcome in zip(questions.answerers, outcomes, strict=True):
            if isinstance(outcome, StoreUnavailable):
                self.unanswered(belief)
            try:
                then(outcome)
            except Exception:  # noqa: BLE001 - said in the log
                # One answer that cannot be given, such as to a lost connection, is no reason to
                # keep the others.
                _log.exception("lookup.unanswered")

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


def _resolve(answer: "asyncio.Future[Membership | Stale]", outcome: Outcome) -> None:
    if answer.done():
        return  # the caller has gone
    if isinstance(outcome, StoreError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


def _failure(error: BaseException) -> StoreUnavailable:
    if isinstance(error, StoreUnavailable):
        return StoreUnavailable(str(error))
    return StoreUnavailable("the look-up was not answered; retry")
