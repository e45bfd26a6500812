"""Sends whole lists to a relay, some shards at a time.

A list is read as it is when a relay asks, not as it was when the walk began. That is right, because
what changes it from then on is in the log after the entry at which the walk began, and the relay is
sent all of that afterwards. For the same reason it may go on with a revision that was replaced.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa

from worker.byte_columns import as_list
from worker.store.errors import ListUnknown, SegmentNotFound
from worker.store.keyspace import EnvironmentRef, ListRef, Side
from worker.store.lists import MOST_MEAN_LOAD, MembershipStore, Revision
from worker.store.members import SENTINEL, unpack_members
from worker.store.sdk_log.records import DIGEST_BYTES, SideHashes, Walk, list_ref, sides_of
from worker.store.sdk_log.sdk_log import MOST_CHANGES
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: Lists looked at for one page; most may be empty.
_MOST_LISTS: Final = 32

NewPatch = tuple[str, SideHashes, SideHashes]
"""A list, ``segment.gN``, and what was added to its sides and removed."""


@dataclass(slots=True)
class _Read:
    """What was read of one list, in patches of a bounded size."""

    ref: str
    patches: list[NewPatch] = field(default_factory=list)
    digests: int = 0

    def add(self, side: Side, digests: bytes) -> None:
        most = MOST_CHANGES * DIGEST_BYTES
        for first in range(0, len(digests), most):
            hashes = SideHashes(added=digests[first : first + most])
            sides = (hashes, SideHashes()) if side == "included" else (SideHashes(), hashes)
            self.patches.append((self.ref, *sides))
        self.digests += len(digests) // DIGEST_BYTES


class Walker:
    """Reads lists for relays; raises as reading a list does."""

    def __init__(
        self, database: Database, memberships: MembershipStore, most: int = MOST_CHANGES
    ) -> None:
        """Take the parts.

        Args:
            database: Where the lists are.
            memberships: Reads their records.
            most: Members to send at a time; more only where one shard has more.
        """
        self._db = database
        self._memberships = memberships
        self._most = most

    def walk(
        self, env: EnvironmentRef, walk: Walk, refs: list[str]
    ) -> tuple[list[NewPatch], Walk | None]:
        """Read some more.

        Cost: one round trip, and two for each list; some 10 ms of CPU for 4,000 members.

        Args:
            env: Whose lists.
            walk: How far a relay has come.
            refs: The lists that it is sent, in order.

        Returns:
            What it is to be sent, and how far it is then; ``None``: it has been sent all.

        Raises:
            ListUnknown: a list is not whole.
        """
        patches: list[NewPatch] = []
        room = self._most
        names = _remaining(walk, refs)
        for ref in names[:_MOST_LISTS]:
            is_begun = ref == walk.ref and walk.revision is not None
            begun = walk if is_begun else Walk(walk.all_lists, ref)
            read, after = self._read_list(env, begun, room)
            patches += read.patches
            room -= read.digests
            if after is not None:
                return patches, after
            walk = Walk(walk.all_lists, ref)
            if room < self._most // 2:
                break
        is_end = not names or walk.ref == names[-1]
        return patches, None if is_end else walk

    def _read_list(self, env: EnvironmentRef, walk: Walk, room: int) -> tuple[_Read, Walk | None]:
        """Read of one list; gives how far a relay is then, ``None`` at its end."""
        ref = list_ref(env, walk.ref)
        if walk.revision is not None:
            try:
                return self._read_revision(ref, walk, walk.revision, room)
            except ListUnknown:
                # Freed since, unless it is the live one.
                if self._is_live(ref, walk.revision):
                    raise
        try:
            live = self._memberships.state(ref).live
        except SegmentNotFound:
            return _Read(walk.ref), None
        return self._read_revision(ref, replace(walk, revision=live, shard=0), live, room)

    def _is_live(self, ref: ListRef, revision: Revision) -> bool:
        try:
            return self._memberships.state(ref).live == revision
        except SegmentNotFound:
            return False

    def _read_revision(
        self, ref: ListRef, walk: Walk, revision: Revision, room: int
    ) -> tuple[_Read, Walk | None]:
        read, shard, first = _Read(walk.ref), walk.shard, 0
        for side, count in sides_of(revision):
            while first <= shard < first + count:
                most = max(1, (room - read.digests) // MOST_MEAN_LOAD)
                stop = min(first + count, shard + most)
                digests = self._digests(ref, revision, side, range(shard - first, stop - first))
                for number, digest in enumerate(digests):
                    # One shard at least, whatever it has.
                    over = read.digests + len(digest) // DIGEST_BYTES > room
                    if over and (number or read.digests):
                        return read, replace(walk, shard=shard)
                    read.add(side, digest)
                    shard += 1
                if shard < first + count and room - read.digests < MOST_MEAN_LOAD:
                    return read, replace(walk, shard=shard)
            first += count
        return read, None

    def _digests(
        self, ref: ListRef, revision: Revision, side: Side, shards: range
    ) -> Iterator[bytes]:
        """The digests of the members of each shard."""
        with driver_errors(f"read shards of {ref.name}"):
            pipeline = self._db.client.pipeline(transaction=False)
            for shard in shards:
                pipeline.smembers(self._db.keys.shard(ref, revision.name, side, shard))
            replies: list[set[bytes]] = pipeline.execute()
        if not all(replies):
            message = f"a shard of {ref.name} {revision.name} is missing: the list is not whole"
            raise ListUnknown(message)
        for members in replies:
            packed = pa.array(sorted(set(members) - {SENTINEL}), pa.binary())
            keys = as_list(unpack_members(packed)) if len(packed) else []
            yield b"".join(hashlib.sha256(key).digest() for key in keys)


def _remaining(walk: Walk, refs: list[str]) -> list[str]:
    """The lists that are not sent yet, the one that is begun first."""
    if walk.all_lists and walk.revision is None:
        return [ref for ref in refs if ref > walk.ref]
    return [ref for ref in refs if ref >= walk.ref]
