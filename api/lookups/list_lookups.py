"""The look-ups of one evaluation: one key for each of many lists, by the same protocol.

All lists of a node are asked in one pipeline; those whose belief was wrong are asked once
again. Lists not met before are learned together, in one more round trip.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from api.lookups.lookups import ASKS, Lookups
from worker.batches import batches
from worker.store import (
    Belief,
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

#: Lists asked before others may ask theirs: about 4 ms of the event loop.
_AT_ONCE: Final = 500

Answer = Membership | StoreError
#: ``None`` is to be learned, a belief is to be asked; anything else is the answer.
_State = Answer | Belief | None


class ListLookups:
    """Answers about many lists, for one event loop; as strict as ``Lookups``.

    Memory: about 1 KB a list while it is asked; the caller bounds how many do at one time.
    """

    def __init__(self, lookups: Lookups, store: Callable[[], Store]) -> None:
        self._lookups = lookups
        self._store = store

    async def look_up(self, asked: Mapping[ListRef, str]) -> dict[ListRef, Answer]:
        """Ask each list about one valid context key.

        Each answer was true during the call, but not all at the same moment.

        Cost: one round trip, about 10 µs a list; another one before it if lists are met for
        the first time, and another one after it if revisions have changed.

        Returns:
            The membership, or why it is unknown: ``ListUnknown`` for a list that is not
            whole or deleted, ``StoreUnavailable`` for one whose node did not answer.

        Raises:
            StoreUnavailable: the store answered for none of them. Safe to retry.
        """
        members = {key: pack_key(key) for key in set(asked.values())}
        states: dict[ListRef, _State] = {ref: self._lookups.believed(ref) for ref in asked}
        for _ in range(ASKS):
            unknown = [ref for ref, state in states.items() if state is None]
            if unknown:
                states |= await self._learn(unknown)
            beliefs = [state for state in states.values() if isinstance(state, Belief)]
            if not beliefs:
                break
            states |= await self._ask(beliefs, lambda ref: members[asked[ref]])
        answers = {
            ref: unsettled_list(ref) if state is None or isinstance(state, Belief) else state
            for ref, state in states.items()
        }
        _require_some(answers.values())
        return answers

    async def _learn(self, refs: Sequence[ListRef]) -> dict[ListRef, Belief | StoreError]:
        learned = await asyncio.to_thread(lambda: self._store().memberships.believe_many(refs))
        for belief in learned.values():
            if isinstance(belief, Belief):
                self._lookups.remember(belief)
        return learned

    async def _ask(
        self, beliefs: Iterable[Belief], member_of: Callable[[ListRef], bytes]
    ) -> dict[ListRef, _State]:
        nodes: dict[Node, list[Belief]] = {}
        for belief in beliefs:
            nodes.setdefault(belief.node, []).append(belief)
        groups = [group for node in nodes.values() for group in batches(node, _AT_ONCE)]
        sent = []
        for group in groups:
            members = [member_of(belief.ref) for belief in group]
            sent.append(asyncio.create_task(self._ask_group(group, members)))
            # No reply is waited for, so it stays one round trip.
            await asyncio.sleep(0)
        found = await asyncio.gather(*sent)
        return {
            belief.ref: self._after(belief, outcome)
            for group, outcomes in zip(groups, found, strict=True)
            for belief, outcome in zip(group, outcomes, strict=True)
        }

    async def _ask_group(
        self, beliefs: Sequence[Belief], members: Sequence[bytes]
    ) -> list[Outcome]:
        """Ask some lists of one node."""
        questions = [(belief, [member]) for belief, member in zip(beliefs, members, strict=True)]
        try:
            outcomes = await self._lookups.nodes.ask(beliefs[0].node, questions)
        except StoreUnavailable as exc:
            return [StoreUnavailable(str(exc)) for _ in beliefs]
        return [outcome for (outcome,) in outcomes]

    def _after(self, belief: Belief, outcome: Outcome) -> _State:
        if isinstance(outcome, Stale):
            return self._lookups.corrected(belief, outcome)
        if isinstance(outcome, StoreUnavailable):
            self._lookups.unanswered(belief)
        return outcome


def _require_some(answers: Iterable[Answer]) -> None:
    failed = None
    for answer in answers:
        if isinstance(answer, Membership):
            return
        if isinstance(answer, StoreUnavailable):
            failed = answer
    if failed is not None:
        raise StoreUnavailable(str(failed))
