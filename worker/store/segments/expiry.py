"""Removes the targets of standard segments that are due.

A target and its schedule are removed in one optimistic write of the definition.
"""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from worker.store.errors import SegmentNotFound, UnreadableRecord
from worker.store.expiry_hints import Hint, note_hint
from worker.store.keyspace import EXCLUDED, INCLUDED, ListRef, Side
from worker.store.lists import Expired
from worker.store.optimistic import retry_on_change
from worker.store.segments.definitions import (
    Definition,
    DefinitionChange,
    Segment,
    TargetSchedule,
    decode_schedules,
    earliest_ms,
)
from worker.store.segments.segment_store import SegmentStore
from worker.store.server.database import Database

_SIDES: Final[tuple[Side, ...]] = (INCLUDED, EXCLUDED)
#: The kind whose keys have lists of their own.
_USER: Final = "user"


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
    segment = _save(segments, current.segment, current.targeting, schedules)
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
        _require_generation(current.segment, ref)
        schedules = decode_schedules(current)
        left = tuple(schedule for schedule in schedules if schedule.due_ms > now_ms)
        due = [schedule for schedule in schedules if schedule.due_ms <= now_ms]
        _save(segments, current.segment, _remove_targets(current, due), left)
        return Expired(len(due), 0, earliest_ms(left))

    return retry_on_change(f"segment {ref.segment}", attempt)


def next_target_ms(segments: SegmentStore, ref: ListRef) -> int | None:
    """When the first target of a segment is due. Cost: one round trip.

    Raises:
        SegmentNotFound: this generation of the segment is gone.
    """
    segment = segments.get(ref.env, ref.segment)
    _require_generation(segment, ref)
    return segment.expires_ms


def _require_generation(segment: Segment, ref: ListRef) -> None:
    if segment.generation != ref.generation:
        message = f"segment {ref.segment} (generation {ref.generation}) was deleted"
        raise SegmentNotFound(message)


def _save(
    segments: SegmentStore,
    segment: Segment,
    targeting: bytes | None,
    schedules: Sequence[TargetSchedule],
) -> Segment:
    change = DefinitionChange(
        name=segment.name,
        description=segment.description,
        tags=segment.tags,
        targeting=None if targeting is None else targeting.decode(),
        schedules=tuple(schedules),
    )
    return segments.update(segment, change)


def _remove_targets(definition: Definition, gone: Sequence[TargetSchedule]) -> bytes | None:
    """The targets and rules of a segment without some targets."""
    if definition.targeting is None:
        return None
    by_side: dict[Side, dict[str, set[str]]] = {side: {} for side in _SIDES}
    for schedule in gone:
        by_side[schedule.side].setdefault(schedule.context_kind, set()).add(schedule.key)
    try:
        fields: dict[str, Any] = json.loads(definition.targeting)
        for side, keys in by_side.items():
            fields[side] = _drop_keys(fields[side], keys.get(_USER, frozenset()))
            fields[f"{side}Contexts"] = _drop_from_entries(fields[f"{side}Contexts"], keys)
    except (ValueError, TypeError, KeyError) as exc:
        raise UnreadableRecord.of(f"the targets of segment {definition.segment.key}") from exc
    if not any(fields.values()):
        return None
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _drop_keys(keys: Sequence[str], gone: AbstractSet[str]) -> list[str]:
    return [key for key in keys if key not in gone]


def _drop_from_entries(
    entries: Sequence[dict[str, Any]], gone: Mapping[str, AbstractSet[str]]
) -> list[dict[str, Any]]:
    """The entries without some keys; an entry that loses its last key goes too."""
    kept = []
    for entry in entries:
        values = _drop_keys(entry["values"], gone.get(entry["contextKind"], frozenset()))
        if values or not entry["values"]:
            kept.append({**entry, "values": values})
    return kept
