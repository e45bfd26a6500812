"""What an importer says of the guards: what happens when one trips, and where they trip."""

from dataclasses import dataclass
from typing import Literal

#: What becomes of an import that a guard objects to: it waits for an approval, or is stopped.
OnGuard = Literal["pend", "stop"]
#: What becomes of an import of which too many rows are doubtful.
OnWarning = Literal["accept", "pend", "stop"]


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """The defaults leave every share to the settings."""

    on_guard: OnGuard = "pend"
    on_warning: OnWarning | None = None
    """Unset, a replace pends and a merge accepts."""
    max_rejected_share: float | None = None
    """Of the rows that are not blank, from 0 to 1."""
    max_warning_share: float | None = None
    """Of the accepted rows, from 0 to 1."""
    max_shrink_share: float | None = None
    """Of the members, from 0 to 1, in a list of any size."""
    max_growth_share: float | None = None
    """Of the members; 1 doubles a list of any size."""
