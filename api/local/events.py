"""What a local system reports while it starts and stops: one event, one line."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

EventName: TypeAlias = Literal[
    "leftovers",
    "store",
    "objects",
    "token",
    "port",
    "sdk",
    "ready",
    "restart",
    "stopping",
    "killed",
    "stopped",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        name: what happened; a closed set, for programs.
        text: one line for people.
        details: the same facts for programs (ports, versions, URLs).
    """

    name: EventName
    text: str
    details: dict[str, str | int] = field(default_factory=dict)


OnEvent: TypeAlias = Callable[[Event], None]
