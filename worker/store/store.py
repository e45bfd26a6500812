"""The store, opened: one object that holds a client and what works over it."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from redis import Redis
from redis.exceptions import NoPermissionError

from worker.settings import AUDIT_ENTRIES, StoreSettings
from worker.store.audit.log import AuditStore
from worker.store.errors import RightsMissing
from worker.store.jobs.jobs import JobStore
from worker.store.jobs.requests import RequestStore
from worker.store.keyspace import Keyspace
from worker.store.lists import BuildStore, MembershipStore
from worker.store.projects.environments import EnvironmentStore
from worker.store.segments.segments import SegmentStore
from worker.store.server.client import Client
from worker.store.server.connections import connect, driver_errors, node_client
from worker.store.server.database import Database, open_database
from worker.store.server.rights import (
    PROBE,
    STORE_OF_API,
    Rights,
    forbidden_useful,
    missing_rights,
    rights_message,
)
from worker.store.tokens.tokens import AccessTokenStore


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that Redis holds, under one prefix; close it when done."""

    database: Database
    environments: EnvironmentStore
    segments: SegmentStore
    memberships: MembershipStore
    builds: BuildStore
    jobs: JobStore
    requests: RequestStore
    audit: AuditStore
    access_tokens: AccessTokenStore

    @property
    def client(self) -> Client:
        """The client of its server."""
        return self.database.client

    @property
    def keyspace(self) -> Keyspace:
        """The names of its keys."""
        return self.database.keys

    def ping(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        with driver_errors("ping the store"):
            self.client.ping()

    def eviction_policy(self) -> str:
        """What the server does at its memory limit; only ``noeviction`` keeps lists whole.

        Cost: one round trip. Read from INFO, because CONFIG is often forbidden; where INFO
        is, too, the operator is believed.
        """
        with driver_errors("read the store's memory policy"):
            try:
                info: dict[str, Any] = self.client.info("memory")
            except NoPermissionError:
                return "noeviction"
        first = info if "maxmemory_policy" in info else next(iter(info.values()), {})
        return str(first.get("maxmemory_policy", "noeviction"))

    def slower_ways(self, rights: Rights) -> Mapping[str, str]:
        """Commands forbidden to this user that can be done without, and what is done instead.

        Cost: two round trips.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        with driver_errors("ask what the store's user may do"):
            node = _some_node(self.client, self.keyspace)
            return forbidden_useful(node, self.keyspace.prefix, rights)

    def close(self) -> None:
        """Close all connections; idempotent."""
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_store(
    settings: StoreSettings,
    *,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    random_name: Callable[[], str] = lambda: secrets.token_hex(16),
) -> Store:
    """Connect and look at what the server can do. Cost: five round trips.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
        RightsMissing: its user may not do what is needed.
    """
    client = connect(settings)
    try:
        _require_rights(client, Keyspace(settings.key_prefix), settings.store_address.name)
        database = open_database(
            client, settings.key_prefix, now_ms=now_ms, random_name=random_name
        )
    except BaseException:
        client.close()
        raise
    return assemble(database, audit_entries=settings.audit_entries)


def _require_rights(client: Client, keyspace: Keyspace, name: str) -> None:
    with driver_errors("ask what the store's user may do"):
        missing = missing_rights(_some_node(client, keyspace), keyspace.prefix, STORE_OF_API.needed)
    if missing:
        raise RightsMissing(rights_message("store", name, keyspace.prefix, missing))


def _some_node(client: Client, keyspace: Keyspace) -> Redis:
    return node_client(client, f"{keyspace.prefix}:{PROBE}")


def assemble(database: Database, *, audit_entries: int = AUDIT_ENTRIES) -> Store:
    """Put a store together over a database that is already open."""
    environments = EnvironmentStore(database)
    memberships = MembershipStore(database)
    return Store(
        database=database,
        environments=environments,
        segments=SegmentStore(database, environments, memberships),
        memberships=memberships,
        builds=BuildStore(database, memberships),
        jobs=JobStore(database),
        requests=RequestStore(database),
        audit=AuditStore(database, audit_entries),
        access_tokens=AccessTokenStore(database),
    )
