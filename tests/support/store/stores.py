"""The four stores that the suite runs on, each opened under a prefix of its own."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import fakeredis

from tests.support.servers.redis import Cluster, Server
from worker.settings import StoreSettings
from worker.store import EnvironmentRef, ListRef, NewSegment, Store, assemble
from worker.store.keyspace import Keyspace
from worker.store.server.client import Client
from worker.store.server.connections import connect
from worker.store.server.database import Database, open_database
from worker.store.server.scripts import Script, ScriptName, Scripts

StoreName = Literal["fakeredis", "valkey", "redis8", "cluster"]
STORE_NAMES: Final[tuple[StoreName, ...]] = ("fakeredis", "valkey", "redis8", "cluster")

PRODUCTION: Final = EnvironmentRef("default", "production")

#: Changes the text of one script; raises when it finds nothing to change.
Mutation = Callable[[str], str]


def clock_ms() -> int:
    """Give the time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def token() -> str:
    """Give a name that nobody else has."""
    return secrets.token_hex(16)


def open_client(server: Server | Cluster | None) -> Any:
    """Connect as the product does; ``None`` is the stand-in."""
    if server is None:
        return fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7,)), protocol=2)
    return connect(StoreSettings.model_validate({"redis_url": server.url, "redis_timeout_s": 10}))


def open_database_of(client: Client, prefix: str = "t") -> Database:
    """Take an open client, with the clock and the random names of this process."""
    return open_database(client, prefix, now_ms=clock_ms, random_name=token)


@contextmanager
def opened(server: Server | Cluster | None) -> Iterator[Store]:
    """Open a store with the default project; its keys are removed at the end."""
    with opened_database(server) as database, opened_in(database) as store:
        yield store


@contextmanager
def opened_database(server: Server | Cluster | None) -> Iterator[Database]:
    """Connect for the stores of many tests: a cluster's slots are asked for once."""
    with closing(open_client(server)) as client:
        yield open_database_of(client)


@contextmanager
def opened_in(database: Database) -> Iterator[Store]:
    """Open a store of its own in a database, as `opened` does; connections stay open."""
    store = assemble(replace(database, keys=Keyspace(f"t-{token()[:8]}")))
    store.environments.initialise()
    try:
        yield store
    finally:
        with raw(store).pipeline(transaction=False) as pipeline:
            for key in keys_of(store):
                pipeline.unlink(key)
            pipeline.execute()


def new_list(store: Store, key: str = "s") -> ListRef:
    """Create a big segment with two empty lists."""
    return new_list_in(store, PRODUCTION, key)


def new_list_in(store: Store, env: EnvironmentRef, key: str = "s") -> ListRef:
    """The same in another environment."""
    return store.segments.create(env, NewSegment(key=key, name=key, unbounded=True)).ref


def raw(store: Store) -> Any:
    """Give the driver's client with all its commands, to look at the server past the store."""
    return store.client


def keys_of(store: Store) -> set[str]:
    """List every key under the store's prefix, on all nodes."""
    return {key.decode() for key in raw(store).scan_iter(f"{store.keyspace.prefix}:*", 1_000)}


class MutatedScripts(Scripts):
    """The scripts, one of them broken on purpose."""

    def __init__(
        self, whole: Scripts, client: Client, name: ScriptName, mutation: Mutation
    ) -> None:
        super().__init__(client, flagged=whole._flagged)
        text = whole.get(name).text.decode()
        changed = mutation(text)
        assert changed != text, f"the mutation of {name} finds nothing to change"
        sha = hashlib.sha1(changed.encode(), usedforsecurity=False).hexdigest()
        self._loaded[name] = Script(changed.encode(), sha)


def mutated(store: Store, name: ScriptName, mutation: Mutation) -> Store:
    """Give the same store with one broken script."""
    scripts = MutatedScripts(store.database.scripts, store.client, name, mutation)
    return assemble(replace(store.database, scripts=scripts))


def script_names() -> set[str]:
    """List the scripts in the folder; the preludes are none."""
    folder = Path(__file__).parents[3] / "worker" / "store" / "lua"
    scripts = {file for file in folder.rglob("*.lua") if file.stem != "prelude"}
    return {file.relative_to(folder).with_suffix("").as_posix() for file in scripts}
