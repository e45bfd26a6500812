"""LaunchDarkly's semantic patch: instructions by kind, applied all or not at all."""

from api.launchdarkly.segments.instructions.applying import apply_instructions
from api.launchdarkly.segments.instructions.draft import Draft
from api.launchdarkly.segments.instructions.edit_log import BigSegmentEdit, ListName

__all__ = ["BigSegmentEdit", "Draft", "ListName", "apply_instructions"]
