"""What breaking a script on purpose looks like."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from worker.store.server.scripts import ScriptName


@dataclass(frozen=True)
class Fault:
    """One change of one script, and the test that must find it."""

    name: str
    script: ScriptName
    old: str
    new: str
    test: Callable[..., None]
    options: dict[str, Any] = field(default_factory=dict)
    own_list: bool = True
    """Whether the test is given a list."""
