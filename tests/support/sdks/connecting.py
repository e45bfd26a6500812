"""LaunchDarkly's SDKs, unmodified, and what tests ask of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

#: In LaunchDarkly's JSON.
Context = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where an SDK finds flags, segments and memberships."""

    sdk_key: str
    url: str
    redis_url: str
    prefix: str
    cache_s: float = 0.05
    """For how long the SDK remembers memberships; 5 seconds unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a flag is for one context."""

    value: bool | None
    status: str | None
    """Of big segments, if the evaluation asked for any."""
    error: str | None


class Sdk(Protocol):
    """An SDK that has connected."""

    @property
    def name(self) -> str:
        """Give what messages call it."""

    def evaluate(self, flag: str, contexts: Sequence[Context]) -> list[Evaluated]:
        """Evaluate a boolean flag for each context."""

    def logged(self) -> list[str]:
        """Give the warnings and errors since the last time."""


def context_of(key: str, kind: str = "user") -> Context:
    """Give a context without other attributes."""
    return {"kind": kind, "key": key}
