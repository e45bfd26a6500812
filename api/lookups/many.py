"""What do many lists say? The look-ups of one evaluation, by the rules of a single one.

Each list is asked on the revision believed live and then which one is live, all in one
pipeline a node; those that say something else are asked once again. Lists not met before
are learnt together, in one round trip more.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from api.lookups.lookups import ASKS, Lookups, address_of, changes_too_fast
from api.lookups.protocol import Address, Belief, Outcome, Stale, commands_of, outcomes_of
from worker.store import (
    ListRef,
    ListUnknown,
    Membership,
    Store,
    StoreError,
    StoreUnavailable,
)
from worker.store.batches import batches
from worker.store.members import pack_key

#: Lists asked before others may ask theirs: about 4 ms of the event loop.
_AT_ONCE: Final = 500

Answer = Membership | StoreError
#: ``None`` is to be learnt, a belief is to be asked; anything else is the answer.
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
            The membership, or why it cannot be told: ``ListUnknown`` for a list that is not
            whole or deleted, ``StoreUnavailable`` for one whose node did not answer.

        Raises:
            StoreUnavailable: the store answered for none of them. Safe to retry.
        """
        members = {key: pack_key(key) for key in set(asked.values())}
        state: dict[ListRef, _State] = {ref: self._lookups.believed(ref) for ref in asked}
        for _ in range(ASKS):
            unknown = [ref for ref, one in state.items() if one is None]
            if unknown:
                state |= await self._learnt(unknown)
            beliefs = [one for one in state.values() if isinstance(one, Belief)]
            if not beliefs:
                break
            state |= await self._asked(beliefs, lambda ref: members[asked[ref]])
        answers = {
            ref: changes_too_fast(ref) if one is None or isinstance(one, Belief) else one
            for ref, one in state.items()
        }
        _require_some(answers.values())
        return answers

    async def _learnt(self, refs: Sequence[ListRef]) -> dict[ListRef, Belief | StoreError]:
        learnt = await asyncio.to_thread(self._read, refs)
        for one in learnt.values():
            if isinstance(one, Belief):
                self._lookups.remember(one)
        return learnt

    def _read(self, refs: Sequence[ListRef]) -> dict[ListRef, Belief | StoreError]:
        """Read list records, each node's by themselves: one that is down is not all."""
        store = self._store()
        nodes: dict[Address, list[ListRef]] = {}
        learnt: dict[ListRef, Belief | StoreError] = {}
        for ref in refs:
            try:
                address = address_of(store, store.keyspace.list_record(ref))
            except StoreUnavailable as exc:
                learnt[ref] = exc
            else:
                nodes.setdefault(address, []).append(ref)
        for node in nodes.values():
            try:
                learnt |= _beliefs(store, node)
            except StoreUnavailable as exc:
                learnt |= dict.fromkeys(node, exc)
        return learnt

    async def _asked(
        self, beliefs: Iterable[Belief], member_of: Callable[[ListRef], bytes]
    ) -> dict[ListRef, _State]:
        nodes: dict[Address, list[Belief]] = {}
        for belief in beliefs:
            nodes.setdefault(belief.address, []).append(belief)
        groups = [group for node in nodes.values() for group in batches(node, _AT_ONCE)]
        sent = []
        for group in groups:
            sent.append(asyncio.create_task(self._ask(group, [member_of(b.ref) for b in group])))
            # No reply is waited for, so it stays one round trip.
            await asyncio.sleep(0)
        found = await asyncio.gather(*sent)
        return {
            belief.ref: self._after(belief, outcome)
            for group, outcomes in zip(groups, found, strict=True)
            for belief, outcome in zip(group, outcomes, strict=True)
        }

    async def _ask(self, beliefs: Sequence[Belief], members: Sequence[bytes]) -> list[Outcome]:
        """Ask some lists of one node."""
        keys = self._lookups.keyspace
        commands = [
            commands_of(keys, belief, [member])
            for belief, member in zip(beliefs, members, strict=True)
        ]
        flat = [one for list_commands in commands for one in list_commands]
        try:
            replies = await self._lookups.request(beliefs[0].address, flat)
        except StoreUnavailable as exc:
            return [StoreUnavailable(str(exc)) for _ in beliefs]
        outcomes: list[Outcome] = []
        start = 0
        for belief, list_commands in zip(beliefs, commands, strict=True):
            end = start + len(list_commands)
            outcomes += outcomes_of(belief, replies[start:end])
            start = end
        return outcomes

    def _after(self, belief: Belief, outcome: Outcome) -> _State:
        if isinstance(outcome, Stale):
            return self._lookups.corrected(belief, outcome)
        if isinstance(outcome, StoreUnavailable):
            self._lookups.unanswered(belief)
        return outcome


def _beliefs(store: Store, refs: Sequence[ListRef]) -> dict[ListRef, Belief | StoreError]:
    found: dict[ListRef, Belief | StoreError] = {}
    for ref, live in zip(refs, store.memberships.live_revisions(refs), strict=True):
        if live is None:
            found[ref] = ListUnknown(f"list {ref.name} is deleted, or lost and to be restored")
        else:
            record = store.keyspace.list_record(ref)
            # Asked for anew: the reading may have found out that the list has moved.
            found[ref] = Belief(ref, live, record, address_of(store, record))
    return found


def _require_some(answers: Iterable[Answer]) -> None:
    failed = None
    for answer in answers:
        if isinstance(answer, Membership):
            return
        if isinstance(answer, StoreUnavailable):
            failed = answer
    if failed is not None:
        raise StoreUnavailable(str(failed))
