"""A copy of a list that is kept by its feed, as the sets of SDKs are."""

from tests.support.store.building import members_of
from worker.store import ListRef, Store
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import FeedEntries, FeedPosition, Followed, Revision
from worker.store.members import unpack_member

HOUR_MS = 3_600_000
_SIDES: tuple[Side, Side] = (INCLUDED, EXCLUDED)


def follow(store: Store, ref: ListRef, holder: str = "a", ttl_ms: int = HOUR_MS) -> Followed:
    """Follow a list for an hour."""
    return store.feeds.follow(ref, holder, ttl_ms)


def read_one(store: Store, ref: ListRef, after: str) -> FeedEntries:
    """Read what changed a list next, which must be known."""
    (found,) = store.feeds.read([FeedPosition(ref, after)])
    assert isinstance(found, FeedEntries), found
    return found


def says_nothing(found: FeedEntries) -> bool:
    """Tell whether nothing has changed the list."""
    return not found.ops and found.flip is None


class Copy:
    """Both lists, as far as they were followed."""

    def __init__(self, store: Store, ref: ListRef, holder: str = "a") -> None:
        """Follow a list, and fill the copy from what was pinned."""
        self._store, self._ref = store, ref
        followed = follow(store, ref, holder)
        self.revision, self.after = followed.revision, followed.after
        self.sets = {side: members_of(store, ref, self.revision, side) for side in _SIDES}
        self.flips = 0

    def catch_up(self) -> tuple[set[str], set[str]]:
        """Apply all that has changed; gives both lists."""
        while True:
            found = read_one(self._store, self._ref, self.after)
            if says_nothing(found):
                return self.sets[INCLUDED], self.sets[EXCLUDED]
            for side, adds, member in found.ops:
                keys = self.sets[side]
                (keys.add if adds else keys.discard)(unpack_member(member))
            if found.flip is not None:
                self._flip(found.flip)
            self.after = found.after

    def _flip(self, new: Revision) -> None:
        for side in _SIDES:
            before, after = (
                members_of(self._store, self._ref, each, side) for each in (self.revision, new)
            )
            self.sets[side] = self.sets[side] - (before - after) | (after - before)
        self.revision = new
        self.flips += 1
