"""Kept revisions: replaced ones, which can be published again, and the live one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.store.errors import EditsSince, ListUnknown, RevisionDamaged, RevisionNotFound
from worker.store.keyspace import EXCLUDED, INCLUDED, ListRef, Side
from worker.store.lists.builds import BuildStore
from worker.store.lists.membership_store import MembershipStore
from worker.store.lists.revisions import Revision
from worker.store.lists.schedules import prune_schedules
from worker.store.lists.scripts import deleted, incomplete, require_ok, run
from worker.store.lists.shard_sizes import shards_bytes
from worker.store.members import SENTINEL
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

_RETIRED: Final = "retired:"
#: Shards of a side that are read to estimate the size of its members.
_SAMPLED_SHARDS: Final = 16
#: Words of a replaced revision that can be published again; a re-sharded one has four.
_WORDS: Final = 12


@dataclass(frozen=True, slots=True)
class KeptRevision:
    """A revision that is live, or can be made live again."""

    revision: Revision
    published_ms: int
    """When it became live last."""
    replaced_ms: int | None
    """``None`` for the live one."""
    included_count: int
    excluded_count: int
    edits: int
    """Requests that edited it while it was live last, and removals of expired members."""
    import_id: str | None
    """The import that made it; ``None`` for the list as it was created and edited."""

    @property
    def number(self) -> int:
        """What callers name it by."""
        return self.revision.number


class KeptRevisions:
    """Lists the revisions of a list, and publishes one again.

    A revision that was replaced is never written again, so it is published by one flip, which
    look-ups notice as they notice an import's. Every method may raise ``StoreUnavailable``.
    """

    def __init__(self, database: Database, lists: MembershipStore, builds: BuildStore) -> None:
        self._db = database
        self._lists = lists
        self._builds = builds

    def find_all(self, ref: ListRef) -> list[KeptRevision]:
        """The live revision, then the others, the last one replaced first.

        Cost: one round trip.

        Raises:
            SegmentNotFound: the list was deleted.
            ListUnknown: the server has lost its record.
        """
        with driver_errors(f"read list {ref.name}"):
            record = self._db.client.hgetall(self._db.keys.list_record(ref))
        fields = {name.decode(): value.decode() for name, value in record.items()}
        if "live" not in fields:
            raise deleted(ref) if "deleted" in fields else incomplete(ref)
        replaced = [
            _parse_replaced(text.split(" "))
            for name, text in fields.items()
            if name.startswith(_RETIRED) and is_restorable(text)
        ]
        replaced.sort(key=lambda kept: (kept.replaced_ms or 0, kept.number), reverse=True)
        return [_parse_live(fields), *replaced]

    def size_bytes(self, ref: ListRef, kept: KeptRevision) -> int | None:
        """Estimate the memory that a revision takes, from the members of some of its shards.

        Within a tenth of what the server says, for a server that keeps shards as listpacks.
        Cost: two round trips, of at most 32 shards.

        Returns:
            ``None`` if shards of it are missing.
        """
        sides = ((INCLUDED, kept.included_count), (EXCLUDED, kept.excluded_count))
        try:
            return sum(self._side_bytes(ref, kept.revision, side, count) for side, count in sides)
        except ListUnknown:
            return None

    def publish(self, ref: ListRef, number: int, *, force: bool = False) -> bool:
        """Make a kept revision live again; the one that is live now is kept. Safe to retry.

        Every shard of it is counted first. Edits made since the live revision became live stay
        in that one. A re-shard that is running is ended. A member that has expired since, or
        whose schedule was removed, comes back without one.

        Cost: 1.5 to 2 µs of server time a shard, which is 20 to 40 ms per million members.

        Args:
            ref: The list.
            number: Of the revision.
            force: Whether it is published although the live one was edited.

        Returns:
            Whether it was not live before.

        Raises:
            RevisionNotFound: none of this number is kept.
            RevisionDamaged: part of it is missing from the server.
            EditsSince: the live one was edited, and ``force`` is not set.
            ImportInProgress: an import holds the list, perhaps one that waits for an approval.
            SegmentNotFound: the list was deleted.
            ListUnknown: the server has lost the record.
        """
        kept = next((each for each in self.find_all(ref) if each.number == number), None)
        if kept is None:
            raise _not_kept(number)
        if kept.replaced_ms is None:
            return False
        counts = self._count(ref, kept)
        args = (kept.revision.name, *counts, int(force))
        reply = run(self._db, ref, "list/roll_back", args)
        while reply[0] == b"prune":
            prune_schedules(self._db, ref)
            reply = run(self._db, ref, "list/roll_back", args)
        match reply[0]:
            case b"live":
                return False
            case b"gone":
                raise _not_kept(number)
            case b"damaged":
                if tuple(reply[1:]) != (kept.included_count, kept.excluded_count):
                    # A key was erased from it since it was counted.
                    return self.publish(ref, number, force=force)
                raise _damaged(kept)
            case b"edited":
                raise _edited(number, reply[1])
        require_ok(ref, reply)
        # Reclaiming may have stopped watching the list just before.
        self._lists.watch(ref)
        return True

    def _count(self, ref: ListRef, kept: KeptRevision) -> tuple[int, int]:
        revision = kept.revision
        try:
            included, excluded = (
                self._builds.count(ref, revision, side, 0, revision.shard_count(side))
                for side in (INCLUDED, EXCLUDED)
            )
        except ListUnknown:
            if all(each.number != kept.number for each in self.find_all(ref)):
                raise _not_kept(kept.number) from None  # it was freed meanwhile
            raise _damaged(kept) from None
        return included, excluded

    def _side_bytes(self, ref: ListRef, revision: Revision, side: Side, count: int) -> int:
        shards = revision.shard_count(side)
        with driver_errors(f"read shards of {ref.name}"):
            pipeline = self._db.client.pipeline(transaction=False)
            for index in range(min(shards, _SAMPLED_SHARDS)):
                pipeline.smembers(self._db.keys.shard(ref, revision.name, side, index))
            replies = pipeline.execute()
        if not all(replies):
            raise incomplete(ref)
        sizes = [len(member) for reply in replies for member in reply if member != SENTINEL]
        packed = sum(sizes) * count // len(sizes) if sizes else 0
        return shards_bytes(shards, count, packed)


def is_restorable(text: str) -> bool:
    """Whether the text of a replaced revision is of one that can be published again."""
    return text.count(" ") + 1 == _WORDS


def replaced_ms_of(text: str) -> int:
    """When a revision that can be published again was replaced."""
    return int(text.split(" ")[4])


def _parse_replaced(words: list[str]) -> KeptRevision:
    return KeptRevision(
        revision=Revision.parse(" ".join(words[:3])),
        published_ms=int(words[5]),
        replaced_ms=int(words[4]),
        included_count=int(words[6]),
        excluded_count=int(words[7]),
        edits=int(words[8]),
        import_id=None if words[9] == "-" else words[9],
    )


def _parse_live(fields: Mapping[str, str]) -> KeptRevision:
    since_ms, since_version = fields.get("since", "0 1").split(" ")
    import_id = fields.get("last_import", "").partition(" ")[0]
    return KeptRevision(
        revision=Revision.parse(fields["live"]),
        published_ms=int(since_ms),
        replaced_ms=None,
        included_count=int(fields["included"]),
        excluded_count=int(fields["excluded"]),
        edits=int(fields["version"]) - int(since_version),
        import_id=import_id or None,
    )


def _not_kept(number: int) -> RevisionNotFound:
    return RevisionNotFound(f"there is no revision {number} that could be published")


def _damaged(kept: KeptRevision) -> RevisionDamaged:
    members = kept.included_count + kept.excluded_count
    return RevisionDamaged(
        f"the store has lost part of revision {kept.number}, which had {members:,} members; it "
        "cannot be published: import the list again"
    )


def _edited(number: int, edits: int) -> EditsSince:
    return EditsSince(
        f"the live revision was changed by {edits:,} edit{'s' * (edits != 1)} since it became "
        f"live, which revision {number} does not have; to publish it anyway, send force=true "
        "(bigseg revisions publish --force)"
    )
