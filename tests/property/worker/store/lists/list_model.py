"""What two lists and an import are, said with plain sets."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final

from worker.store import Edit, Membership
from worker.store.jobs import Mode
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import Claim, Revision

Lists = dict[Side, frozenset[str]]
#: Side and key to the time at which the member is removed.
Schedules = dict[tuple[Side, str], int]
EMPTY: Final[Lists] = {INCLUDED: frozenset(), EXCLUDED: frozenset()}


def applied(lists: Lists, edits: Iterable[Edit]) -> Lists:
    """Give the two lists after some edits."""
    after = dict(lists)
    for edit in edits:
        side: Side = INCLUDED if edit.op[0] == "i" else EXCLUDED
        one = frozenset({edit.key})
        after[side] = after[side] | one if edit.op[1] == "+" else after[side] - one
    return after


def changed_by(file: Iterable[str], mode: Mode, base: Iterable[str]) -> frozenset[str]:
    """Give the list that an import of a file makes of another one."""
    keys, before = frozenset(file), frozenset(base)
    match mode:
        case "replace":
            return keys
        case "remove":
            return before - keys
        case _:
            return before | keys


def scheduled_after(lists: Lists, schedules: Schedules, edits: Iterable[Edit]) -> Schedules:
    """Give the schedules that some edits leave: of members that never left their list."""
    left = dict(schedules)
    for edit in edits:
        after = applied(lists, [edit])
        if after != lists:
            left.pop((INCLUDED if edit.op[0] == "i" else EXCLUDED, edit.key), None)
        lists = after
    return left


def answers_of(lists: Lists, keys: Iterable[str]) -> Hashable:
    """Give what a look-up of these keys must answer."""
    included, excluded = lists[INCLUDED], lists[EXCLUDED]
    return tuple(Membership(included=key in included, excluded=key in excluded) for key in keys)


@dataclass(slots=True)
class Build:
    """An import that holds the list: its file, and what was edited since its claim."""

    import_id: str
    claim: Claim
    file: frozenset[str]
    mode: Mode
    side: Side
    """The list that it changes."""
    at_claim: Lists
    edits: list[Edit] = field(default_factory=list)
    target: Revision | None = None
    written: bool = False
    seal: int | None = None
    broken_seal: int | None = None
    counts: tuple[int, int] = (-1, -1)
    replaying: bool = False
    waits: bool = False
    approved: bool = False
    touched: bool = False
    journal: int = 0

    @property
    def is_reshard(self) -> bool:
        """Whether it has no file and gives way to an import."""
        return self.mode == "reshard"

    @property
    def unapproved(self) -> bool:
        """Whether it waits for an approval, or will."""
        return self.waits and not self.approved

    def edit(self, edits: Iterable[Edit]) -> None:
        """Note what is done to the live list meanwhile."""
        added = list(edits)
        self.edits += added
        self.journal += len(added)

    @property
    def result(self) -> Lists:
        """What is live after it is published now."""
        changed = changed_by(self.file, self.mode, self.at_claim[self.side])
        return applied({**self.at_claim, self.side: changed}, self.edits)
