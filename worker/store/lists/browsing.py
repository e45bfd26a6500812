"""Reads some members of a list: a page in the order of their hashes, or a uniform sample.

The order of hashes is that of shards whatever their number, so a page goes on where the one before
ended after a re-shard, too. A prefix is no order here: members are spread by hash on purpose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np

from worker.batches import batches
from worker.byte_columns import Column, as_list, concatenate, take
from worker.store.errors import StoreError
from worker.store.keyspace import ListRef, Side
from worker.store.lists.lookups import unsettled_list
from worker.store.lists.revisions import Revision
from worker.store.lists.scripts import deleted, incomplete
from worker.store.lists.shard_reader import read_shards
from worker.store.members import SENTINEL, hash_members, unpack_member, unpack_members
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: Shards read for one page: 40 ms of the server, in small steps; a list of which most was removed
#: has many without members.
_SHARDS_A_PAGE: Final = 4_096
_LEAST_SHARDS: Final = 16
_MEMBERS_A_SHARD: Final = 48
#: Lists up to this size are read whole for a sample.
_READ_WHOLE: Final = 4_096
#: The least bound of the members of a shard; a shard with more makes a sample begin again.
_LEAST_BOUND: Final = 16
#: Shards in one pipeline: a millisecond of the server.
_AT_ONCE: Final = 64
_TRIES: Final = 3
#: Of places tried for one sample: some two seconds, in a list of which most was removed.
_ROUNDS: Final = 2_000
_HASH_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class BrowsePosition:
    """Where a page ended."""

    hash: int
    """All members up to this hash were on pages."""
    since_ms: int
    """When what the page showed had become live, Unix ms; a re-shard does not change it."""


@dataclass(frozen=True, slots=True)
class BrowsedList:
    """What a page or a sample was taken of."""

    revision: int
    since_ms: int
    """When it became live, Unix ms."""
    count: int
    """Members of the side, as counted by edits."""


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Some members, in the order of their hashes."""

    of: BrowsedList
    keys: Sequence[str]
    end: BrowsePosition | None
    """Where the next page begins; ``None`` at the end of the list."""


@dataclass(frozen=True, slots=True)
class _State:
    live: Revision
    since_ms: int
    count: int

    @property
    def browsed(self) -> BrowsedList:
        return BrowsedList(self.live.number, self.since_ms, self.count)


