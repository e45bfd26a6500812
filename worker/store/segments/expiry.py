"""Removes the targets of standard segments that are due.

A target and its schedule are removed in one optimistic write of the definition.
"""

from collections.abc import Sequence

from worker.store.expiry_hints import Hint, note_hint
from worker.store.keyspace import ListRef
from worker.store.lists import Expired
from worker.store.optimistic import retry_on_change
from worker.store.segments.definitions import (
    Definition,
    Segment,
    TargetSchedule,
    decode_schedules,
    earliest_ms,
)
from worker.store.segments.segment_store import SegmentStore
from worker.store.segments.targets import remove_targets, require_generation, save_targets
from worker.store.server.database import Database


def save_target_schedules(
    database: Database,
    segments: SegmentStore,
    current: Definition,
    schedules: Sequence[TargetSchedule],
) -> Segment:
    """Replace the schedules of a standard segment, unless it has changed since it was read.

    Args:
        database: holds the segment.
        segments: the store of its definition.
        current: the segment as it was read.
        schedules: all of them, each for a target that the segment has.

    Returns:
        The definition with its next version.

    Raises:
        ResourceChanged: it has changed; nothing was written.
        SegmentNotFound: or OutOfMemory, StoreUnavailable: as :meth:`SegmentStore.update`.
    """
    due_ms, hint = earliest_ms(schedules), Hint.of_targets(current.segment.ref)
    if due_ms is not None:
        note_hint(database, hint, due_ms)
    segment = save_targets(segments, current.segment, current.targeting, schedules)
    if due_ms is not None:
        # Again: a worker that checked between the two has removed the first hint.
        note_hint(database, hint, due_ms)
    return segment


def expire_targets(segments: SegmentStore, ref: ListRef, now_ms: int) -> Expired:
    """Remove every target that is due, in one write. Safe to repeat at any time.

    Cost: one round trip when nothing is due, else linear in what the segment targets.

    Raises:
        SegmentNotFound: this generation of the segment is gone.
        ResourceChanged: others changed it during every attempt. Safe to retry.
    """

    def attempt() -> Expired:
        next_ms = next_target_ms(segments, ref)
        if next_ms is None or next_ms > now_ms:
            return Expired(0, 0, next_ms)
        current = segments.read(ref.env, ref.segment)
        require_generation(current.segment, ref)
        schedules = decode_schedules(current)
        left = tuple(schedule for schedule in schedules if schedule.due_ms > now_ms)
        due = [schedule for schedule in schedules if schedule.due_ms <= now_ms]
        targeting = remove_targets(current, [each.target for each in due])
        save_targets(segments, current.segment, targeting, left)
        return Expired(len(due), 0, earliest_ms(left))

    return retry_on_change(f"segment {ref.segment}", attempt)


def next_target_ms(segments: SegmentStore, ref: ListRef) -> int | None:
    """When the first target of a segment is due. Cost: one round trip.

    Raises:
        SegmentNotFound: this generation of the segment is gone.
    """
    segment = segments.get(ref.env, ref.segment)
    require_generation(segment, ref)
    return segment.expires_ms
