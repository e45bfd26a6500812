"""Compositions: imports whose members come from other lists and not from files."""

from dataclasses import dataclass
from typing import Final, Literal

from worker.store.keyspace import ListRef, Side
from worker.store.records import stored

#: What is made of the source lists: the members of any, of all, or of the first and no other.
Operation = Literal["union", "intersect", "except"]

#: Lists of one composition: each is read once, a piece of each at a time.
MOST_SOURCES: Final = 32


@stored
@dataclass(frozen=True, slots=True)
class PinnedList:
    """One source of a composition: a list as it was when it was pinned."""

    ref: ListRef
    side: Side
    """Which of the segment's two lists is read."""
    revision: str
    """The revision, as a list record holds it; it is kept until the import has ended."""
    since: str
    """Where in the source's changes the pin begins; see `worker.store.lists.snapshots`."""
    pinned_ms: int
    """The moment as of which the list is read, Unix ms by the server's clock."""
    members: int
    """Members at that moment."""

    @property
    def number(self) -> int:
        """The number of the revision; each revision of a list has its own."""
        return int(self.revision[1:].partition("-")[0])


@stored
@dataclass(frozen=True, slots=True)
class Composition:
    """What an import is made of, in place of files."""

    op: Operation
    sources: tuple[PinnedList, ...]
    """In the order in which they were named, which matters to ``except`` alone."""

    @property
    def members(self) -> int:
        """Members of all sources together."""
        return sum(source.members for source in self.sources)

    def __str__(self) -> str:
        """The operation and its segments, in words for people."""
        return f"{self.op} of {', '.join(source.ref.segment for source in self.sources)}"
