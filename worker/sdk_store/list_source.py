"""What the follower needs of the lists: their feeds, and their members as columns of keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from worker.byte_columns import Column
from worker.store import ListRef, Side
from worker.store.lists import Revision


@dataclass(frozen=True, slots=True)
class Start:
    """Where following a list begins: a pinned revision, and what changes it from then on."""

    revision: Revision
    after: str
    """Entries of the feed after this one may not be in what is read of the revision."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a list was followed."""

    ref: ListRef
    revision: Revision
    after: str


@dataclass(frozen=True, slots=True)
class Entries:
    """What changed a list next."""

    ops: Sequence[tuple[Side, bool, bytes]]
    """Side, whether it was added, and packed member, in the order in which they were applied."""
    flip: Revision | None
    """The revision that went live after these."""
    after: str
    """The last entry among these."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The changes of a list are gone: too many, or nobody has followed it for too long."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The list was deleted."""


@dataclass(frozen=True, slots=True, eq=False)
class SideChanges:
    """Context keys that one of two lists gained and lost."""

    side: Side
    added: Column
    removed: Column


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of a list, or of a difference: keys of one interval of hashes."""

    changes: tuple[SideChanges, ...] = field(default=())


class ListSource(Protocol):
    """The lists of the store. Every method may raise ``StoreUnavailable``."""

    def follow(self, ref: ListRef, holder: str) -> Start:
        """Pin the live revision for a holder, or renew its pin, and keep the feed for a while.

        Raises:
            SegmentNotFound: the list was deleted.
            ListUnknown: the server has lost it.
        """

    def unfollow(self, ref: ListRef, holder: str) -> None:
        """Let a revision go. Idempotent."""

    def read(self, positions: Sequence[Position]) -> Sequence[Entries | Lost | Gone]:
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
