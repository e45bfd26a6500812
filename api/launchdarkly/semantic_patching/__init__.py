"""LaunchDarkly's semantic patch: instructions by kind, applied all or not at all."""

from api.launchdarkly.semantic_patching.applying import apply_instructions
from api.launchdarkly.semantic_patching.draft import Draft
from api.launchdarkly.semantic_patching.edit_log import BigSegmentEdit, ListName

__all__ = ["BigSegmentEdit", "Draft", "ListName", "apply_instructions"]
