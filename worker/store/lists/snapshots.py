"""Snapshots: lists that are read as they were at one moment, while edits go on.

A snapshot pins the live revision, so that its shards stay, and from then on the scripts that edit
the list keep what they change. What was read is then put back to the moment by the first change of
each member: one that was added was no member, one that was removed was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from worker.store.errors import SnapshotLost
from worker.store.keyspace import INCLUDED, ListRef, Side
from worker.store.lists.revisions import Revision
from worker.store.lists.scripts import require_ok, run
from worker.store.server.database import Database
from worker.store.server.scripts import Argument

#: Entries of up to 50 changes each that are read in one call.
_ENTRIES_PER_CALL: Final = 100


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A list at one moment."""

    revision: Revision
    since: str
    """Where in the stream of changes the moment is."""
    taken_ms: int
    """The moment, Unix ms by the server's clock."""
    included_count: int
    excluded_count: int

    def count(self, side: Side) -> int:
        """Members of one of the two lists at the moment."""
        return self.included_count if side == INCLUDED else self.excluded_count


def take_snapshot(database: Database, ref: ListRef, holder: str, ttl_ms: int) -> Snapshot:
    """Take a snapshot for one holder, or renew the one that it has.

    It ends by itself, so a holder that died keeps no memory, and it ends with the list. Edits of
    the list cost a command more meanwhile. Safe to retry.

    Raises:
        SegmentNotFound: the list was deleted.
        ListUnknown: the server has lost the record.
    """
    revision, since, *figures = require_ok(
        ref, run(database, ref, "list/snapshot", [holder, ttl_ms])
    )
    return Snapshot(Revision.parse(revision), since.decode(), *figures)


def release_snapshot(database: Database, ref: ListRef, holder: str) -> None:
    """Give up a snapshot and its pin; idempotent."""
    run(database, ref, "list/release_snapshot", [holder])


def states_at(
    database: Database,
    ref: ListRef,
    revision: Revision,
    since: str,
    side: Side,
    low32: int,
    high32: int,
) -> dict[bytes, bool]:
    """Whether each member that has changed since was in a list at the moment of the snapshot.

    To be asked after the shards were read: then every change that they may hold is among these.

    Cost: one round trip for each 100 requests that edited the list since, at least one.

    Args:
        database: Holds the list.
        ref: The list.
        revision: The one that was pinned.
        since: Where the snapshot's changes begin.
        side: Which of the two lists.
        low32: The 32 high bits of the lowest hash that is asked about.
        high32: The same, after the highest.

    Raises:
        SnapshotLost: the changes are gone: it has ended, or there were too many.
    """
    states: dict[bytes, bool] = {}
    added, removed = (f"{side[0]}{sign}".encode() for sign in "+-")
    for change, member in _changes(database, ref, revision, since):
        op, hash32 = change[:2], int(change[2:])
        if low32 <= hash32 < high32 and op in {added, removed}:
            states.setdefault(member, op == removed)
    return states


def _changes(
    database: Database, ref: ListRef, revision: Revision, since: str
) -> Iterator[tuple[bytes, bytes]]:
    """The ops that have changed the revision since, with their hashes, and their members."""
    after = since
    while after:
        args: list[Argument] = [since, after, _ENTRIES_PER_CALL, revision.name]
        verdict, *rest = run(database, ref, "list/read_changes", args)
        if verdict != b"ok":
            message = (
                f"the changes of segment {ref.segment} since its snapshot was taken are gone: it "
                "was edited too often, or the snapshot has ended"
            )
            raise SnapshotLost(message)
        after = rest[0].decode()
        yield from zip(rest[1::2], rest[2::2], strict=True)
