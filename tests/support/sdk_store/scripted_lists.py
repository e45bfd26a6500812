"""Lists that a test changes as it likes, with feeds as the store keeps them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from worker.byte_columns import Column
from worker.sdk_store.list_source import Batch
from worker.store import EXCLUDED, INCLUDED, ListRef, ListUnknown, SegmentNotFound, Side, pack_key
from worker.store.lists import (
    FeedEntries,
    FeedLost,
    FeedPosition,
    Followed,
    ListGone,
    Revision,
    SideChanges,
)

Keys = dict[Side, set[str]]


@dataclass
class _List:
    revisions: dict[str, Keys] = field(default_factory=dict)
    live: str = ""
    #: Each op is that of a revision; a flip names the next one.
    feed: list[tuple[Side, bool, str] | Revision] = field(default_factory=list)
    dropped: int = 0
    pins: dict[str, str] = field(default_factory=dict)


class ScriptedLists:
    """Plays :class:`worker.sdk_store.list_source.ListSource`."""

    def __init__(self) -> None:
        self._lists: dict[ListRef, _List] = {}
        self._number = 0
        self.batch = 50

    def create(self, ref: ListRef) -> None:
        self._lists[ref] = made = _List()
        made.live = self._new(made, {INCLUDED: set(), EXCLUDED: set()}).name

    def delete(self, ref: ListRef) -> None:
        del self._lists[ref]

    def members(self, ref: ListRef) -> Keys:
        """Give what is live."""
        found = self._lists[ref]
        return found.revisions[found.live]

    def edit(self, ref: ListRef, side: Side, key: str, *, adds: bool) -> None:
        keys = self.members(ref)[side]
        (keys.add if adds else keys.discard)(key)
        self._lists[ref].feed.append((side, adds, key))

    def replace(self, ref: ListRef, keys: Keys) -> None:
        self._flip(ref, self._new(self._lists[ref], keys))

    def roll_back(self, ref: ListRef) -> None:
        """Make the oldest revision live again."""
        self._flip(ref, _revision(next(iter(self._lists[ref].revisions))))

    def free(self, ref: ListRef) -> None:
        """Free what is neither live nor pinned."""
        found = self._lists[ref]
        kept = {found.live, *found.pins.values()}
        found.revisions = {name: keys for name, keys in found.revisions.items() if name in kept}

    def lose_feed(self, ref: ListRef) -> None:
        found = self._lists[ref]
        found.dropped += len(found.feed) + 1
        found.feed.clear()

    def _new(self, found: _List, keys: Keys) -> Revision:
        self._number += 1
        made = _revision(f"r{self._number}-x")
        found.revisions[made.name] = {side: set(those) for side, those in keys.items()}
        return made

    def _flip(self, ref: ListRef, to: Revision) -> None:
        found = self._lists[ref]
        if to.name != found.live:
            found.live = to.name
            found.feed.append(to)

    def follow(self, ref: ListRef, holder: str) -> Followed:
        found = self._require(ref)
        pinned = found.pins.setdefault(holder, found.live)
        return Followed(_revision(pinned), str(found.dropped + len(found.feed)))

    def unfollow(self, ref: ListRef, holder: str) -> None:
        if ref in self._lists:
            self._lists[ref].pins.pop(holder, None)

    def read(self, positions: Sequence[FeedPosition]) -> list[FeedEntries | FeedLost | ListGone]:
        return [self._read(position) for position in positions]

    def _read(self, position: FeedPosition) -> FeedEntries | FeedLost | ListGone:
        found = self._lists.get(position.ref)
        if found is None:
            return ListGone()
        at = int(position.after) - found.dropped
        if at < 0:
            return FeedLost()
        ops: list[tuple[Side, bool, bytes]] = []
        for entry in found.feed[at:]:
            at += 1
            if isinstance(entry, Revision):
                return FeedEntries(ops, entry, str(found.dropped + at))
            side, adds, key = entry
            ops.append((side, adds, pack_key(key)))
        return FeedEntries(ops, None, str(found.dropped + at))

    def trim(self, ref: ListRef, after: str) -> None:
        found = self._require(ref)
        count = int(after) - found.dropped
        if count > 0:
            del found.feed[:count]
            found.dropped = int(after)

    def whole(self, ref: ListRef, revision: Revision) -> Iterator[Batch]:
        nothing: Keys = {INCLUDED: set(), EXCLUDED: set()}
        names = sorted(set().union(*self._keys(ref, revision).values()))
        yield from self._batches(names, lambda: (nothing, self._keys(ref, revision)))

    def differences(self, ref: ListRef, old: Revision, new: Revision) -> Iterator[Batch]:
        both = self._keys(ref, old), self._keys(ref, new)
        names = sorted(set().union(*both[0].values(), *both[1].values()))
        yield from self._batches(names, lambda: (self._keys(ref, old), self._keys(ref, new)))

    def _batches(
        self, names: list[str], states: Callable[[], tuple[Keys, Keys]]
    ) -> Iterator[Batch]:
        for first in range(0, len(names), self.batch):
            some = set(names[first : first + self.batch])
            old, new = states()
            yield Batch(
                tuple(
                    SideChanges(
                        side,
                        _column(new[side] - old[side], some),
                        _column(old[side] - new[side], some),
                    )
                    for side in (INCLUDED, EXCLUDED)
                )
            )

    def _keys(self, ref: ListRef, revision: Revision) -> Keys:
        keys = self._require(ref).revisions.get(revision.name)
        if keys is None:
            raise ListUnknown(f"{revision.name} was freed")
        return keys

    def _require(self, ref: ListRef) -> _List:
        if ref not in self._lists:
            raise SegmentNotFound(f"{ref.name} was deleted")
        return self._lists[ref]


def _column(keys: set[str], among: set[str]) -> Column:
    return pa.array(sorted(keys & among), pa.string())


def _revision(name: str) -> Revision:
    return Revision(name, 4, 4)
