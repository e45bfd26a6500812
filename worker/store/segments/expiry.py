"""Removing targets of standard segments when their time has come.

A schedule goes with its target in one write of the definition, under its optimistic lock.
"""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from worker.store.errors import SegmentChanged, SegmentNotFound, StoreUnavailable
from worker.store.expiry_hints import Hint, note_hint
from worker.store.keyspace import EXCLUDED, INCLUDED, ListRef, Side
from worker.store.lists import Expired
from worker.store.segments.definitions import Definition, DefinitionChange, Segment
from worker.store.segments.segments import SegmentStore
from worker.store.segments.target_schedules import TargetSchedule, decode_schedules, earliest_ms
from worker.store.server.database import Database

#: Reads anew when somebody else was faster; whoever changes a segment that often slows this.
_TRIES: Final = 20
_SIDES: Final[tuple[Side, ...]] = (INCLUDED, EXCLUDED)
#: The kind whose keys have lists of their own.
_USER: Final = "user"


def save_target_schedules(
    database: Database,
    segments: SegmentStore,
    current: Definition,
    schedules: Sequence[TargetSchedule],
) -> Segment:
    """Replace the schedules of a standard segment that is still as it was read.

    Args:
        database: where it is.
        segments: the store of its definition.
        current: the segment as it was read.
        schedules: all of them; each about a target that the segment has.

    Returns:
        The definition with its next version.

    Raises:
        SegmentChanged: it is not; nothing was written.
        SegmentNotFound: or OutOfMemory, StoreUnavailable: as :meth:`SegmentStore.update`.
    """
    due_ms, hint = earliest_ms(schedules), Hint.of_targets(current.segment.ref)
    if due_ms is not None:
        note_hint(database, hint, due_ms)
    segment = _written(segments, current.segment, current.targeting, schedules)
    if due_ms is not None:
        # Again: who looked between the two has taken the first hint off.
        note_hint(database, hint, due_ms)
    return segment


def expire_targets(segments: SegmentStore, ref: ListRef, now_ms: int) -> Expired:
    """Remove every target whose time has come, in one write. Safe to repeat at any time.

    Cost: one round trip when nothing is due, else linear in what the segment targets.

    Raises:
        SegmentNotFound: this generation of the segment is gone.
        SegmentChanged: others changed it faster, many times over. Safe to retry.
        StoreUnavailable: no answer. Safe to retry.
    """
    for _ in range(_TRIES):
        next_ms = next_target_ms(segments, ref)
        if next_ms is None or next_ms > now_ms:
            return Expired(0, 0, next_ms)
        current = segments.read(ref.scope, ref.segment)
        if current.segment.generation != ref.generation:
            continue
        schedules = decode_schedules(current.schedules)
        left = tuple(one for one in schedules if one.due_ms > now_ms)
        due = [one for one in schedules if one.due_ms <= now_ms]
        try:
            _written(segments, current.segment, _without(current, due), left)
        except SegmentChanged:
            continue
        return Expired(len(due), 0, earliest_ms(left))
    message = f"segment {ref.segment} changes too fast to remove targets from it"
    raise SegmentChanged(message)


def next_target_ms(segments: SegmentStore, ref: ListRef) -> int | None:
    """When the first target of a segment is due. Cost: one round trip.

    Raises:
        SegmentNotFound: this generation of the segment is gone.
        StoreUnavailable: no answer. Safe to retry.
    """
    segment = segments.get(ref.scope, ref.segment)
    if segment.generation != ref.generation:
        message = f"segment {ref.segment} (generation {ref.generation}) was deleted"
        raise SegmentNotFound(message)
    return segment.expires_ms


def _written(
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


def _without(definition: Definition, gone: Sequence[TargetSchedule]) -> bytes | None:
    """What a segment targets, less some targets; all else stays as it is."""
    if definition.targeting is None:
        return None
    by_side: dict[Side, dict[str, set[str]]] = {side: {} for side in _SIDES}
    for one in gone:
        by_side[one.side].setdefault(one.context_kind, set()).add(one.key)
    try:
        fields: dict[str, Any] = json.loads(definition.targeting)
        for side, keys in by_side.items():
            fields[side] = _kept(fields[side], keys.get(_USER, frozenset()))
            fields[f"{side}Contexts"] = _kept_entries(fields[f"{side}Contexts"], keys)
    except (ValueError, TypeError, KeyError) as exc:
        message = f"segment {definition.segment.key} is not readable by this release"
        raise StoreUnavailable(message) from exc
    if not any(fields.values()):
        return None
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _kept(keys: Sequence[str], gone: AbstractSet[str]) -> list[str]:
    return [key for key in keys if key not in gone]


def _kept_entries(
    entries: Sequence[dict[str, Any]], gone: Mapping[str, AbstractSet[str]]
) -> list[dict[str, Any]]:
    """The entries; one that loses its last key goes, as with any removal."""
    kept = []
    for entry in entries:
        values = _kept(entry["values"], gone.get(entry["contextKind"], frozenset()))
        if values or not entry["values"]:
            kept.append({**entry, "values": values})
    return kept
