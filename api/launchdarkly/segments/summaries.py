"""What an entry of the log of changes says of a segment: names and numbers, never a key."""

from collections.abc import Iterable
from typing import Any, Final

from api.bodies.json_values import JsonObject, exact_text
from api.errors import Broken
from api.launchdarkly.segments.instructions import BigSegmentEdit
from api.launchdarkly.targeting.edit_summaries import KeyEdit, summarize_edits
from api.launchdarkly.targeting.fields import DEFAULT_KIND
from api.launchdarkly.targeting.stored import stored_fields
from worker.store import Definition, ListState, ListUnknown

#: Which action a changed field is. Source: LaunchDarkly's list of actions on segments.
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
_LISTS: Final = ("included", "excluded")


def segment_summary(definition: Definition, state: ListState | None) -> dict[str, Any]:
    """A segment in short.

    Args:
        definition: as stored.
        state: what its list record says, if it has one.
    """
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
        return summary | _counts(definition)
    if state is not None:
        summary |= {"included": state.included_count, "excluded": state.excluded_count}
    return summary


def patched_actions(before: JsonObject, after: JsonObject) -> tuple[str, ...]:
    """The actions of a patch of a definition, in the order of its fields."""
    changed = (
        action
        for name, action in _ACTIONS.items()
        if exact_text(before.get(name)) != exact_text(after.get(name))
    )
    return tuple(dict.fromkeys(changed))


def patched_keys(before: JsonObject, after: JsonObject) -> dict[str, Any]:
    """How many keys a patch adds to each list of a definition and removes from it."""
    counts: list[KeyEdit] = []
    for where in _LISTS:
        old, new = _keys(before, where), _keys(after, where)
        counts += [(where, "add", len(new - old)), (where, "remove", len(old - new))]
    return summarize_edits(counts)


def instructed(edits: Iterable[BigSegmentEdit]) -> dict[str, Any]:
    """As :func:`summarize_edits`, of what instructions ask for."""
    return summarize_edits((one.list, one.action, len(one.keys)) for one in edits)


def _counts(definition: Definition) -> dict[str, int]:
    try:
        fields = stored_fields(definition)
    except (Broken, ListUnknown):  # a segment that cannot be read can still be deleted
        return {}
    counts = {where: len(_keys(fields, where)) for where in _LISTS}
    return counts | {"rules": len(fields["rules"])}


def _keys(fields: JsonObject, where: str) -> set[tuple[str, str]]:
    keys = {(DEFAULT_KIND, key) for key in fields.get(where) or ()}
    for entry in fields.get(f"{where}Contexts") or ():
        keys |= {(entry["contextKind"], key) for key in entry["values"]}
    return keys
