"""Audit entries about segments: names and numbers, never a key."""

from collections.abc import Sequence
from typing import Any, Final

from api.access.auth import Caller
from api.audit import audit_segment
from api.bodies.json_values import JsonObject, exact_text
from api.errors import Broken
from api.launchdarkly.segments.apply_patch import PatchResult
from api.launchdarkly.segments.instructions import ListEdit
from api.launchdarkly.targeting.edit_summaries import edit_actions, summarize_edits
from api.launchdarkly.targeting.stored import collect_targets, read_fields
from api.services.services import Services
from worker.store import EXCLUDED, INCLUDED, Definition, ListState, ListUnknown, Segment, Side

#: The action of a changed field. Source: LaunchDarkly's list of actions on segments.
_ACTIONS: Final = {
    "name": "updateName",
    "description": "updateDescription",
    "tags": "updateTags",
    "included": "updateIncluded",
    "includedContexts": "updateIncluded",
    "excluded": "updateExcluded",
    "excludedContexts": "updateExcluded",
    "rules": "updateRules",
}
_SIDES: Final[tuple[Side, ...]] = (INCLUDED, EXCLUDED)


def summarize_segment(definition: Definition, state: ListState | None) -> dict[str, Any]:
    """Summarize a segment, with the counts of its lists if their state is given."""
    segment = definition.segment
    summary: dict[str, Any] = {
        "key": segment.key,
        "name": segment.name,
        "tags": list(segment.tags),
        "version": segment.version,
        "generation": segment.generation,
        "unbounded": segment.unbounded,
    }
    if segment.description is not None:
        summary["description"] = segment.description
    if not segment.unbounded:
        return summary | _count(definition)
    if state is not None:
        summary |= {"included": state.included_count, "excluded": state.excluded_count}
    return summary


def record_patch(
    services: Services, caller: Caller, current: Definition, stored: Definition, result: PatchResult
) -> None:
    """Record that a patch changed a definition."""
    before, after = result.before.to_wire(), result.document.to_wire()
    edits = {} if stored.segment.unbounded else count_patched_keys(before, after)
    audit_segment(
        services,
        caller,
        stored.segment,
        action=list_patch_actions(before, after),
        verb="updated the segment",
        comment=result.comment,
        before=summarize_segment(current, None),
        after=summarize_segment(stored, None) | ({"edits": edits} if edits else {}),
    )


def record_list_edits(
    services: Services,
    caller: Caller,
    segment: Segment,
    edits: Sequence[ListEdit],
    comment: str | None,
) -> None:
    """Record that instructions edited the lists of a big segment."""
    summary = summarize_edits((edit.list_name, edit.action, len(edit.keys)) for edit in edits)
    audit_segment(
        services,
        caller,
        segment,
        action=edit_actions(summary),
        verb="edited the lists of the segment",
        comment=comment,
        after={"edits": summary},
    )


def list_patch_actions(before: JsonObject, after: JsonObject) -> tuple[str, ...]:
    """The actions of a patch of a definition, in the order of its fields."""
    changed = (
        action
        for name, action in _ACTIONS.items()
        if exact_text(before.get(name)) != exact_text(after.get(name))
    )
    return tuple(dict.fromkeys(changed))


def count_patched_keys(before: JsonObject, after: JsonObject) -> dict[str, Any]:
    """Count the keys that a patch adds to each list of a definition and removes from it."""
    old, new = _keys_by_side(before), _keys_by_side(after)
    return summarize_edits(
        edit
        for side in _SIDES
        for edit in (
            (side, "add", len(new[side] - old[side])),
            (side, "remove", len(old[side] - new[side])),
        )
    )


def _count(definition: Definition) -> dict[str, int]:
    try:
        fields = read_fields(definition)
    except (Broken, ListUnknown):  # a segment that cannot be read can still be deleted
        return {}
    counts: dict[str, int] = {side: len(keys) for side, keys in _keys_by_side(fields).items()}
    return counts | {"rules": len(fields["rules"])}


def _keys_by_side(fields: JsonObject) -> dict[Side, set[tuple[str, str]]]:
    keys: dict[Side, set[tuple[str, str]]] = {side: set() for side in _SIDES}
    for (side, kind), values in collect_targets(fields).items():
        keys[side] |= {(kind, value) for value in values}
    return keys
