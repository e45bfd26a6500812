"""Keeps the sets of all environments that are switched on, each under a lease of its own."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from worker.sdk_store.change_log import ChangeLog
from worker.sdk_store.errors import SdkStoreError
from worker.sdk_store.kept_environment import KeptEnvironment
from worker.sdk_store.list_source import ListSource
from worker.sdk_store.sdk_server import connect_sdk_server
from worker.store import EnvironmentRef, Store, StoreError, StoreSettings
from worker.store.server import Database

logger = logging.getLogger("bigseg.sdk_store")

#: How often a worker looks for environments that nobody keeps.
_LOOK_EVERY_MS: Final = 250
#: How long an environment rests after an error.
_REST_MS: Final = 1_000


@dataclass(slots=True)
class _Kept:
    environment: KeptEnvironment | None = None
    rest_until_ms: int = 0


class Follower:
    """Keeps sets; several may run at once, and share the environments."""

    def __init__(
        self, store: Store, settings: StoreSettings, source: ListSource, log: ChangeLog
    ) -> None:
        """Open nothing yet.

        Args:
            store: The lists.
            settings: Where the server of the SDKs is.
            source: The lists' feeds and members.
            log: Where changes are logged.
        """
        self._store = store
        self._settings = settings
        self._source = source
        self._log = log
        self._token = store.database.random_name()
        self._server: Database | None = None
        self._kept: dict[EnvironmentRef, _Kept] = {}
        self._looked_ms: int | None = None

    def step(self) -> bool:
        """Follow what has changed, and do a little of what takes long; whether more is to do.

        An error about one environment does not keep the others waiting.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        now_ms = self._store.database.now_ms()
        if self._looked_ms is None or now_ms >= self._looked_ms + _LOOK_EVERY_MS:
            self._look()
            self._looked_ms = now_ms
        more = [self._keep(env, kept, now_ms) for env, kept in self._kept.items()]
        return any(more)

    def close(self) -> None:
        """Let go of all environments at once, so that others need not wait for the leases."""
        with suppress(StoreError):
            for env in self._kept:
                self._store.sdk_store.release(env, self._token)
        if self._server is not None:
            self._server.client.close()

    def _look(self) -> None:
        there = self._store.sdk_store.environments()
        self._kept = {env: self._kept.get(env, _Kept()) for env in there}

    def _keep(self, env: EnvironmentRef, kept: _Kept, now_ms: int) -> bool:
        if now_ms < kept.rest_until_ms:
            return False
        try:
            if kept.environment is None:
                kept.environment = self._take(env)
            if kept.environment is not None and kept.environment.step():
                return True
        except (StoreError, SdkStoreError) as exc:
            self._postpone(env, kept, exc)
            return False
        if kept.environment is None or kept.environment.ended:
            kept.environment = None
            kept.rest_until_ms = now_ms + _REST_MS
        return False

    def _take(self, env: EnvironmentRef) -> KeptEnvironment | None:
        return KeptEnvironment.take(
            self._store, env, self._token, self._connect, self._source, self._log
        )

    def _connect(self) -> Database:
        if self._server is None:
            self._server = connect_sdk_server(self._settings, self._store.database)
        return self._server

    def _postpone(self, env: EnvironmentRef, kept: _Kept, exc: Exception) -> None:
        facts = {"environment": f"{env.project}/{env.environment}", "error": type(exc).__name__}
        logger.warning("sdk_store.postponed", extra=facts)
        kept.environment = None
        kept.rest_until_ms = self._store.database.now_ms() + _REST_MS
