"""Where what was changed in the sets is logged, for Relay Proxies that copy them."""

from collections.abc import Mapping
from typing import Protocol

from worker.store import EnvironmentRef, Side

#: Raw digests of contexts, one after the other: those to add and those to remove.
Changes = Mapping[Side, tuple[bytes, bytes]]


class ChangeLog(Protocol):
    """Keeps the order of all changes of an environment."""

    def append(self, env: EnvironmentRef, ref: str, changes: Changes) -> None:
        """Append changes of one reference, ``segment.gN``; twice does no harm.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """


class NoChangeLog:
    """Keeps nothing."""

    def append(self, env: EnvironmentRef, ref: str, changes: Changes) -> None:
        """Keep nothing."""
