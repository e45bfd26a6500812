"""What the list records of segments say, where they have lists."""

from collections.abc import Sequence

from worker.store import ListState, ListUnknown, Segment, Store


def state_of(store: Store, segment: Segment) -> ListState | None:
    """The lists of a segment: ``None`` for a standard one, and for one whose record is lost.

    Cost: one round trip for a big segment.

    Raises:
        SegmentNotFound: the segment was deleted meanwhile.
        StoreUnavailable: no answer. Safe to retry.
    """
    if not segment.unbounded:
        return None
    try:
        return store.memberships.state(segment.ref)
    except ListUnknown:
        return None


def states_of(store: Store, segments: Sequence[Segment]) -> list[ListState | None]:
    """As :meth:`state_of` for many segments. Cost: one round trip unless a record is lost."""
    big = [one.ref for one in segments if one.unbounded]
    if not big:
        return [None] * len(segments)
    try:
        states = iter(store.memberships.states(big))
    except ListUnknown:
        # One of them is lost; the others' owners still want to see theirs.
        return [state_of(store, one) for one in segments]
    return [next(states) if one.unbounded else None for one in segments]
