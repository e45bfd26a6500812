"""What look-ups count of their own work."""

from dataclasses import dataclass
from typing import Protocol


class LookupCounts(Protocol):
    """Counts up; for one event loop."""

    pipelines: int
    """How many were answered."""
    asked_again: int
    """Look-ups whose belief was wrong."""


@dataclass(slots=True)
class PlainCounts:
    """Counts that nobody else reads."""

    pipelines: int = 0
    asked_again: int = 0
