"""Paths that several operations are below."""

from typing import Final

FEATURE_FLAGS: Final = "/v1/projects/{projectIdOrName}/feature-flags"
SEGMENTS: Final = f"{FEATURE_FLAGS}/segments"
