"""Removes targets when their time has come."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from worker.batches import batches
from worker.errors import TerminalError, TransientError
from worker.jobs.services import Services
from worker.store import (
    OURSELVES,
    EnvironmentNotFound,
    ListRef,
    ListUnknown,
    ProjectNotFound,
    SegmentNotFound,
    Store,
    segment_change,
)
from worker.store.expiry_hints import Hint, all_hints, due_hints, note_hint, settle_hint
from worker.store.lists import Expired, earliest_schedule_ms, expire_members
from worker.store.segments import expire_targets, next_target_ms

logger = logging.getLogger("bigseg.upkeep")

#: Segments visited before the clock is read again.
_PER_TURN: Final = 100
#: A segment whose targets cannot be removed now is tried again this much later.
_RETRY_MS: Final = 1_000
_LISTS_PER_CALL: Final = 1_000
_GONE: Final = (SegmentNotFound, EnvironmentNotFound, ProjectNotFound)


def expire_due(store: Store) -> int | None:
    """Remove what is due now, in bounded steps. Several workers may do so at once.

    An error about one segment is logged and does not delay the others.

    Cost: one round trip when nothing is due, about four a segment.

    Returns:
        Milliseconds until something is due next, 0 when there is more to do now, ``None``
        when nothing is scheduled.
    """
    due = due_hints(store.database, _PER_TURN)
    for hint in due.hints:
        try:
            _visit(store, hint, due.now_ms)
        except (TransientError, TerminalError) as exc:
            facts = {"list": hint.ref.name, "error": type(exc).__name__}
            logger.warning("expiry.postponed", extra=facts)
            settle_hint(store.database, hint, due.now_ms + _RETRY_MS)
    return 0 if len(due.hints) == _PER_TURN else due.wait_ms


def mend_hints(services: Services) -> int:
    """Restore hints to schedules that have none, and drop hints without one.

    A crash at the wrong moment may lose a hint, but never a schedule.

    Cost: about one round trip a thousand segments.

    Returns:
        Segments that have schedules.
    """
    store = services.store
    scheduled = set()
    for hint, due_ms in _scheduled(store):
        note_hint(store.database, hint, due_ms)
        scheduled.add(hint)
    for hint in set(all_hints(store.database)) - scheduled:
        _visit(store, hint, services.clock_ms())
    return len(scheduled)


def _visit(store: Store, hint: Hint, now_ms: int) -> None:
    """Remove what is due in one segment; note when it is due next."""
    try:
        expired = _expire(store, hint, now_ms)
    except _GONE:
        expired = Expired(0, 0, None)
    except ListUnknown:
        expired = Expired(0, 0 if _is_gone(store, hint.ref) else 1, None)
    if expired.removed:
        facts = {"list": hint.ref.name, "targets": expired.removed}
        logger.info("targets.expired", extra=facts)
        _record(store, hint.ref, expired.removed)
    if expired.kept:
        logger.warning("list.damaged", extra={"list": hint.ref.name})
        settle_hint(store.database, hint, now_ms + _RETRY_MS)
        return
    settle_hint(store.database, hint, expired.next_ms)
    # A schedule added between the check and the line above would be missed.
    again_ms = _next_ms(store, hint)
    if again_ms is not None:
        note_hint(store.database, hint, again_ms)


def _record(store: Store, ref: ListRef, removed: int) -> None:
    """Record the removal in the audit log, unless the segment has just been deleted."""
    try:
        segment = store.segments.get(ref.env, ref.segment)
    except _GONE:
        return
    change = segment_change(
        OURSELVES,
        segment,
        action="updateExpiringTargets",
        verb="removed expired targets from the segment",
        after={"removed": removed},
    )
    store.audit.record(ref.env, change)


def _expire(store: Store, hint: Hint, now_ms: int) -> Expired:
    if hint.big:
        return expire_members(store.database, hint.ref)
    return expire_targets(store.segments, hint.ref, now_ms)


def _next_ms(store: Store, hint: Hint) -> int | None:
    if hint.big:
        return earliest_schedule_ms(store.database, [hint.ref])[0]
    try:
        return next_target_ms(store.segments, hint.ref)
    except _GONE:
        return None


def _is_gone(store: Store, ref: ListRef) -> bool:
    """Whether a list without a record was deleted, and not lost."""
    try:
        return store.segments.get(ref.env, ref.segment).generation != ref.generation
    except _GONE:
        return True


def _scheduled(store: Store) -> Iterator[tuple[Hint, int]]:
    """Every segment that has schedules, with the time of the first."""
    for env in store.environments.list_refs():
        segments = store.segments.read_remaining(env)
        for segment in segments:
            if segment.expires_ms is not None:
                yield Hint.of_targets(segment.ref), segment.expires_ms
        big = [segment.ref for segment in segments if segment.unbounded]
        yield from _scheduled_lists(store, big)


def _scheduled_lists(store: Store, refs: Sequence[ListRef]) -> Iterator[tuple[Hint, int]]:
    for group in batches(refs, _LISTS_PER_CALL):
        for ref, due_ms in zip(group, earliest_schedule_ms(store.database, group), strict=True):
            if due_ms is not None:
                yield Hint.of_list(ref), due_ms
