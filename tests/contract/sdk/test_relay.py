"""What a Relay Proxy has copied is what the sets for SDKs have, wherever it was disconnected."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from tests.contract.sdk.relay_client import STEPS, RelayClient, SessionEndedError, Step
from tests.support.sdks.following import following
from tests.support.servers.api import TOKEN, Api, new_key
from tests.support.servers.redis import Server, wait_until
from tests.support.store.building import replace
from tests.support.store.stores import new_list_in
from worker.store import Edit, EnvironmentRef, ListRef, Store, StoreSettings, open_store
from worker.store.sdk_log.records import shifted
from worker.store.sdk_store import SdkStoreSettings

_STRANGER = "5f2ad4c9b3b1c70a8f6e0d11"
#: Sets by the end of their keys.
Sets = dict[str, set[str]]


@dataclass
class System:
    """An environment that a worker follows, and what a relay of it is given."""

    api: Api
    store: Store
    env: EnvironmentRef
    key: str
    sdk_prefix: str
    redis: Any
    """A client of redis-py that gives bytes."""

    @contextmanager
    def relay(self, prefix: str | None = None) -> Iterator[RelayClient]:
        """Begin a relay, with a database that is empty or one of before."""
        client = RelayClient(self.api.url, self.key, self.redis, prefix or new_key("relay"))
        try:
            yield client
        finally:
            client.close()

    def sets(self, prefix: str, *, shift: int = 0) -> Sets:
        """Give what is in the sets of the lists that there are."""
        alive = {segment.ref.name for segment in self.store.segments.read_all(self.env)}
        found: Sets = {}
        for name in self.redis.scan_iter(f"{prefix}:big_segment_*:*", 1_000):
            refs = {_unshifted(ref.decode(), shift) for ref in self.redis.smembers(name)}
            if refs & alive:
                found[name.decode().partition(":")[2]] = refs & alive
        return found

    def copied(self, relay: RelayClient) -> Sets:
        """Give what a relay has under the references that it would look for now."""
        return self.sets(relay.key("").rstrip(":"), shift=self.store.sdk_log.relay_shift(self.env))

    def followed(self) -> Sets:
        """Give what the sets for SDKs have."""
        return self.sets(self.sdk_prefix)

    def is_copied(self, relay: RelayClient, mark: str, ref: ListRef) -> bool:
        """Tell whether a relay has this key of a list, and so all that was changed before."""
        now = shifted(ref.name, self.store.sdk_log.relay_shift(self.env))
        name = relay.key(f"big_segment_include:{_hash(mark)}")
        return bool(self.redis.sismember(name, now))


def _unshifted(ref: str, shift: int) -> str:
    segment, _, generation = ref.rpartition(".g")
    return f"{segment}.g{int(generation) - shift}"


def _hash(key: str) -> str:
    return base64.b64encode(hashlib.sha256(key.encode()).digest()).decode()


@pytest.fixture(scope="module")
def system(api: Api, client: httpx.Client, valkey_server: Server) -> Iterator[System]:
    project, sdk_prefix = new_key("project"), new_key("sdk")
    body = {"key": project, "name": "of a relay"}
    assert client.post("/api/v2/projects", json=body).status_code == 201
    env = EnvironmentRef(project, "production")
    settings = StoreSettings.model_validate(
        {"redis_url": api.redis_url, "key_prefix": api.prefix, "sdk_store_url": api.redis_url}
    )
    with open_store(settings) as store, valkey_server.client() as database:
        store.sdk_store.put_settings(env, SdkStoreSettings(on=True, prefix=sdk_prefix))
        _, key = store.sdk_keys.create(
            store.projects.get(project),
            environment=env.environment,
            label=None,
            created_by="test",
            relay=True,
        )
        with following(settings):
            yield System(api, store, env, key, sdk_prefix, database)


def _edit(system: System, ref: ListRef, *edits: str) -> None:
    system.store.memberships.edit(ref, [Edit(text[:2], text[2:]) for text in edits])  # type: ignore[arg-type]


def _run(system: System, relay: RelayClient, ref: ListRef, mark: str) -> None:
    """Begin sessions until a relay has what was changed up to now."""
    _edit(system, ref, f"i+{mark}")

    def is_over() -> bool:
        try:
            relay.run(partial(system.is_copied, relay, mark, ref))
        except SessionEndedError:
            return False
        return True

    wait_until(is_over, f"a relay has {mark}")


def _run_to_the_end(system: System, relay: RelayClient) -> None:
    """Begin sessions until a relay has all that the sets for SDKs have."""

    def is_same() -> bool:
        try:
            relay.run(lambda: True)
        except SessionEndedError:
            return False
        return system.followed() == system.copied(relay)

    wait_until(is_same, "the relay and the sets have the same")


def _cut_at(step: Step, number: int) -> Callable[[Step], None]:
    """End the session at the given occurrence of a step."""
    left = [number]

    def at_step(now: Step) -> None:
        left[0] -= now == step
        if left[0] < 0:
            raise SessionEndedError

    return at_step


def _edit_until(system: System, ref: ListRef, key: str) -> bool:
    """Have the stream send something, again and again."""
    _edit(system, ref, f"i+{key}-{secrets.token_hex(4)}")
    return False


def test_relay__disconnected_at_every_step__ends_with_what_sdks_read(system: System) -> None:
    ref, other = (new_list_in(system.store, system.env, new_key()) for _ in range(2))
    keys = {f"k{number}" for number in range(5_000)}
    _edit(system, ref, *(f"i+{key}" for key in keys), "e+x")
    prefix = new_key("relay")
    wait_until(lambda: system.store.sdk_log.read(system.env).is_kept, "the worker keeps the log")
    for number, step in enumerate(STEPS * 2):
        with system.relay(prefix) as relay:
            _edit(system, ref, f"i-k{number}", f"e+k{number}", f"i+n{number}")
            _edit(system, other, f"i+k{number}")
            if number == 4:
                replace(system.store, ref, f"i{number}", keys - {f"k{n}" for n in range(2_500)})
            if number == 7:
                other = new_list_in(system.store, system.env, new_key())
                _edit(system, other, "i+a", "i+b")
            if number == 8:
                gone = new_list_in(system.store, system.env, new_key())
                _edit(system, gone, "i+a")
                system.store.segments.remove(system.store.segments.get(system.env, gone.segment))
            # A stream is opened once in a session, unless something changes just then.
            cut = _cut_at(step, 0 if step in {"opened", "bridged"} else number % 2)
            with pytest.raises(SessionEndedError):
                relay.run(partial(_edit_until, system, other, f"m{number}"), cut)
            assert relay.unmatched == 0
    with system.relay(prefix) as relay:
        _run(system, relay, ref, "last")
        _run_to_the_end(system, relay)
        assert relay.unmatched == 0
        state = system.store.memberships.state(ref)
        copied = system.copied(relay)
        for side, count in (("in", state.included_count), ("ex", state.excluded_count)):
            found = [key for key in copied if key.startswith(f"big_segment_{side}")]
            assert sum(ref.name in copied[key] for key in found) == count


def test_relay__cursor_that_nobody_knows__begins_under_other_references(system: System) -> None:
    ref = new_list_in(system.store, system.env, new_key())
    _edit(system, ref, "i+gone", "i+stays")
    prefixes = [new_key("relay") for _ in range(2)]
    for prefix in prefixes:
        with system.relay(prefix) as relay:
            _run(system, relay, ref, f"before-{prefix}")
            system.redis.set(relay.key("big_segments_cursor"), _STRANGER + prefix)
    _edit(system, ref, "i-gone")
    with system.relay(prefixes[0]) as relay:
        _run(system, relay, ref, "after")
        _run_to_the_end(system, relay)
        assert not system.is_copied(relay, "gone", ref)
        assert relay.unmatched == 0
    # Another one has to wait, and asks once in a session.
    with system.relay(prefixes[1]) as relay:
        with pytest.raises(SessionEndedError, match="begin anew within ten minutes"):
            relay.run(lambda: True)
        assert relay.polls == 1


def test_stream__after_an_edit__sends_it_within_a_second_or_so(system: System) -> None:
    ref = new_list_in(system.store, system.env, new_key())
    with system.relay() as relay:
        _run(system, relay, ref, "begun")
        seconds: list[float] = []

        def is_done() -> bool:
            if seconds and seconds[-1] < 0:
                seconds[-1] += time.monotonic()
            if len(seconds) == 3:
                return True
            seconds.append(-time.monotonic())
            _edit(system, ref, f"i+edit{len(seconds)}")
            return False

        relay.run(is_done)
        # Mostly 0.3 s; a busy machine takes longer.
        assert min(seconds) < 2


@pytest.mark.parametrize("path", ["/sdk/big-segments/revisions", "/big-segments"])
def test_relay__key_of_something_else__is_refused(system: System, api: Api, path: str) -> None:
    _, others = system.store.sdk_keys.create(
        system.store.projects.get(system.env.project),
        environment="production",
        label=None,
        created_by="test",
    )
    expected = {others: 403, f"sdk-{'0' * 32}": 401, TOKEN: 401, None: 401}
    for token, status in expected.items():
        with api.client(token) as client:
            reply = client.get(path)
            assert reply.status_code == status, reply.text
            assert set(reply.json()) == {"message", "id"}
    with api.client(system.key) as client:
        assert client.get("/api/v2/projects").status_code == 401
        assert client.get("/v1/datafile").status_code == 401
