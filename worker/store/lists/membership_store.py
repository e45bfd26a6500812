"""The lists of a segment: reading, editing and deleting them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from worker.batches import batches
from worker.store.errors import ListUnknown, StoreError, StoreUnavailable
from worker.store.keyspace import ListRef
from worker.store.lists.lookups import (
    Belief,
    Membership,
    lookup_commands,
    read_outcomes,
    unsettled_list,
)
from worker.store.lists.revisions import Revision, outgrows
from worker.store.lists.scripts import deleted, incomplete, require_ok, run
from worker.store.members import hash_member, pack_key
from worker.store.server.connections import Node, driver_errors, node_address
from worker.store.server.database import Database
from worker.store.server.scripts import Argument

EditOp = Literal["i+", "i-", "e+", "e-", "i?", "e?"]

#: Ops that can be one step, visible at once: 3 to 7 ms of server time.
OPS_PER_CALL: Final = 1_000
#: Ops in one step of edits that need not be one: 0.3 to 1.2 ms of server time.
_OPS_PER_STEP: Final = 100
#: Tries of a look-up: the live revision may change in between.
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one list, or a condition for the other edits of its step."""

    op: EditOp
    """Included or excluded, and add, remove, or ``?``: refuse all if the key is there."""
    key: str


@dataclass(frozen=True, slots=True)
class ListState:
    """What a list record holds."""

    live: Revision
    included_count: int
    excluded_count: int
    version: int
    modified_ms: int
    building: str | None
    """Id of the import that holds the list; ``None`` during a re-shard."""
    unapproved: bool = False
    """Whether that import waits for an approval, or will once it is built: then another
    may supersede it."""


