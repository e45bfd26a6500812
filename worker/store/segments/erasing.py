"""Erases one key from the targets of standard segments; finds rules that name it."""

import json
from dataclasses import dataclass
from typing import Any

from worker.store.keyspace import EXCLUDED, INCLUDED, ListRef, Side
from worker.store.optimistic import retry_on_change
from worker.store.segments.definitions import Definition, decode_schedules
from worker.store.segments.segment_store import SegmentStore
from worker.store.segments.targets import remove_targets, require_generation, save_targets
from worker.store.stored_json import spellings, texts_in


@dataclass(frozen=True, slots=True)
class KeyUses:
    """Where a standard segment has a key."""

    sides: tuple[Side, ...]
    """The lists of targets that have it."""
    in_rules: bool
    """Whether a value of a rule is the key, of whatever kind and attribute."""


def find_key(definition: Definition, kind: str, key: str) -> KeyUses:
    """Find a key in a segment. Cost: parses what it targets if the key's text is in it."""
    text = definition.targeting
    if text is None or not any(form in text for form in spellings(key)):
        return KeyUses((), in_rules=False)
    fields: dict[str, Any] = json.loads(text)
    sides = tuple(side for side in (INCLUDED, EXCLUDED) if _targets(fields, side, kind, key))
    return KeyUses(sides, key in texts_in(fields.get("rules") or []))


def erase_target(segments: SegmentStore, ref: ListRef, kind: str, key: str) -> None:
    """Remove a key from the targets of a segment, with its schedules. Safe to repeat.

    Raises:
        SegmentNotFound: this generation of the segment is gone.
        ResourceChanged: others changed it during every attempt. Safe to retry.
    """

    def attempt() -> None:
        current = segments.read(ref.env, ref.segment)
        require_generation(current.segment, ref)
        sides = find_key(current, kind, key).sides
        gone = [(side, kind, key) for side in sides]
        if gone:
            left = [each for each in decode_schedules(current) if each.target not in gone]
            save_targets(segments, current.segment, remove_targets(current, gone), left)

    retry_on_change(f"segment {ref.segment}", attempt)


def _targets(fields: dict[str, Any], side: Side, kind: str, key: str) -> bool:
    if kind == "user" and key in fields[side]:
        return True
    entries = fields[f"{side}Contexts"]
    return any(entry["contextKind"] == kind and key in entry["values"] for entry in entries)
