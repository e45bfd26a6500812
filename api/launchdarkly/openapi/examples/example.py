"""What examples an operation can have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: By a name that says what is special about it.
Named = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Examples:
    """Examples of one operation; its errors have theirs in ``refusals``."""

    bodies: Mapping[str, Named] = field(default_factory=dict)
    """By media type."""
    answers: Mapping[int, Named] = field(default_factory=dict)
    """By status, of the answer's first media type."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name, of whichever answer has that header."""


NONE: Final = Examples()