class MembershipStore:
    """Reads, edits and deletes lists.

    Every change is one script on one node: a reader sees all of it or nothing. All methods may
    raise ``StoreUnavailable``, and are safe to retry.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(self, ref: ListRef) -> None:
        """Create the empty lists of a new generation. Safe to retry."""
        run(self._db, ref, "list/create", [self._db.random_name()])

    def state(self, ref: ListRef) -> ListState:
        """Read a list record. Cost: one round trip.

        Raises:
            SegmentNotFound: the list was deleted.
            ListUnknown: there is no record: the server has lost it.
        """
        return self.states([ref])[0]

    def states(self, refs: Sequence[ListRef]) -> list[ListState]:
        """Read many list records in one round trip; see :meth:`state`."""
        counts = ("included", "excluded", "version", "modified")
        fields = ("live", *counts, "building", "builder", "approval", "deleted")
        with driver_errors("read list records"):
            pipeline = self._db.client.pipeline(transaction=False)
            for ref in refs:
                pipeline.hmget(self._db.keys.list_record(ref), *fields)
            replies = pipeline.execute()
        return [_parse_state(ref, reply) for ref, reply in zip(refs, replies, strict=True)]

    def edit(
        self, ref: ListRef, edits: Iterable[Edit], *, ops_per_step: int = _OPS_PER_STEP
    ) -> bool:
        """Apply edits in order, in steps; each step is visible at once.

        Applying the same edits again changes nothing more. While an import is building,
        edits also go to its journal and win over its file. A condition applies to the step
        that it is part of; steps before one that is refused stay applied.

        Args:
            ref: The list.
            edits: What to change.
            ops_per_step: Edits in one step; ``OPS_PER_CALL`` at most.

        Returns:
            Whether a list has outgrown its shards and should be re-sharded.

        Raises:
            SegmentNotFound: the list was deleted.
            KeyInOtherList: a condition does not hold; nothing of this step was applied.
            ListUnknown: a shard is missing; nothing of this step was applied.
            OutOfMemory: the server is full; nothing of this step was applied.
        """
        first, outgrown = "1", False
        for ops in batches(edits, ops_per_step):
            flat: list[Argument] = [first]
            for op in ops:
                flat += _encode_edit(op)
            live, included, excluded = require_ok(ref, run(self._db, ref, "list/edit", flat))
            first, outgrown = "0", outgrows(Revision.parse(live), included, excluded)
        return outgrown

    def look_up(self, ref: ListRef, keys: Sequence[str]) -> list[Membership]:
        """Look up many keys as of one moment; for tools, tests and workers.

        Raises:
            ListUnknown: a shard is missing.
            SegmentNotFound: the list was deleted.
            StoreUnavailable: no answer, or the list changed during every try.
        """
        members = [pack_key(key) for key in keys]
        belief = self.believe(ref)
        for _ in range(_TRIES):
            outcomes = read_outcomes(belief, self._ask(belief, members))
            answers = [outcome for outcome in outcomes if isinstance(outcome, Membership)]
            if len(answers) == len(outcomes):
                return answers
            fault = next(outcome for outcome in outcomes if not isinstance(outcome, Membership))
            if isinstance(fault, StoreError):
                raise fault
            belief = self.believe(ref) if fault.live is None else belief.after(fault.live)
        raise unsettled_list(ref)

    def believe(self, ref: ListRef) -> Belief:
        """Read which revision is live, for look-ups; raises as :meth:`state`."""
        live, record = self.state(ref).live, self._db.keys.list_record(ref)
        # Determined afterwards: reading may have detected that the list has moved.
        return Belief(ref, live, record, node_address(self._db.client, record))

    def believe_many(self, refs: Sequence[ListRef]) -> dict[ListRef, Belief | StoreError]:
        """Read which revision of each list is live, or why that is unknown.

        Cost: one round trip to each node. A node that is down does not affect the others.

        Returns:
            ``ListUnknown`` for a list that is deleted or lost, ``StoreUnavailable`` for one
            whose node did not answer.
        """
        nodes: dict[Node, list[ListRef]] = {}
        learned: dict[ListRef, Belief | StoreError] = {}
        for ref in refs:
            try:
                node = node_address(self._db.client, self._db.keys.list_record(ref))
            except StoreUnavailable as exc:
                learned[ref] = exc
            else:
                nodes.setdefault(node, []).append(ref)
        for group in nodes.values():
            try:
                learned |= self._believe_on_node(group)
            except StoreUnavailable as exc:
                learned |= dict.fromkeys(group, exc)
        return learned

    def _believe_on_node(self, refs: Sequence[ListRef]) -> dict[ListRef, Belief | StoreError]:
        records = [self._db.keys.list_record(ref) for ref in refs]
        with driver_errors("read which revisions are live"):
            pipeline = self._db.client.pipeline(transaction=False)
            for record in records:
                pipeline.hget(record, "live")
            replies = pipeline.execute()
        learned: dict[ListRef, Belief | StoreError] = {}
        for ref, record, live in zip(refs, records, replies, strict=True):
            if live is None:
                message = f"list {ref.name} is deleted, or lost and to be restored"
                learned[ref] = ListUnknown(message)
            else:
                node = node_address(self._db.client, record)
                learned[ref] = Belief(ref, Revision.parse(live), record, node)
        return learned

    def _ask(self, belief: Belief, members: Sequence[bytes]) -> Sequence[Any]:
        # One transaction, so that all answers are of one moment.
        pipeline = self._db.client.pipeline(transaction=True)
        for command in lookup_commands(self._db.keys, belief, members):
            pipeline.execute_command(*command)
        with driver_errors(f"look up in {belief.ref.name}"):
            replies: Sequence[Any] = pipeline.execute()
        return replies

    def delete(self, ref: ListRef) -> str | None:
        """Hide a list at once and leave its shards for reclaim. Safe to retry.

        Returns:
            The id of the import that was building.
        """
        self.watch(ref)
        building = run(self._db, ref, "list/delete").decode()
        # Reclaiming may have stopped watching the list just before it was deleted.
        self.watch(ref)
        return building or None

    def watch(self, ref: ListRef) -> None:
        """Note that a list will have something to reclaim; call it before what causes that."""
        reclaimable = self._db.keys.reclaimable_lists(ref.env)
        self._db.run(f"watch list {ref.name}", "segment/watch", [reclaimable], [ref.name])


def _encode_edit(edit: Edit) -> tuple[str, int, bytes]:
    member = pack_key(edit.key)
    return edit.op, hash_member(member) >> 32, member


def _parse_state(ref: ListRef, reply: Sequence[bytes | None]) -> ListState:
    live, included, excluded, version, modified, building, builder, approval, is_deleted = reply
    if live is None:
        raise deleted(ref) if is_deleted else incomplete(ref)
    return ListState(
        live=Revision.parse(live),
        included_count=int(included or 0),
        excluded_count=int(excluded or 0),
        version=int(version or 0),
        modified_ms=int(modified or 0),
        building=None if building is None or builder == b"reshard" else building.decode(),
        unapproved=approval in {b"awaited", b"never"},
    )
