"""The lists themselves: who is included and who is excluded, and how that changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from worker.store.batches import batches
from worker.store.errors import (
    Fenced,
    ImportInProgress,
    KeyInOtherList,
    ListUnknown,
    SegmentNotFound,
    Superseded,
    Unapproved,
    Unsealed,
)
from worker.store.jobs.records import PreviousImport
from worker.store.keyspace import EXCLUDED, INCLUDED, ListRef, Side
from worker.store.lists.revisions import Revision, outgrows
from worker.store.lists.schedule_walk import prune_schedules
from worker.store.members import SENTINEL, hash_member, pack_key, shard_index
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.server.scripts import Argument, ScriptName

EditOp = Literal["i+", "i-", "e+", "e-", "i?", "e?"]

#: Ops in one call of the edit script: about 2 ms of the server's time.
OPS_PER_CALL: Final = 1_000
#: Ids of the store's own rebuilds begin so; they give way to imports.
RESHARD_PREFIX: Final = "reshard-"
_COUNT_STEP: Final = 4_096


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one list, or one condition for the changes beside it."""

    op: EditOp
    """Included or excluded, and add, remove, or ``?``: refuse all if the key is there."""
    key: str


@dataclass(frozen=True, slots=True)
class Membership:
    """The answer for one context key; the two are independent."""

    included: bool
    excluded: bool


