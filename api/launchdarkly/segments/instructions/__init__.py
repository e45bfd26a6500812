"""LaunchDarkly's semantic patch: instructions by kind, of which all are applied or none."""

from api.launchdarkly.segments.instructions.applying import apply_instructions
from api.launchdarkly.segments.instructions.list_edits import ListEdit, ListName

__all__ = ["ListEdit", "ListName", "apply_instructions"]