class MemberBrowser:
    """Reads members of lists; every answer is of one revision, whose shards were whole.

    All methods may raise ``StoreUnavailable``, and are safe to retry.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def page(
        self, ref: ListRef, side: Side, after: BrowsePosition | None, limit: int
    ) -> MemberPage:
        """Read the members that follow a position.

        Pages have each member that is there all the while, once; one that is added or removed
        meanwhile may be on one or not.

        Cost: a few round trips; up to 4,096 shards where most members were removed, and then the
        page may be short or empty before the end.

        Args:
            ref: The list.
            side: Which of the two.
            after: Where the last page ended; ``None`` begins.
            limit: The most members, but for those that share the last one's hash.

        Raises:
            ListUnknown: a shard or the record is missing.
            SegmentNotFound: the list was deleted.
        """
        for _ in range(_TRIES):
            state = self._state(ref, side)
            try:
                keys, end = self._read_page(ref, side, state, after, limit)
            except StoreError:
                if self._state(ref, side).live == state.live:
                    raise
                continue  # it was freed, because another is live
            if self._state(ref, side).live == state.live:
                position = None if end is None else BrowsePosition(end, state.since_ms)
                return MemberPage(state.browsed, keys, position)
        raise unsettled_list(ref)

    def sample(
        self, ref: ListRef, side: Side, count: int, random: Random
    ) -> tuple[BrowsedList, list[str]]:
        """Choose members at random: each set of so many is as likely as any other.

        Cost: about 4 commands and a shard's members for each, and more commands where most members
        were removed.

        Args:
            ref: The list.
            side: Which of the two.
            count: How many; all of a shorter list.
            random: The source of randomness.

        Raises:
            ListUnknown: the record is missing, or a shard that was tried.
            SegmentNotFound: the list was deleted.
        """
        for _ in range(_TRIES):
            state = self._state(ref, side)
            try:
                members = self._choose(ref, side, state, count, random)
            except StoreError:
                if self._state(ref, side).live == state.live:
                    raise
                continue
            if self._state(ref, side).live == state.live:
                return state.browsed, [unpack_member(member) for member in members]
        raise unsettled_list(ref)

    def _state(self, ref: ListRef, side: Side) -> _State:
        with driver_errors(f"read the record of {ref.name}"):
            record = self._db.keys.list_record(ref)
            reply: Any = self._db.client.hmget(record, ["live", "since", side, "deleted"])
        live, since, count, is_deleted = reply
        if live is None:
            raise deleted(ref) if is_deleted else incomplete(ref)
        since_ms = int((since or b"0 1").split(b" ")[0])
        return _State(Revision.parse(live), since_ms, int(count or 0))

    def _read_page(
        self, ref: ListRef, side: Side, state: _State, after: BrowsePosition | None, limit: int
    ) -> tuple[list[str], int | None]:
        """The keys, and the hash up to which all were read; ``None`` at the end."""
        last = -1 if after is None else after.hash
        shift = _HASH_BITS - state.live.bits(side)
        shards = state.live.shard_count(side)
        shard = first = max(last, 0) >> shift
        columns: list[Column] = []
        rows = 0
        while rows <= limit and shard < min(shards, first + _SHARDS_A_PAGE):
            wanted = max(_LEAST_SHARDS, (limit - rows) // _MEMBERS_A_SHARD)
            stop = min(shards, shard + wanted, first + _SHARDS_A_PAGE)
            for column in read_shards(self._db, ref, state.live, side, shard, stop):
                following = _following(column, last)
                rows += len(following)
                columns.append(following)
            shard = stop
        members = concatenate(columns)
        hashes = hash_members(members)
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        end = rows
        if rows > limit:  # all that share the last hash are on this page
            end = int(np.searchsorted(hashes, hashes[limit - 1], "right"))
        keys = unpack_members(take(members, order[:end]))
        listed = [key.decode() for key in as_list(keys)]
        if end < rows:
            return listed, int(hashes[end - 1])
        return listed, None if shard == shards else (shard << shift) - 1

    def _choose(
        self, ref: ListRef, side: Side, state: _State, count: int, random: Random
    ) -> list[bytes]:
        shards = state.live.shard_count(side)
        if state.count <= max(_READ_WHOLE, 4 * count):
            columns = list(read_shards(self._db, ref, state.live, side, 0, shards))
            members = sorted(member for column in columns for member in as_list(column))
            return random.sample(members, min(count, len(members)))
        bound = 0
        chosen: dict[bytes, None] = {}
        for _ in range(_ROUNDS):
            if len(chosen) == count:
                return list(chosen)
            probed = [random.randrange(shards) for _ in range(_AT_ONCE * 4)]
            sizes = self._sizes(ref, side, state.live, probed)
            if max(sizes) > bound:
                # Twice what is seen, so that hardly ever a larger shard is there.
                bound, chosen = max(_LEAST_BOUND, 2 * max(sizes)), {}
                continue
            # Each place of each shard is as likely as any other; most have no member.
            places = [(shard, random.randrange(bound)) for shard in probed]
            there = [place for place, size in zip(places, sizes, strict=True) if place[1] < size]
            for member in self._members_at(ref, side, state.live, there):
                if len(chosen) < count:
                    chosen[member] = None
        raise unsettled_list(ref)

    def _sizes(self, ref: ListRef, side: Side, live: Revision, shards: Sequence[int]) -> list[int]:
        with driver_errors(f"count members of {ref.name}"):
            pipeline = self._db.client.pipeline(transaction=False)
            for shard in shards:
                pipeline.scard(self._db.keys.shard(ref, live.name, side, shard))
            replies = pipeline.execute()
        if not all(replies):
            raise incomplete(ref)
        return [size - 1 for size in replies]  # without the sentinel

    def _members_at(
        self, ref: ListRef, side: Side, live: Revision, places: Sequence[tuple[int, int]]
    ) -> list[bytes]:
        found: list[bytes] = []
        for some in batches(places, _AT_ONCE):
            with driver_errors(f"read shards of {ref.name}"):
                pipeline = self._db.client.pipeline(transaction=False)
                for shard, _ in some:
                    pipeline.smembers(self._db.keys.shard(ref, live.name, side, shard))
                replies = pipeline.execute()
            for (_, place), members in zip(some, replies, strict=True):
                ordered = sorted(set(members) - {SENTINEL})
                found += ordered[place : place + 1]  # none, if one was removed meanwhile
        return found


def _following(column: Column, last: int) -> Column:
    if last < 0:
        return column
    return take(column, np.flatnonzero(hash_members(column) > np.uint64(last)))
