"""Where what was changed in the sets is logged, for Relay Proxies that copy them."""

from collections.abc import Collection, Mapping
from typing import Protocol

from worker.store import EnvironmentRef, Side

#: Raw digests of contexts to add and of those to remove, each one after the other.
Changes = Mapping[Side, tuple[bytes, bytes]]


class ChangeLog(Protocol):
    """Keeps the order of all changes of an environment, as long as a Relay Proxy asks for them.

    Every method may raise ``StoreUnavailable`` and is safe to retry. ``token`` is that of the
    lease: what a worker without it says is ignored.
    """

    def keep(self, env: EnvironmentRef, token: str, refs: Collection[str]) -> None:
        """Note which references there are, before their feeds are read.

        One that is new is sent as a whole by others, so that its first members are not appended.
        """

    def append(self, env: EnvironmentRef, token: str, ref: str, changes: Changes) -> None:
        """Append what a feed says about one reference."""

    def restart(self, env: EnvironmentRef, token: str, ref: str | None = None) -> None:
        """Have everybody begin anew, because changes are not known any more.

        Args:
            env: Whose log.
            token: Of the lease.
            ref: Only if the log has this reference already.
        """

    def forget(self, env: EnvironmentRef) -> None:
        """Drop the log of an environment that is switched off."""
