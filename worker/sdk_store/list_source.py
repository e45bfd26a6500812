"""What the follower needs of the lists: their feeds, and their members as columns of keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from worker.store import ListRef
from worker.store.lists import (
    FeedEntries,
    FeedLost,
    FeedPosition,
    Followed,
    ListGone,
    Revision,
    SideChanges,
)


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of a list, or of a difference: keys of one interval of hashes."""

    changes: tuple[SideChanges, ...] = field(default=())


class ListSource(Protocol):
    """The lists of the store. Every method may raise ``StoreUnavailable``."""

    def follow(self, ref: ListRef, holder: str) -> Followed:
        """Pin the live revision for a holder, or renew its pin, and keep the feed for a while.

        Raises:
            SegmentNotFound: the list was deleted.
            ListUnknown: the server has lost it.
        """

    def unfollow(self, ref: ListRef, holder: str) -> None:
        """Let a revision go. Idempotent."""

    def read(
        self, positions: Sequence[FeedPosition]
    ) -> Sequence[FeedEntries | FeedLost | ListGone]:
        """What changed each list since. Cost: one round trip a server."""

    def trim(self, ref: ListRef, after: str) -> None:
        """Drop entries of the feed up to this one, which have been applied."""

    def whole(self, ref: ListRef, revision: Revision) -> Iterator[Batch]:
        """All keys of a revision, as added ones.

        Raises:
            ListUnknown: the revision is not whole, or freed.
        """

    def differences(self, ref: ListRef, old: Revision, new: Revision) -> Iterator[Batch]:
        """Which keys differ between two revisions; raises as :meth:`whole`."""
