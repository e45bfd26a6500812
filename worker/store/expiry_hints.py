"""Hints: where the workers look for targets that are due to expire.

There is one hint for each segment, at the time of its first schedule. A hint may be early,
which costs a check; it must never be missing. So it is written before the schedule and again
after it, and a worker that has checked a segment writes what it found and then checks once
more: whichever comes last sees what the other did. Upkeep repairs what a crash in between
leaves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from worker.store.keyspace import ListRef
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

_PAGE: Final = 1_000
_BIG, _STANDARD = "big", "standard"


@dataclass(frozen=True, slots=True)
class Hint:
    """A segment that has schedules, or is about to."""

    ref: ListRef
    """For a standard segment too: its generation distinguishes it from a later one."""
    big: bool

    @classmethod
    def of_list(cls, ref: ListRef) -> Self:
        """The hint of a big segment."""
        return cls(ref, big=True)

    @classmethod
    def of_targets(cls, ref: ListRef) -> Self:
        """The hint of a standard segment."""
        return cls(ref, big=False)

    def __str__(self) -> str:
        ref = self.ref
        kind = _BIG if self.big else _STANDARD
        return f"{kind}:{ref.project}:{ref.environment}:{ref.segment}:{ref.generation}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote."""
        kind, project, environment, segment, generation = text.split(":")
        return cls(ListRef(project, environment, segment, int(generation)), big=kind == _BIG)


@dataclass(frozen=True, slots=True)
class Due:
    """Hints that are due, by the server's clock."""

    now_ms: int
    wait_ms: int | None
    """Until the next one is."""
    hints: tuple[Hint, ...]


def due_hints(database: Database, most: int) -> Due:
    """Read some hints that are due, the earliest first. Cost: one round trip."""
    hints_key = database.keys.expiry_hints()
    now, wait, *texts = database.run("look for what is due", "expiry/due", [hints_key], [most])
    hints = tuple(Hint.parse(text.decode()) for text in texts)
    return Due(now, wait if wait >= 0 else None, hints)


def note_hint(database: Database, hint: Hint, due_ms: int) -> None:
    """Have a segment checked at this time at the latest; an earlier time stays."""
    _write(database, hint, due_ms, "by")


def settle_hint(database: Database, hint: Hint, due_ms: int | None) -> None:
    """Set when the segment is checked next, ``None`` for never. Check again afterwards."""
    _write(database, hint, due_ms or 0, "never" if due_ms is None else "at")


def all_hints(database: Database) -> Iterator[Hint]:
    """Yield every hint, some of them twice. Cost: one round trip per thousand."""
    cursor = 0
    while True:
        with driver_errors("read the hints"):
            cursor, found = database.client.zscan(database.keys.expiry_hints(), cursor, count=_PAGE)
        yield from (Hint.parse(text.decode()) for text, _ in found)
        if not cursor:
            return


def _write(database: Database, hint: Hint, due_ms: int, how: str) -> None:
    arguments = (str(hint), due_ms, how)
    key = database.keys.expiry_hints()
    database.run("note when something expires", "expiry/hint", [key], arguments)
