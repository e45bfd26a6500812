"""Environments that a worker follows, and relays of them."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.contract.sdk.relay.client import RelayClient, SessionEndedError
from tests.support.servers.api import Api, new_key
from tests.support.servers.redis import wait_until
from worker.store import Edit, EnvironmentRef, ListRef, Store
from worker.store.sdk_log.records import shifted
from worker.store.sdk_store import SdkStoreSettings

#: Sets by the end of their keys.
Sets = dict[str, set[str]]


@dataclass(frozen=True)
class System:
    """An environment that a worker follows, and what a relay of it is given."""

    api: Api
    store: Store
    env: EnvironmentRef
    key: str
    sdk_prefix: str
    redis: Any
    """A client of redis-py that gives bytes."""

    def another(self) -> "System":
        """Make an environment that no other test uses."""
        return new_system(self.api, self.store, self.redis)

    @contextmanager
    def relay(self, prefix: str | None = None, url: str | None = None) -> Iterator[RelayClient]:
        """Begin a relay, with a database that is empty or one of before."""
        prefix = prefix or new_key("relay")
        client = RelayClient(url or self.api.url, self.key, self.redis, prefix)
        try:
            yield client
        finally:
            client.close()

    def edit(self, ref: ListRef, *edits: str) -> None:
        """Make edits such as ``i+key``."""
        self.store.memberships.edit(ref, [Edit(text[:2], text[2:]) for text in edits])  # type: ignore[arg-type]

    def run(self, relay: RelayClient, ref: ListRef, mark: str) -> None:
        """Begin sessions until a relay has what was changed up to now."""
        self.edit(ref, f"i+{mark}")

        def is_over() -> bool:
            try:
                relay.run(partial(self.is_copied, relay, mark, ref))
            except SessionEndedError:
                return False
            return True

        wait_until(is_over, f"a relay has {mark}")

    def run_to_the_end(self, relay: RelayClient) -> None:
        """Begin sessions until a relay has all that the sets for SDKs have, and no more."""

        def is_same() -> bool:
            try:
                relay.run(lambda: True)
            except SessionEndedError:
                return False
            return self.followed() == self.copied(relay)

        wait_until(is_same, "the relay and the sets have the same")

    def is_copied(self, relay: RelayClient, key: str, ref: ListRef) -> bool:
        """Tell whether a relay has this key of a list; then all that was changed before, too."""
        now = shifted(ref.name, self.store.sdk_log.relay_shift(self.env))
        name = relay.key(f"big_segment_include:{hash_of(key)}")
        return bool(self.redis.sismember(name, now))

    def copied(self, relay: RelayClient) -> Sets:
        """Give what a relay has under the references that it would look for now."""
        shift = self.store.sdk_log.relay_shift(self.env)
        return self._sets(relay.key("").rstrip(":"), shift)

    def followed(self) -> Sets:
        """Give what the sets for SDKs have."""
        return self._sets(self.sdk_prefix, 0)

    def writer(self) -> str:
        """Give the token of the worker that keeps the sets and the log."""
        name = self.store.keyspace.sdk_store(self.env)
        found: bytes | None = self.redis.hget(name, "writer")
        assert found is not None
        return found.decode()

    def _sets(self, prefix: str, shift: int) -> Sets:
        alive = {segment.ref.name for segment in self.store.segments.read_all(self.env)}
        found: Sets = {}
        names = list(self.redis.scan_iter(f"{prefix}:big_segment_*:*", 5_000))
        pipeline = self.redis.pipeline(transaction=False)
        for name in names:
            pipeline.smembers(name)
        for name, members in zip(names, pipeline.execute(), strict=True):
            refs = {shifted(ref.decode(), -shift) for ref in members}
            if refs & alive:
                found[name.decode().partition(":")[2]] = refs & alive
        return found


def new_system(api: Api, store: Store, database: Any) -> System:
    """Make a project whose production is followed, with a key for relays."""
    env, sdk_prefix = new_environment(api), new_key("sdk")
    store.sdk_store.put_settings(env, SdkStoreSettings(on=True, prefix=sdk_prefix))
    key = new_sdk_key(store, env, relay=True)
    return System(api, store, env, key, sdk_prefix, database)


def new_environment(api: Api) -> EnvironmentRef:
    """Make a project, and give its production."""
    project = new_key("project")
    with api.client() as client:
        reply = client.post("/api/v2/projects", json={"key": project, "name": "of a relay"})
        assert reply.status_code == 201, reply.text
    return EnvironmentRef(project, "production")


def new_sdk_key(store: Store, env: EnvironmentRef, *, relay: bool) -> str:
    """Make a key, of a relay or of an SDK."""
    _, key = store.sdk_keys.create(
        store.projects.get(env.project),
        environment=env.environment,
        label=None,
        created_by="test",
        launchdarkly=True,
        relay=relay,
    )
    return key


def hash_of(key: str) -> str:
    """Give what stands for a context key in the sets."""
    return base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()


def wait_for_log(system: System) -> None:
    """Ask as a relay does, until the worker keeps a log."""
    log = system.store.sdk_log
    wait_until(lambda: log.read(system.env).is_kept, "the worker keeps the log")
