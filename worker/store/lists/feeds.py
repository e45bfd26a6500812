"""Feeds: what changes a list, in order, for those who keep a copy of it elsewhere.

The scripts that change a list write its feed while somebody follows it; without a follower it
expires, and costs an edit one command. A copy is right once it was filled from the pinned revision
and has taken every entry since, in order: of each member the last state counts, so it does no harm
that what is read of the revision may have some of the changes already.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from redis.exceptions import NoScriptError

from worker.store.keyspace import EXCLUDED, INCLUDED, ListRef, Side
from worker.store.lists.revisions import Revision
from worker.store.lists.scripts import require_ok, run
from worker.store.members import pack_key
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.server.scripts import Argument, ScriptName

#: Side, whether it is added, and packed member.
FeedOp: TypeAlias = tuple[Side, bool, bytes]

#: Lists that are asked in one step: some milliseconds of server time.
_LISTS_PER_CALL: Final = 250
#: Ops of an answer that may have left some out, see ``list/read_feed``.
_FULL: Final = 4_999
#: Entries of up to 50 ops each that are searched for an erased key in one call.
_ENTRIES_PER_CALL: Final = 100
#: How long an erased key may stay in a feed before the feed is dropped.
_APPLIED_WITHIN_MS: Final = 30_000
_OPS: Final[dict[bytes, tuple[Side, bool]]] = {
    b"i+": (INCLUDED, True),
    b"i-": (INCLUDED, False),
    b"e+": (EXCLUDED, True),
    b"e-": (EXCLUDED, False),
}
_READ: Final[ScriptName] = "list/read_feed"


@dataclass(frozen=True, slots=True)
class Followed:
    """Where following a list begins."""

    revision: Revision
    """The live one, pinned."""
    after: str
    """Entries of the feed after this one may not be in what is read of the revision."""


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """How far somebody has followed a list."""

    ref: ListRef
    after: str


@dataclass(frozen=True, slots=True)
class FeedEntries:
    """What has changed a list next."""

    ops: Sequence[FeedOp]
    """In the order in which they were applied; about 7,500 at most."""
    flip: Revision | None
    """The revision that went live after these; its members may be others altogether. Of the same
    name as before if a side of it that had no member has got more shards."""
    after: str
    """The last entry among these."""

    @property
    def may_be_cut(self) -> bool:
        """Whether there may have been more when this was read."""
        return self.flip is not None or len(self.ops) >= _FULL


@dataclass(frozen=True, slots=True)
class FeedLost:
    """What has changed a list is not known any more: the whole list has to be compared."""


@dataclass(frozen=True, slots=True)
class ListGone:
    """The list was deleted."""


class FeedStore:
    """Reads the feeds of lists. Every method may raise ``StoreUnavailable``; all can be retried."""

    def __init__(
        self,
        database: Database,
        random_number: Callable[[], int] = lambda: secrets.randbits(48),
    ) -> None:
        """Read feeds of a database.

        Args:
            database: Holds the lists.
            random_number: Tells a feed from one of the same millisecond; below 2^53.
        """
        self._db = database
        self._random_number = random_number

    def follow(self, ref: ListRef, holder: str, ttl_ms: int) -> Followed:
        """Pin the live revision for a holder, and keep the list's feed from now on.

        Again for one holder, it renews both and gives what it gave before, as long as they have
        not ended: a feed ends by itself, as a pin does. One that begins anew gives a new position;
        then those that were given before are lost.

        Cost: one round trip.

        Args:
            ref: The list.
            holder: Whose pin it is; two revisions are pinned by two holders.
            ttl_ms: For how long.

        Raises:
            SegmentNotFound: the list was deleted.
            ListUnknown: the server has lost the record.
        """
        args: list[Argument] = [holder, ttl_ms, self._random_number()]
        revision, after = require_ok(ref, run(self._db, ref, "list/follow", args))
        return Followed(Revision.parse(revision), after.decode())

    def unfollow(self, ref: ListRef, holder: str) -> None:
        """Give up a pin; with the last holder the feed ends. Idempotent."""
        run(self._db, ref, "list/unfollow", [holder])

    def read(self, positions: Sequence[FeedPosition]) -> list[FeedEntries | FeedLost | ListGone]:
        """Read what has changed many lists, of each a part: ask again until there is nothing.

        Cost: one round trip for 250 lists; see ``list/read_feed`` for the server's time.

        Returns:
            For each position, in order. Entries that give no ops and no flip have nothing new.
        """
        found: list[FeedEntries | FeedLost | ListGone] = []
        for first in range(0, len(positions), _LISTS_PER_CALL):
            some = positions[first : first + _LISTS_PER_CALL]
            found += [_parse(reply) for reply in self._ask(some)]
        return found

    def _ask(self, positions: Sequence[FeedPosition]) -> list[Any]:
        sha = self._db.scripts.get(_READ).sha
        with driver_errors("read feeds of lists"):
            pipeline = self._db.client.pipeline(transaction=False)
            for position in positions:
                record = self._db.keys.list_record(position.ref)
                pipeline.execute_command("EVALSHA", sha, 1, record, position.after)
            replies = pipeline.execute(raise_on_error=False)
        return [
            self._answer(position, reply)
            for position, reply in zip(positions, replies, strict=True)
        ]

    def _answer(self, position: FeedPosition, reply: object) -> object:
        if isinstance(reply, NoScriptError):
            # It is sent to the node with this call, once.
            return run(self._db, position.ref, _READ, [position.after])
        if isinstance(reply, Exception):
            with driver_errors(f"read the feed of {position.ref.name}"):
                raise reply
        return reply

    def trim(self, ref: ListRef, after: str) -> None:
        """Drop the entries up to this one, which were applied. Cost: one round trip.

        A position before it is lost from then on.
        """
        run(self._db, ref, "list/trim_feed", [after])

    def drop_erased(self, ref: ListRef, key: str) -> bool:
        """See to it that an erased key leaves the feed of a list.

        The erasure is in the feed itself, so that those who follow apply it, and trim it. If they
        have not within 30 seconds, the feed is dropped: they compare the whole list then.

        Call it once the list has been erased from, again and again until it is true. Cost: one
        round trip, and one for each 100 requests whose edits are in the feed.

        Returns:
            Whether the feed has the key no more.
        """
        member, after = pack_key(key), "-"
        while True:
            args: list[Argument] = [after, _ENTRIES_PER_CALL, member, _APPLIED_WITHIN_MS]
            verdict, *last = run(self._db, ref, "list/drop_feed", args)
            if verdict == b"waits":
                return False
            if verdict == b"dropped" or not last[0]:
                return True
            after = f"({last[0].decode()}"


def _parse(reply: Sequence[bytes]) -> FeedEntries | FeedLost | ListGone:
    match reply:
        case [b"gone"]:
            return ListGone()
        case [b"lost"]:
            return FeedLost()
    _, after, flip, *fields = reply
    ops = tuple(
        (*_OPS[op[:2]], member) for op, member in zip(fields[::2], fields[1::2], strict=True)
    )
    return FeedEntries(ops, Revision.parse(flip) if flip else None, after.decode())
