"""What the log of an environment holds, and where a relay is in it, as values.

A relay knows where it is only by the version of the last patch that it has applied, which it sends
back. So a version says all of it: which log, under which shift, after which entry, and how far the
relay has come in a list that it is sent whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from worker.store.keyspace import EXCLUDED, INCLUDED, EnvironmentRef, ListRef, Side
from worker.store.lists import Revision

#: Bytes of the digest of a context key.
DIGEST_BYTES: Final = 32
#: Longer than any version of ours, whose longest part is the key of a segment.
_MOST_VERSION_LENGTH: Final = 600
_VERSION: Final = re.compile(
    r"(?P<epoch>[0-9a-f]{8})\.(?P<shift>[0-9]{1,9})\.(?P<number>[0-9]{1,15})\.(?P<tag>[0-9a-f]{8})"
    r"(?:\.(?P<walk>[al])\.(?P<revision>[A-Za-z0-9-]{0,100})\.(?P<included>[0-9]{1,2})"
    r"\.(?P<excluded>[0-9]{1,2})\.(?P<shard>[0-9]{1,9})\.(?P<ref>(?:[A-Za-z0-9._-]+\.g[0-9]{1,15})?))?"
)


@dataclass(frozen=True, slots=True)
class LogPoint:
    """An entry of a log; the tag tells it from another one that had its number."""

    epoch: str
    number: int
    tag: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry: what was added to a list and removed from it, or that all of it is to be sent."""

    at: LogPoint
    ref: str
    """``segment.gN``."""
    changes: Mapping[Side, tuple[bytes, bytes]]
    """Digests of context keys, one after the other: added ones, and removed ones."""

    @property
    def is_whole(self) -> bool:
        """Whether the log follows the list from here on, so that it is sent as it is now."""
        return not self.changes


@dataclass(frozen=True, slots=True)
class LogState:
    """A log as it was at one moment."""

    head: LogPoint
    is_kept: bool
    """Whether a worker writes what changes to it."""
    is_known: bool
    """Whether the entry that was asked for is the log's, with all that follow it."""
    entries: tuple[LogEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a relay has come in lists that it is sent whole."""

    all_lists: bool
    """Whether it is sent all lists, those after this one too; else this one, as an entry says."""
    ref: str = ""
    """The list, ``segment.gN``; of all lists, those before it are sent. Empty: none is."""
    revision: Revision | None = None
    """The revision that it is sent; ``None``: of all lists, this one is sent, too; of one, nothing
    is sent yet."""
    shard: int = 0
    """Shards that are sent: those of the included list come first."""


@dataclass(frozen=True, slots=True)
class Version:
    """Where a relay is: what it has been sent, or all before a walk and the walk so far."""

    at: LogPoint
    shift: int
    walk: Walk | None = field(default=None)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a version; ``None`` if it is not of our form."""
        found = _VERSION.fullmatch(text) if len(text) <= _MOST_VERSION_LENGTH else None
        if found is None:
            return None
        at = LogPoint(found["epoch"], int(found["number"]), found["tag"])
        version = cls(at, int(found["shift"]))
        if found["walk"] is None:
            return version
        if found["walk"] == "l" and not found["ref"]:
            return None
        name, bits = found["revision"], (int(found["included"]), int(found["excluded"]))
        revision = Revision(name, *bits) if name else None
        walk = Walk(found["walk"] == "a", found["ref"], revision, int(found["shard"]))
        return replace(version, walk=walk)

    def __str__(self) -> str:
        text = f"{self.at.epoch}.{self.shift}.{self.at.number}.{self.at.tag}"
        walk = self.walk
        if walk is None:
            return text
        revision = walk.revision or Revision("", 0, 0)
        bits = f"{revision.included_bits}.{revision.excluded_bits}"
        kind = "a" if walk.all_lists else "l"
        return f"{text}.{kind}.{revision.name}.{bits}.{walk.shard}.{walk.ref}"


@dataclass(frozen=True, slots=True)
class SideHashes:
    """Digests of context keys, of :data:`DIGEST_BYTES` each, one after the other."""

    added: bytes = b""
    removed: bytes = b""

    def __len__(self) -> int:
        return (len(self.added) + len(self.removed)) // DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class Patch:
    """Changes of one list; a relay applies them if it is at the previous version."""

    ref: str
    """``segment.gN``, with the generation that the relay knows."""
    previous: str
    version: str
    included: SideHashes
    excluded: SideHashes


@dataclass(frozen=True, slots=True)
class Page:
    """Patches in a chain; none when the relay has all there is."""

    patches: tuple[Patch, ...]
    version: str
    """Where a relay is that has applied them."""


def list_ref(env: EnvironmentRef, ref: str) -> ListRef:
    """The list that is meant by ``segment.gN``."""
    segment, _, generation = ref.rpartition(".g")
    return ListRef(env.project, env.environment, segment, int(generation))


def shifted(ref: str, shift: int) -> str:
    """``segment.gN`` with another generation."""
    segment, _, generation = ref.rpartition(".g")
    return f"{segment}.g{int(generation) + shift}"


def sides_of(revision: Revision) -> tuple[tuple[Side, int], ...]:
    """The sides in the order in which they are sent, and the shards of each."""
    return tuple((side, revision.shard_count(side)) for side in (INCLUDED, EXCLUDED))
