"""Union, intersection and difference of members."""

from collections.abc import Sequence

from worker.store.jobs import Operation
from worker.store.members import Members, OrderedMembers, contained, distinct, join_members


def combine(op: Operation, parts: Sequence[Members]) -> Members:
    """What an operation makes of some lists.

    Cost: one sort of the hashes of each list; but for a union, a search of sorted hashes by sorted
    ones, and only members whose hash is in both are compared or moved.

    Args:
        op: The operation; ``except`` takes those of the first that are in no other.
        parts: Members of each list, each once, in any order; at least one list.

    Returns:
        Distinct members in order of their hashes; those with one hash are in order of their bytes.
    """
    if op == "union" or len(parts) == 1:
        return distinct(join_members(parts))
    left = OrderedMembers.of(parts[0])
    for part in parts[1:]:
        found = contained(left, OrderedMembers.of(part))
        left = left.where(found if op == "intersect" else ~found)
    return left.members()
