"""Many keys in each of several lists, by the same protocol, beside look-ups of one key.

The work is cut in steps of less than a millisecond, one of which is prepared in each round of
the event loop, whoever asks; the server gets them over connections of their own, a few at a time.
So a look-up of one key waits for a step, and not for a call.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from api.lookups.lookups import Lookups, SegmentAddress
from api.lookups.nodes import as_one_step, replies_of_step
from worker.batches import batches
from worker.store import (
    AskedMembers,
    Belief,
    Codes,
    Fault,
    Keyspace,
    ListRef,
    Node,
    Part,
    Stale,
    StoreError,
    StoreUnavailable,
    encode_part,
    parts_of,
    read_part,
    unsettled_list,
)

#: Keys in one step beside look-ups of one key: half a millisecond of the event loop, and as much
#: of the server, which turns to somebody else after each 16 KiB.
STEP_ROWS: Final = 512
#: Bytes in one step, for each key of it.
_STEP_BYTES: Final = 128
#: Steps sent to one node and not yet answered, so that it never waits for the next.
_IN_FLIGHT: Final = 3
#: Seconds for which a step lets look-ups of one key go first.
_PATIENCE_S: Final = 0.002
#: Seconds of rest before a step, if look-ups of one key were sent since the last one: on a busy
#: machine they would wait for the processor, too.
_PAUSE_S: Final = 0.004
#: How often a list is asked whose live revision changes meanwhile.
_ASKS: Final = 4
#: Definitions read at one time; look-ups of one key use the same threads.
_LEARNED_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class ListAnswers:
    """What one list says of all keys, as of one revision."""

    revision: int
    """The number of the revision; each edit that it had at ``as_of_ms`` is in the answers."""
    as_of_ms: int
    """When asking began, Unix ms: what had been acknowledged by then is in the answers."""
    codes: Codes
    """For each key, in the order of the call, the sum of ``IN_INCLUDED`` and ``IN_EXCLUDED``."""


@dataclass(slots=True)
class _Asked:
    """A list of a call while it is asked."""

    belief: Belief
    answers: ListAnswers
    stale: Stale | None = None
    """Why it is to be asked again."""


_Steps = deque[tuple["_Step", asyncio.Task[list[Any]]]]


@dataclass(frozen=True, slots=True)
class _Step:
    """What is sent at once: some parts, and how many commands end with each."""

    parts: Sequence[Part]
    commands: bytes
    ends: Sequence[int]


class BulkLookups:
    """Answers for one event loop; each answer is checked as a look-up of one key is.

    Memory of a call: a byte for each key and list, and three steps for each node.
    """

    def __init__(
        self,
        lookups: Lookups,
        keyspace: Keyspace,
        *,
        at_once: int,
        clock: Callable[[], int],
        step_rows: int = STEP_ROWS,
    ) -> None:
        """Open nothing yet.

        Args:
            lookups: what remembers the lists.
            keyspace: names of the keys.
            at_once: calls at one time.
            clock: Unix milliseconds.
            step_rows: keys in one step; more cost less where nobody waits for the event loop.
        """
        self._lookups = lookups
        self._keyspace = keyspace
        self._free = at_once
        self._clock = clock
        self._step_rows = step_rows
        self._turn = asyncio.Lock()
        self._ticks_seen = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the places for calls, which bound their memory.

        Raises:
            StoreUnavailable: all are taken. Safe to retry.
        """
        if not self._free:
            raise StoreUnavailable("too many bulk look-ups at the same time; retry")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def look_up(
        self, addresses: Sequence[SegmentAddress], asked: AskedMembers
    ) -> list[ListAnswers]:
        """Ask each list about each key.

        The answers of a list are of one revision: when another one becomes live meanwhile, the
        list is asked again. Edits made during the call are in the answers or not, key by key;
        both lists of a segment are read in one step for each key.

        Cost: about 2 µs of the process a key and list where few keys share a shard.

        Args:
            addresses: of segments, each once.
            asked: the keys, at least one.

        Returns:
            The answers, in the order of the addresses: all of them or none.

        Raises:
            InvalidRequest: a segment is not a big one.
            SegmentNotFound: or ProjectNotFound, EnvironmentNotFound: no such thing.
            ListUnknown: a shard or the record of a list is missing, so no answer is certain.
            StoreUnavailable: a node did not answer. Safe to retry.
        """
        beliefs = await self._believe(addresses)
        found: dict[ListRef, ListAnswers] = {}
        waiting = beliefs
        for _ in range(_ASKS):
            lists = [self._begin(belief, len(asked)) for belief in waiting]
            await self._ask(lists, asked)
            found |= {each.belief.ref: each.answers for each in lists if each.stale is None}
            waiting = [await self._corrected(each) for each in lists if each.stale is not None]
            if not waiting:
                break
        if waiting:
            raise unsettled_list(waiting[0].ref)
        return [found[ref] for ref in (belief.ref for belief in beliefs)]

    async def _believe(self, addresses: Sequence[SegmentAddress]) -> list[Belief]:
        beliefs: list[Belief] = []
        for some in batches(addresses, _LEARNED_AT_ONCE):
            beliefs += await asyncio.gather(*map(self._lookups.believe, some))
        return beliefs

    def _begin(self, belief: Belief, rows: int) -> _Asked:
        answers = ListAnswers(belief.revision.number, self._clock(), np.zeros(rows, np.uint8))
        return _Asked(belief, answers)

    async def _corrected(self, asked: _Asked) -> Belief:
        assert asked.stale is not None  # noqa: S101 - for the type checker
        belief = self._lookups.corrected(asked.belief, asked.stale)
        if belief is not None:
            return belief
        ref = asked.belief.ref
        return await self._lookups.believe((ref.project, ref.environment, ref.segment))

    async def _ask(self, lists: Sequence[_Asked], asked: AskedMembers) -> None:
        nodes: dict[Node, list[_Asked]] = {}
        for each in lists:
            nodes.setdefault(each.belief.node, []).append(each)
        tasks = [
            asyncio.create_task(self._ask_node(node, its_lists, asked))
            for node, its_lists in nodes.items()
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            await _end(tasks)

    async def _ask_node(self, node: Node, lists: Sequence[_Asked], asked: AskedMembers) -> None:
        by_belief = {each.belief: each for each in lists}
        sent: _Steps = deque()
        steps = parts_of(
            [*by_belief], asked, most_rows=self._step_rows, most_bytes=self._step_rows * _STEP_BYTES
        )
        try:
            for parts in steps:
                if len(sent) == _IN_FLIGHT:
                    await self._take(sent, by_belief, asked)
                async with self._turn:
                    # In a later round of the event loop, after whatever else has arrived.
                    await asyncio.sleep(0)
                    await self._give_way()
                    step = self._encode(parts, asked)
                request = self._lookups.bulk_nodes.request(node, step.commands, step.ends[-1])
                sent.append((step, asyncio.create_task(request)))
            while sent:
                await self._take(sent, by_belief, asked)
        except StoreUnavailable:
            for belief in by_belief:
                self._lookups.unanswered(belief)
            raise
        finally:
            await _end([request for _, request in sent])

    async def _give_way(self) -> None:
        """Let look-ups of one key go first, and leave them time while there are any."""
        lookups = self._lookups
        await lookups.calm(_PATIENCE_S)
        if lookups.ticks != self._ticks_seen:
            self._ticks_seen = lookups.ticks
            await asyncio.sleep(_PAUSE_S)

    def _encode(self, parts: Sequence[Part], asked: AskedMembers) -> _Step:
        commands: list[bytes] = []
        ends: list[int] = []
        end = 0
        for part in parts:
            packed, count = encode_part(self._keyspace, part, asked)
            step = as_one_step(part.belief, [packed])
            commands += step
            end += len(step) - 1 + count
            ends.append(end)
        return _Step(parts, b"".join(commands), ends)

    async def _take(
        self, sent: _Steps, lists: Mapping[Belief, _Asked], asked: AskedMembers
    ) -> None:
        """Read the replies to the oldest step."""
        step, request = sent[0]
        replies = await request
        sent.popleft()
        for part, start, end in zip(step.parts, [0, *step.ends], step.ends, strict=False):
            outcome = _read(part, asked, replies[start:end])
            of_list = lists[part.belief]
            if isinstance(outcome, Stale):
                of_list.stale = outcome
            elif isinstance(outcome, StoreError):
                raise outcome
            else:
                of_list.answers.codes[asked.rows[part.first : part.stop]] = outcome


def _read(part: Part, asked: AskedMembers, replies: Sequence[Any]) -> Codes | Fault:
    inner = replies_of_step(part.belief, replies)
    return inner if isinstance(inner, Stale | StoreError) else read_part(part, asked, inner)


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Leave no task behind, and no error that nobody has seen."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