@dataclass(frozen=True, slots=True)
class ListState:
    """What the list record says."""

    live: Revision
    included_count: int
    excluded_count: int
    version: int
    modified_ms: int
    building: str | None
    """Id of the import that holds the list; the store's own rebuilds are not shown."""
    unapproved: bool = False
    """Whether that import waits for an approval, or will once it is built: then another may
    take its place."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An import's place in the segment's history."""

    target: str
    """Name of the revision that the import builds."""
    base: Revision
    included_count: int
    excluded_count: int
    superseded: str | None = None
    """Id of what gave way: a rebuild of the store's own, or an import that waits."""
    previous: PreviousImport | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A build whose shards nobody writes any more."""

    number: int
    """Counts under it hold until the build is opened again; :meth:`publish` asks for it."""
    counts: tuple[int, int] | None
    """Set once edits are being replayed: counting the shards again would count those too."""


@dataclass(frozen=True, slots=True)
class Published:
    """A list at the moment a revision became live."""

    included_count: int
    excluded_count: int
    edited_included: int
    """How edits made while it was built changed the included count."""
    edited_excluded: int
    version: int


class MembershipStore:
    """Reads and edits lists, and lets one import at a time replace one.

    Every change is one script on one node: a reader sees all of it or nothing.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(self, ref: ListRef) -> None:
        """Make the empty lists of a new generation. Safe to retry."""
        self._run("create_list", ref, [self._db.random_name()])

    def state(self, ref: ListRef) -> ListState:
        """Read a list record. Cost: one round trip.

        Raises:
            SegmentNotFound: the list was deleted.
            ListUnknown: there is no record: the server has lost it.
            StoreUnavailable: no answer. Safe to retry.
        """
        return self.states([ref])[0]

    def states(self, refs: Sequence[ListRef]) -> list[ListState]:
        """Read many list records in one round trip; see :meth:`state`."""
        counts = ("included", "excluded", "version", "modified")
        fields = ("live", *counts, "building", "approval", "deleted")
        with driver_errors("read list records"):
            pipeline = self._db.client.pipeline(transaction=False)
            for ref in refs:
                pipeline.hmget(self._db.keys.list_record(ref), *fields)
            replies = pipeline.execute()
        return [_state(ref, reply) for ref, reply in zip(refs, replies, strict=True)]

    def live_revisions(self, refs: Sequence[ListRef]) -> list[Revision | None]:
        """Read which revisions are live; ``None`` for a list that is deleted or lost.

        Cost: one round trip, to each node of a cluster.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        with driver_errors("read which revisions are live"):
            pipeline = self._db.client.pipeline(transaction=False)
            for ref in refs:
                pipeline.hget(self._db.keys.list_record(ref), "live")
            replies = pipeline.execute()
        return [None if live is None else Revision.parse(live) for live in replies]

    def edit(self, ref: ListRef, edits: Iterable[Edit]) -> bool:
        """Apply edits in order; each call of 1,000 is one step, visible at once.

        Applying the same edits again changes nothing more. While an import is building,
        edits also go to its journal and win over its file. A condition holds for the call
        that it is part of, so it stands beside what depends on it; calls before one that is
        refused stay applied.

        Returns:
            Whether a list has outgrown its shards and should be re-sharded.

        Raises:
            SegmentNotFound: the list was deleted.
            KeyInOtherList: a condition does not hold; nothing of this call was applied.
            ListUnknown: a shard is missing; nothing of this call was applied.
            OutOfMemory: the server is full; nothing of this call was applied.
            StoreUnavailable: no answer. Safe to retry.
        """
        first, outgrown = "1", False
        for ops in batches(edits, OPS_PER_CALL):
            flat: list[Argument] = [first]
            for op in ops:
                flat += _op(op)
            reply = self._run("edit", ref, flat)
            _accepted(ref, reply)
            first, outgrown = "0", outgrows(Revision.parse(reply[1]), reply[2], reply[3])
        return outgrown

    def look_up(self, ref: ListRef, keys: Sequence[str]) -> list[Membership]:
        """Answer for many keys as of one moment; for tools, tests and workers.

        Raises:
            ListUnknown: a shard is missing, or the list changes under every try.
            SegmentNotFound: the list was deleted.
            StoreUnavailable: no answer. Safe to retry.
        """
        believed = self.state(ref).live
        for _ in range(3):
            answers, seen = self._ask(ref, believed, keys)
            if seen == believed and answers is not None:
                return answers
            if seen == believed:
                break
            believed = seen
        message = f"list {ref.name} is not whole on the server; import it again or restore it"
        raise ListUnknown(message)

    def _ask(
        self, ref: ListRef, believed: Revision, keys: Sequence[str]
    ) -> tuple[list[Membership] | None, Revision]:
        pipeline = self._db.client.pipeline(transaction=True)
        for key in keys:
            member = pack_key(key)
            for side in (INCLUDED, EXCLUDED):
                index = shard_index(hash_member(member), believed.bits(side))
                shard = self._db.keys.shard(ref, believed.name, side, index)
                pipeline.smismember(shard, [SENTINEL, member])
        pipeline.hget(self._db.keys.list_record(ref), "live")
        with driver_errors(f"look up in {ref.name}"):
            *replies, live = pipeline.execute()
        if live is None:
            return None, self.state(ref).live
        if not all(sentinel for sentinel, _ in replies):
            return None, Revision.parse(live)
        found = [bool(member) for _, member in replies]
        answers = [Membership(*pair) for pair in zip(found[::2], found[1::2], strict=True)]
        return answers, Revision.parse(live)

    def published(self, ref: ListRef, import_id: str) -> Published | None:
        """Tell whether this import's revision became live in the last two days, and how.

        The list record is the arbiter: an import that it names is complete, whatever
        happened to the worker that published it, and whatever was published since.
        Cost: one round trip.
        """
        with driver_errors(f"read list {ref.name}"):
            figures = self._db.client.hget(self._db.keys.list_record(ref), f"published:{import_id}")
        return None if figures is None else Published(*map(int, figures.split()[1:]))

    def claim(
        self, ref: ListRef, import_id: str, *, waits: bool = False, supersedes: bool = False
    ) -> Claim:
        """Take the import's place in the segment's history. Safe to retry.

        Edits acknowledged before are part of what it replaces; later ones win over it.

        Args:
            ref: The list.
            import_id: The import.
            waits: Whether it is published only after an approval.
            supersedes: Whether it takes the place of an import that waits unapproved.

        Raises:
            ImportInProgress: another import holds the list.
            Superseded: this import has given way to another one.
            SegmentNotFound: the list was deleted.
            ListUnknown: the server has lost the record.
            StoreUnavailable: no answer.
        """
        args: list[Argument] = [import_id, self._db.random_name()[:8], int(waits), int(supersedes)]
        reply = self._run("claim", ref, args)
        while reply[0] == b"prune":
            prune_schedules(self._db, ref)
            reply = self._run("claim", ref, args)
        _accepted(ref, reply)
        # Reclaiming may have struck the list off just before it was claimed.
        self.watch(ref)
        return Claim(
            target=reply[1].decode(),
            base=Revision.parse(reply[2]),
            included_count=reply[3],
            excluded_count=reply[4],
            superseded=reply[5].decode() or None,
            previous=_previous(reply[6].decode(), reply[7]),
        )

    def prepare(
        self, ref: ListRef, import_id: str, included_bits: int, excluded_bits: int
    ) -> Revision:
        """Fix how many shards the new revision has; the first call decides.

        The excluded list never gets fewer shards than the live one has.

        Raises:
            Fenced: the import no longer holds the list.
            StoreUnavailable: no answer. Safe to retry.
        """
        return Revision.parse(self._run("prepare", ref, [import_id, included_bits, excluded_bits]))

    def target(self, ref: ListRef, import_id: str) -> Revision:
        """Read what :meth:`prepare` fixed.

        Raises:
            Fenced: the import no longer holds the list, or its size was never fixed.
            StoreUnavailable: no answer. Safe to retry.
        """
        return Revision.parse(self._run("prepare", ref, [import_id]))

    def seal(self, ref: ListRef, import_id: str) -> Sealed:
        """End all writing of shards, so that they can be counted. Safe to retry.

        Raises:
            Fenced: the import no longer holds the list.
            StoreUnavailable: no answer. Safe to retry.
        """
        number, *counts = self._run("seal", ref, [import_id, "publish"])
        return Sealed(number, (counts[0], counts[1]) if counts else None)

    def unseal(self, ref: ListRef, import_id: str) -> None:
        """Open a sealed build again, to write some shards anew.

        Raises:
            Fenced: the import no longer holds the list, or is being published.
        """
        self._run("seal", ref, [import_id, "gather"])

    def count(self, ref: ListRef, revision: Revision, side: Side, first: int, stop: int) -> int:
        """Count the members of shards ``first`` to ``stop`` (exclusive).

        Cost: one round trip and about 1 ms of the server a 4,096 shards.

        Raises:
            ListUnknown: a shard is missing.
            StoreUnavailable: no answer. Safe to retry.
        """
        members = 0
        for start in range(first, stop, _COUNT_STEP):
            last = min(start + _COUNT_STEP, stop) - 1
            found, missing = self._run(
                "count_shards", ref, [revision.name, side, start, last], journal=False
            )
            if missing:
                message = f"{missing} shards of {ref.name} {revision.name} are missing"
                raise ListUnknown(message)
            members += found
        return members

    def publish(
        self,
        ref: ListRef,
        import_id: str,
        *,
        counts: tuple[int, int],
        retire_after_ms: int,
        seal: int,
    ) -> Published | None:
        """Replay some journalled edits; make the revision live when none is left.

        Args:
            ref: The list.
            import_id: The import that built the revision.
            counts: Included and excluded members counted after :meth:`seal`; those of the
                first call hold.
            retire_after_ms: How long readers may still believe in the old revision.
            seal: Number of the seal under which was counted.

        Returns:
            The list at the flip, the same on every later call; ``None`` while edits are
            left to replay: call again.

        Raises:
            Fenced: the import no longer holds the list.
            Unapproved: nobody has approved it.
            Unsealed: the build was opened since it was counted. Seal and count again.
            StoreUnavailable: no answer. Safe to retry.
        """
        reply = self._run("publish", ref, [import_id, *counts, retire_after_ms, seal])
        match reply[0]:
            case b"more":
                return None
            case b"lost":
                raise _lost(ref, import_id)
            case b"waits":
                message = f"import {import_id} waits for its approval"
                raise Unapproved(message)
            case b"unsealed":
                message = f"the build of import {import_id} was opened again; seal and count again"
                raise Unsealed(message)
            case _:
                return Published(*reply[1:])

    def cancel(self, ref: ListRef, import_id: str, *, unapproved: bool = False) -> bool:
        """End a build without publishing it. Safe to retry.

        Args:
            ref: The list.
            import_id: The import.
            unapproved: Do it only if nobody has approved the import.

        Returns:
            Whether nothing was cancelled, because the import has been published, or
            approved, before.
        """
        return self._run("cancel", ref, [import_id, int(unapproved)]) in (b"done", b"approved")

    def delete(self, ref: ListRef) -> str | None:
        """Hide a list at once and leave its shards for reclaim. Safe to retry.

        Returns:
            The id of the import that was building.
        """
        self.watch(ref)
        building = self._run("delete_list", ref, []).decode()
        return building if building and not building.startswith(RESHARD_PREFIX) else None

    def watch(self, ref: ListRef) -> None:
        """Note that a list will have something to reclaim; comes before what causes it."""
        reclaimable = self._db.keys.reclaimable_lists(ref.scope)
        self._db.run(f"watch list {ref.name}", "segment_watch", [reclaimable], [ref.name])

    def _run(
        self, name: ScriptName, ref: ListRef, args: Sequence[Argument], *, journal: bool = True
    ) -> Any:  # noqa: ANN401 - see the script
        keys = [self._db.keys.list_record(ref)]
        if journal:
            keys.append(self._db.keys.edits(ref))
        return self._db.run(f"{name} {ref.name}", name, keys, args)


def _op(edit: Edit) -> tuple[str, int, bytes]:
    member = pack_key(edit.key)
    return edit.op, hash_member(member) >> 32, member


def _state(ref: ListRef, reply: Sequence[bytes | None]) -> ListState:
    live, included, excluded, version, modified, building, approval, deleted = reply
    if live is None:
        raise _gone(ref) if deleted else _unknown(ref)
    shown = None if building is None else building.decode()
    return ListState(
        live=Revision.parse(live),
        included_count=int(included or 0),
        excluded_count=int(excluded or 0),
        version=int(version or 0),
        modified_ms=int(modified or 0),
        building=None if shown is None or shown.startswith(RESHARD_PREFIX) else shown,
        unapproved=approval == b"awaited",
    )


def _previous(text: str, version: int) -> PreviousImport | None:
    if not text:
        return None
    import_id, published_ms, its_version = text.split()
    return PreviousImport(import_id, int(published_ms), version - int(its_version))


def _accepted(ref: ListRef, reply: Sequence[Any]) -> None:
    match reply[0]:
        case b"ok":
            return
        case b"busy":
            message = f"segment {ref.segment} has an import running: {reply[1].decode()}"
            raise ImportInProgress(message)
        case b"superseded":
            raise Superseded(f"superseded by import {reply[1].decode()}")
        case b"deleted":
            raise _gone(ref)
        case b"clash":
            message = f"a key is in the other list of segment {ref.segment}; remove it there first"
            raise KeyInOtherList(message)
        case _:
            raise _unknown(ref)


def _gone(ref: ListRef) -> SegmentNotFound:
    return SegmentNotFound(f"segment {ref.segment} (generation {ref.generation}) was deleted")


def _unknown(ref: ListRef) -> ListUnknown:
    message = f"list {ref.name} is not whole on the server; import it again or restore it"
    return ListUnknown(message)


def _lost(ref: ListRef, import_id: str) -> Fenced:
    return Fenced(f"import {import_id} no longer holds list {ref.name}")
