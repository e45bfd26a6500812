"""What the audit log says about edits of a segment's lists: numbers, never a key."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

#: By list. Source: LaunchDarkly's list of actions on segments.
_ACTIONS: Final = {"included": "updateIncluded", "excluded": "updateExcluded"}

KeyEdit = tuple[str, str, int]
"""A list, ``add`` or ``remove``, and how many keys."""


def summarize_edits(edits: Iterable[KeyEdit]) -> dict[str, Any]:
    """Count the keys to add to each list and to remove from it.

    A list without edits is left out. For a big segment the counts are those of the request: some
    keys may have been members before.
    """
    summary: dict[str, dict[str, int]] = {}
    for where, action, count in edits:
        if count:
            summary.setdefault(where, {"added": 0, "removed": 0})
            summary[where]["added" if action == "add" else "removed"] += count
    return summary


def edit_actions(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """The actions that a summary of edits stands for."""
    return tuple(action for where, action in _ACTIONS.items() if where in summary)
