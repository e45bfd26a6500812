"""The lists of a store, as the follower asks for them."""

from collections.abc import Iterator, Sequence
from typing import Final

from worker.sdk_store.differences import ListDifferences
from worker.sdk_store.list_source import Batch
from worker.store import ListRef, Store
from worker.store.lists import FeedEntries, FeedLost, FeedPosition, Followed, ListGone, Revision

#: How long a revision stays pinned, and a feed is kept, without a follower.
_KEPT_MS: Final = 3_600_000


class StoredLists:
    """Plays :class:`worker.sdk_store.list_source.ListSource`, which says what its methods do."""

    def __init__(self, store: Store) -> None:
        self._feeds = store.feeds
        self._differences = ListDifferences(store.database)

    def follow(self, ref: ListRef, holder: str) -> Followed:
        """Pin the live revision, and keep the feed for an hour."""
        return self._feeds.follow(ref, holder, _KEPT_MS)

    def unfollow(self, ref: ListRef, holder: str) -> None:
        """Let a revision go."""
        self._feeds.unfollow(ref, holder)

    def read(self, positions: Sequence[FeedPosition]) -> list[FeedEntries | FeedLost | ListGone]:
        """Read what has changed the lists."""
        return self._feeds.read(positions)

    def trim(self, ref: ListRef, after: str) -> None:
        """Drop what has been applied."""
        self._feeds.trim(ref, after)

    def whole(self, ref: ListRef, revision: Revision) -> Iterator[Batch]:
        """Read a revision."""
        return self._differences.whole(ref, revision)

    def differences(self, ref: ListRef, old: Revision, new: Revision) -> Iterator[Batch]:
        """Compare two revisions."""
        return self._differences.differences(ref, old, new)
