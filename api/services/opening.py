"""The store and the objects, opened when first needed: a process starts without them."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from api.metrics.pauses import making_what_stays
from api.settings import ApiSettings
from worker.objects import ObjectStore
from worker.store import (
    BROKER_OF_API,
    STORE_OF_API,
    EnvironmentNotFound,
    EnvironmentRef,
    ProjectNotFound,
    Store,
    StoreError,
    StoreUnavailable,
    check_broker,
    open_store,
)

_log = structlog.get_logger(__name__)

#: Seconds before a failed opening is tried again, so that requests do not queue up behind one
#: another's time-outs.
_PAUSE_S: Final = 0.5


class LazyStore:
    """Opens the store at the first call and initialises it; gives the same store from then on.

    Only the first opening of a process initialises it: a store that loses its data later
    must answer *unknown*, not look like a new one.
    """

    def __init__(
        self,
        settings: ApiSettings,
        *,
        audit_lost: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._audit_lost = audit_lost
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._failed: tuple[float, StoreError] | None = None

    def __call__(self) -> Store:
        """Give the store. Cost: nothing once it is open; safe from any thread.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        if self._store is not None:
            return self._store
        with self._lock:
            if self._store is None:
                self._store = self._open()
            return self._store

    def close(self) -> None:
        """Close what was opened. Idempotent."""
        with self._lock:
            if self._store is not None:
                self._store.close()

    def _open(self) -> Store:
        if self._failed is not None and self._monotonic() - self._failed[0] < _PAUSE_S:
            raise StoreUnavailable(str(self._failed[1]))
        try:
            store = open_store(self._settings, audit_lost=self._audit_lost)
            try:
                store.environments.initialise()
                _switch_on_sdk_store(store, self._settings)
            except BaseException:
                store.close()
                raise
        except StoreError as exc:
            self._failed = (self._monotonic(), exc)
            raise
        return store


def _switch_on_sdk_store(store: Store, settings: ApiSettings) -> None:
    """Switch it on where a system that was just set up has it on."""
    if settings.sdk_store_environment is not None:
        env = EnvironmentRef(*settings.sdk_store_environment.split("/"))
        with suppress(ProjectNotFound, EnvironmentNotFound):
            store.environments.require(env)
            store.sdk_store.switch_on_first(env, settings.sdk_store_prefix)


class LazyObjects:
    """Makes the S3 clients once; that takes a third of a second, so not at start-up."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._objects: ObjectStore | None = None

    def __call__(self) -> ObjectStore:
        """Give the object store; opens no connection. Safe from any thread."""
        with self._lock:
            if self._objects is None:
                with making_what_stays():
                    self._objects = ObjectStore.open(self._settings)
            return self._objects

    def close(self) -> None:
        """Close what was opened. Idempotent."""
        with self._lock:
            if self._objects is not None:
                self._objects.close()


def warn_of_servers(store: LazyStore, settings: ApiSettings) -> None:
    """Log once, at the start, what is wrong with the store or the broker. Blocks for seconds."""
    try:
        for command, instead in store().fallbacks(STORE_OF_API).items():
            _log.warning("store.degraded", forbidden=command, instead=instead)
    except StoreError as exc:
        _log.warning("store.unavailable", reason=str(exc))
    try:
        check_broker(settings, BROKER_OF_API)
    except StoreError as exc:
        _log.warning("broker.unavailable", reason=str(exc))
