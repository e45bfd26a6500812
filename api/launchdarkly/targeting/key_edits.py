"""What the audit log says of edits of lists: how many keys, never which."""

from collections.abc import Iterable, Mapping
from typing import Final

_ACTIONS: Final = {"included": "updateIncluded", "excluded": "updateExcluded"}

KeyEdit = tuple[str, str, int]
"""A list, ``add`` or ``remove``, and how many keys."""
EditSummary = Mapping[str, Mapping[str, int]]


def summarize_edits(edits: Iterable[KeyEdit]) -> EditSummary:
    """Count the keys to add to each list and to remove from it; unedited lists are left out.

    For a big segment these are the keys of the request: some may have been there before.
    """
    summary: dict[str, dict[str, int]] = {}
    for side, action, count in edits:
        if count:
            summary.setdefault(side, {"added": 0, "removed": 0})
            summary[side]["added" if action == "add" else "removed"] += count
    return summary


def edit_actions(summary: EditSummary) -> tuple[str, ...]:
    """LaunchDarkly's actions for the edits of a summary."""
    return tuple(action for side, action in _ACTIONS.items() if side in summary)
