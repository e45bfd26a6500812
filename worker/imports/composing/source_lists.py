"""Reads the source lists of a composition, each as it was when it was pinned."""

import pyarrow as pa

from worker.imports.building.revision_members import read_members
from worker.store import Store
from worker.store.jobs import PinnedList
from worker.store.lists import Revision, states_at
from worker.store.members import (
    Members,
    entries_of,
    hash_members,
    join_members,
    no_members,
    subtract,
)
from worker.store.workflows import naming_deleted


def read_source(store: Store, source: PinnedList, low: int, high: int) -> Members:
    """Read the members that a source had when it was pinned, with hashes in ``[low, high)``.

    Args:
        store: Holds the list.
        source: The list.
        low: The lowest hash, a multiple of 2^32 as ``high`` is.
        high: After the highest.

    Returns:
        Each member once, in any order.

    Raises:
        ListUnknown: a shard is missing.
        SnapshotLost: what has changed it since is gone, or the list was deleted.
    """
    revision, database = Revision.parse(source.revision), store.database
    with naming_deleted(store, source):
        shards = read_members(database, source.ref, revision, source.side, low, high)
        # After the shards were read: every edit that may show in them is among these.
        states = states_at(
            database, source.ref, revision, source.since, source.side, low >> 32, high >> 32
        )
    return _put_back(shards, states)


def _put_back(members: Members, states: dict[bytes, bool]) -> Members:
    """The members as they were before these were added or removed."""
    if not states:
        return members
    present = _members_of([member for member, was_there in states.items() if was_there])
    left = subtract(members, _members_of(list(states)))
    return join_members([left, present])


def _members_of(packed: list[bytes]) -> Members:
    if not packed:
        return no_members()
    column = pa.array(packed, pa.binary())
    return Members(entries_of(column), hash_members(column))
