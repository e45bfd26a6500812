"""Edits of a big segment's lists by instructions: all are made, or the patch is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from api.errors import InvalidRequest
from worker.store import OPS_PER_CALL, Edit, EditOp, ListRef, Store

ListName = Literal["included", "excluded"]
Action = Literal["add", "remove"]
Absent = Mapping[ListName, tuple[str, ...]]
"""By list, keys that must not be in it."""

_OTHER: Final[dict[ListName, ListName]] = {"included": "excluded", "excluded": "included"}
_OPS: Final[dict[tuple[ListName, Action], EditOp]] = {
    ("included", "add"): "i+",
    ("included", "remove"): "i-",
    ("excluded", "add"): "e+",
    ("excluded", "remove"): "e-",
}
#: Keys in one look-up.
_LOOKED_UP_AT_ONCE: Final = 250
_REQUIRE_ABSENT: Final[dict[ListName, EditOp]] = {"included": "i?", "excluded": "e?"}


@dataclass(frozen=True, slots=True)
class ListEdit:
    """Keys to add to a list or to remove from it, whether they are in it or not."""

    list_name: ListName
    action: Action
    keys: tuple[str, ...]


class EditLog:
    """The edits of a request's instructions; the last edit of a key in a list counts."""

    def __init__(self) -> None:
        self._last: dict[ListName, dict[str, Action]] = {"included": {}, "excluded": {}}

    def note(self, list_name: ListName, action: Action, keys: Iterable[str]) -> None:
        """Note edits; they override earlier ones of the same keys."""
        self._last[list_name].update(dict.fromkeys(keys, action))

    def edits(self) -> tuple[ListEdit, ...]:
        """The edits, in any order; each key at most once per list.

        Raises:
            InvalidRequest: a key would be added to both lists.
        """
        both = self._added("included").keys() & self._added("excluded").keys()
        if both:
            count = "1 key" if len(both) == 1 else f"{len(both):,} keys"
            message = f"instructions: {count} would be both included and excluded"
            raise InvalidRequest(message)
        return tuple(
            ListEdit(list_name, action, tuple(keys))
            for list_name, last in self._last.items()
            for action in ("add", "remove")
            if (keys := [key for key, key_action in last.items() if key_action == action])
        )

    def clashes(self) -> dict[ListName, tuple[str, ...]]:
        """By list, the keys that must not be in it for the edits to be allowed.

        They are added to the other list, and nothing in the request removes them from
        this one.
        """
        found = {
            list_name: tuple(key for key in self._added(_OTHER[list_name]) if key not in last)
            for list_name, last in self._last.items()
        }
        return {list_name: keys for list_name, keys in found.items() if keys}

    def _added(self, list_name: ListName) -> dict[str, Action]:
        return {key: action for key, action in self._last[list_name].items() if action == "add"}


def require_absent(store: Store, ref: ListRef, absent: Absent) -> None:
    """Make sure that no edit would make a key both included and excluded.

    Cost: one round trip for 250 keys.

    Raises:
        InvalidRequest: some would; says how many.
        SegmentNotFound: the segment was deleted.
        ListUnknown: or StoreUnavailable: no certain answer. Safe to retry.
    """
    for list_name, keys in absent.items():
        count = 0
        for start in range(0, len(keys), _LOOKED_UP_AT_ONCE):
            answers = store.memberships.look_up(ref, keys[start : start + _LOOKED_UP_AT_ONCE])
            count += sum(
                answer.included if list_name == "included" else answer.excluded
                for answer in answers
            )
        if count:
            message = f"instructions: {count:,} of the keys would be both included and excluded"
            raise InvalidRequest(f"{message}; remove them from one list first")


def apply_edits(store: Store, ref: ListRef, edits: tuple[ListEdit, ...], absent: Absent) -> bool:
    """Make the edits, unless a key would be both included and excluded.

    Each 1,000 are one atomic step that also checks the condition, so nobody can add a key to the
    other list in between. Several steps are checked as a whole first; only a concurrent edit can
    then stop them half-way.

    Returns:
        Whether the list should be re-sharded.

    Raises:
        InvalidRequest: or KeyInOtherList: a key would be in both lists.
        SegmentNotFound: the segment was deleted.
        ListUnknown: or OutOfMemory, StoreUnavailable: as :meth:`MembershipStore.edit`.
    """
    ops = _ops(edits, absent)
    if len(ops) > OPS_PER_CALL:
        require_absent(store, ref, absent)
    return store.memberships.edit(ref, ops, ops_per_step=OPS_PER_CALL)


def _ops(edits: tuple[ListEdit, ...], absent: Absent) -> list[Edit]:
    """The store's operations; a condition and the edit that depends on it stay in one call."""
    guarded: list[Edit] = []
    free: list[Edit] = []
    for edit in edits:
        op, other = _OPS[edit.list_name, edit.action], _OTHER[edit.list_name]
        watched = frozenset(absent.get(other, ())) if edit.action == "add" else frozenset()
        for key in edit.keys:
            if key in watched:
                guarded += (Edit(_REQUIRE_ABSENT[other], key), Edit(op, key))
            else:
                free.append(Edit(op, key))
    return guarded + free
