"""Edits of a big segment's lists that instructions ask for: all of them, or a refusal."""

from collections.abc import Mapping
from typing import Final

from api.errors import InvalidRequest
from api.launchdarkly.segments.instructions import BigSegmentEdit, ListName
from worker.store import OPS_PER_CALL, Edit, EditOp, ListRef, Store

_OPS: Final[dict[tuple[str, str], EditOp]] = {
    ("included", "add"): "i+",
    ("included", "remove"): "i-",
    ("excluded", "add"): "e+",
    ("excluded", "remove"): "e-",
}
_ABSENT: Final[dict[ListName, EditOp]] = {"included": "i?", "excluded": "e?"}
_OTHER: Final[dict[str, ListName]] = {"included": "excluded", "excluded": "included"}

Absent = Mapping[ListName, tuple[str, ...]]


def require_absent(store: Store, ref: ListRef, absent: Absent) -> None:
    """Make sure that no edit would make a key both included and excluded.

    Cost: one round trip for 1,000 keys.

    Args:
        store: where the lists are.
        ref: the lists.
        absent: by list, keys that must not be in it.

    Raises:
        InvalidRequest: some are; says how many.
        SegmentNotFound: the segment was deleted.
        ListUnknown: or StoreUnavailable: no certain answer. Safe to retry.
    """
    for where, keys in absent.items():
        count = 0
        for start in range(0, len(keys), OPS_PER_CALL):
            answers = store.memberships.look_up(ref, keys[start : start + OPS_PER_CALL])
            count += sum(one.included if where == "included" else one.excluded for one in answers)
        if count:
            message = f"instructions: {count:,} of the keys would be both included and excluded"
            raise InvalidRequest(f"{message}; remove them from one list first")


def apply_edits(
    store: Store, ref: ListRef, edits: tuple[BigSegmentEdit, ...], absent: Absent
) -> bool:
    """Make the edits, unless a key would be both included and excluded.

    Each 1,000 are one step, and the condition is checked in the same step, so nobody can
    add the key to the other list in between. More than one step are checked as a whole
    first; only a racing edit can then stop them half-way.

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
    return store.memberships.edit(ref, ops)


def _ops(edits: tuple[BigSegmentEdit, ...], absent: Absent) -> list[Edit]:
    """The store's ops; a condition and what depends on it are pairs, which no call cuts."""
    guarded: list[Edit] = []
    free: list[Edit] = []
    for edit in edits:
        op, other = _OPS[edit.list, edit.action], _OTHER[edit.list]
        watched = frozenset(absent.get(other, ())) if edit.action == "add" else frozenset()
        for key in edit.keys:
            if key in watched:
                guarded += (Edit(_ABSENT[other], key), Edit(op, key))
            else:
                free.append(Edit(op, key))
    return guarded + free
