"""An erasure of one context key from an environment, as it is stored."""

from dataclasses import dataclass
from typing import Literal

from worker.store.erasures.erased_keys import TAG_DIGITS
from worker.store.records import stored

ErasureState = Literal["in_progress", "complete"]


@stored
@dataclass(frozen=True, slots=True)
class Touched:
    """What an erasure has removed a key from, or deleted because it may have held the key."""

    lists: int = 0
    """Lists that were looked at: those of each big segment of the kind, and deleted ones."""
    segments: tuple[str, ...] = ()
    """Keys of the segments that had it, the first ones in order."""
    segments_total: int = 0
    included: int = 0
    """Included members that were removed from live lists."""
    excluded: int = 0
    revisions: int = 0
    """Earlier revisions of lists that had it."""
    schedules: int = 0
    """Removals to come that were dropped with it."""
    targets: tuple[str, ...] = ()
    """Lists of targets of standard segments that had it, such as ``included:beta``."""
    imports: tuple[str, ...] = ()
    """Imports and re-shards that were at work: they ended, or the key was taken out."""
    previews: tuple[str, ...] = ()
    """Imports whose preview showed it."""
    exports: tuple[str, ...] = ()
    """Exports whose files were deleted, also at destinations."""
    undeleted_exports: tuple[str, ...] = ()
    """Exports whose files at a destination could not be deleted: they stay."""
    rejected_rows: tuple[str, ...] = ()
    """Imports whose file of rejected rows was deleted."""
    uploads: tuple[str, ...] = ()
    """Direct uploads that were dropped before an import had taken them."""

    @property
    def counts(self) -> dict[str, int]:
        """All of it in numbers, in wire names."""
        return {
            "lists": self.lists,
            "segments": self.segments_total,
            "included": self.included,
            "excluded": self.excluded,
            "revisions": self.revisions,
            "schedules": self.schedules,
            "targets": len(self.targets),
            "imports": len(self.imports),
            "previews": len(self.previews),
            "exports": len(self.exports),
            "undeletedExports": len(self.undeleted_exports),
            "rejectedRows": len(self.rejected_rows),
            "uploads": len(self.uploads),
        }


@stored
@dataclass(frozen=True, slots=True)
class Before:
    """What there was when the erasure had reached all lists, and what is made later has not."""

    jobs: tuple[str, ...] = ()
    """Imports, exports and re-shards that had not ended, in the form of messages."""
    exports: tuple[str, ...] = ()
    rejected_rows: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ()


@stored
@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure; its receipt once it is complete."""

    id: str
    kind: str
    """The context kind of the key."""
    digest: str
    """The key's tag and salted hash; the same as long as the environment exists."""
    created_ms: int
    initiator: str
    state: ErasureState = "in_progress"
    key: str | None = None
    """The context key, only until the erasure is complete."""
    before: Before | None = None
    """Once all lists have been reached."""
    waiting: tuple[str, ...] = ()
    """Jobs of ``before`` that have not ended."""
    touched: Touched = Touched()
    rules: tuple[str, ...] = ()
    """Segments with a rule that names the key, which is left to people: the first ones."""
    flags: tuple[str, ...] = ()
    """Flags that name the key, which is left to people, too: the first ones."""
    completed_ms: int | None = None

    @property
    def key_hash(self) -> str:
        """What of the digest people may see.

        Not its tag: whoever knows a few keys with their tags can compute the salt of tags from
        them, and with it try out which keys were erased.
        """
        return self.digest[TAG_DIGITS:]
