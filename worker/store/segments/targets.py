"""The targets of standard segments, as far as the store reads them: to remove some."""

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from worker.store.errors import SegmentNotFound, UnreadableRecord
from worker.store.keyspace import EXCLUDED, INCLUDED, ListRef, Side
from worker.store.segments.definitions import (
    Definition,
    DefinitionChange,
    Segment,
    TargetSchedule,
)
from worker.store.segments.segment_store import SegmentStore

#: Side, context kind and key.
Target = tuple[Side, str, str]

_SIDES: Final[tuple[Side, ...]] = (INCLUDED, EXCLUDED)
#: The kind whose keys have lists of their own.
_USER: Final = "user"


def require_generation(segment: Segment, ref: ListRef) -> None:
    """Check that a segment is still of this generation.

    Raises:
        SegmentNotFound: it was deleted, and created again.
    """
    if segment.generation != ref.generation:
        message = f"segment {ref.segment} (generation {ref.generation}) was deleted"
        raise SegmentNotFound(message)


def save_targets(
    segments: SegmentStore,
    segment: Segment,
    targeting: bytes | None,
    schedules: Sequence[TargetSchedule],
) -> Segment:
    """Replace the targets and rules of a segment, and the removals of targets to come.

    Raises:
        ResourceChanged: or another error of :meth:`SegmentStore.update`; nothing was written.
    """
    change = DefinitionChange(
        name=segment.name,
        description=segment.description,
        tags=segment.tags,
        targeting=None if targeting is None else targeting.decode(),
        schedules=tuple(schedules),
    )
    return segments.update(segment, change)


def remove_targets(definition: Definition, gone: Iterable[Target]) -> bytes | None:
    """The targets and rules of a segment without some targets; ``None`` if nothing is left.

    Raises:
        UnreadableRecord: they are not as another release writes them.
    """
    if definition.targeting is None:
        return None
    by_side: dict[Side, dict[str, set[str]]] = {side: {} for side in _SIDES}
    for side, kind, key in gone:
        by_side[side].setdefault(kind, set()).add(key)
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
