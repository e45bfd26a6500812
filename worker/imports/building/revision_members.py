"""Reads the members of a revision in one interval of hashes."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from worker.store import ListRef
from worker.store.keyspace import Side
from worker.store.lists import Revision, read_shards
from worker.store.members import Members, entries_of, hash_members, join_members
from worker.store.server import Database

_HASHES = 1 << 64


def read_members(
    database: Database, ref: ListRef, revision: Revision, side: Side, low: int, high: int
) -> Members:
    """Read the members whose hashes are in ``[low, high)``, in any order.

    Reads whole shards, and drops what is outside.

    Raises:
        ListUnknown: a shard is missing.
    """
    shift = 64 - revision.bits(side)
    first, stop = low >> shift, ((high - 1) >> shift) + 1
    members = join_members(list(_parts(database, ref, revision, side, first, stop)))
    inside = members.hashes >= np.uint64(low)
    if high < _HASHES:
        inside &= members.hashes < np.uint64(high)
    if inside.all():
        return members
    return Members(members.entries.filter(pa.array(inside)), members.hashes[inside])


def _parts(
    database: Database, ref: ListRef, revision: Revision, side: Side, first: int, stop: int
) -> Iterator[Members]:
    for packed in read_shards(database, ref, revision, side, first, stop):
        yield Members(entries_of(packed), hash_members(packed))
