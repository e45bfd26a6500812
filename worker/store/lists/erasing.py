"""Erases one member from all that a list has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.store.keyspace import ListRef
from worker.store.lists.scripts import run
from worker.store.members import hash_member, pack_key
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: Entries of up to 50 changes each that are read in one call.
_ENTRIES_PER_CALL: Final = 100


@dataclass(frozen=True, slots=True)
class MemberErased:
    """From what one erasure has removed a member, in all of its steps."""

    included: int = 0
    """How often from the included members that readers see; an edit may have brought it back."""
    excluded: int = 0
    revisions: int = 0
    """Earlier revisions that had it."""
    schedules: int = 0

    @property
    def touched(self) -> bool:
        """Whether the list had it anywhere."""
        return bool(self.included or self.excluded or self.revisions or self.schedules)


def erase_member(database: Database, ref: ListRef, erasure_id: str, key: str) -> MemberErased:
    """Remove a key from both lists of every revision of a list, and its schedules, in one step.

    A revision that an import builds loses it by the journal, when the edits of the time are
    replayed onto it. Safe to repeat: the figures stay those of the first time, until
    :func:`forget_erasure`. A list that is gone has nothing. Cost: one round trip.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    member = pack_key(key)
    reply = run(database, ref, "list/erase", [erasure_id, hash_member(member) >> 32, member])
    return MemberErased(*reply)


def drop_changes_of(database: Database, ref: ListRef, key: str) -> bool:
    """Give up the snapshots of a list whose changes have a key: who reads one stops.

    Call it once the list has been erased from: then only an edit can bring the key back. Safe to
    repeat. Cost: one round trip; while there is a snapshot, one for each 100 requests that have
    edited the list since.

    Returns:
        Whether there were such changes.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    member, after = pack_key(key), "-"
    while True:
        verdict, *last = run(database, ref, "list/drop_changes", [after, _ENTRIES_PER_CALL, member])
        if verdict == b"dropped":
            return True
        if not last[0]:
            return False
        after = f"({last[0].decode()}"


def forget_erasure(database: Database, refs: Sequence[ListRef], erasure_id: str) -> None:
    """Drop the figures of an erasure that has ended. Idempotent. Cost: one round trip for all."""
    with driver_errors(f"end erasure {erasure_id}"):
        pipeline = database.client.pipeline(transaction=False)
        for ref in refs:
            pipeline.hdel(database.keys.list_record(ref), f"erased:{erasure_id}")
        pipeline.execute()
