"""A log of changes that nobody reads."""

from collections.abc import Collection

from worker.sdk_store.change_log import Changes
from worker.store import EnvironmentRef


class NoLog:
    """Plays :class:`worker.sdk_store.change_log.ChangeLog`."""

    def keep(self, env: EnvironmentRef, token: str, refs: Collection[str]) -> None: ...
    def append(self, env: EnvironmentRef, token: str, ref: str, changes: Changes) -> None: ...
    def restart(self, env: EnvironmentRef, token: str, ref: str | None = None) -> None: ...
    def forget(self, env: EnvironmentRef) -> None: ...
