"""The switch of the sets that SDKs read."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.servers.api import assert_refused
from worker.store import EnvironmentRef, SdkStoreSettings, SdkStoreState, Store

ENVIRONMENTS = "/api/v2/projects/default/environments"
HERE, OTHER = "/api/v2/sdk-store/default/read-by-sdks", "/api/v2/sdk-store/default/other-sdks"
ENV = EnvironmentRef("default", "read-by-sdks")


@pytest.fixture(autouse=True)
def _environments(client: httpx.Client, store: Store) -> Iterator[None]:
    for key in ("read-by-sdks", "other-sdks"):
        made = client.post(ENVIRONMENTS, json={"key": key, "name": key})
        assert made.status_code == 201, made.text
    yield
    for key in ("read-by-sdks", "other-sdks"):
        assert client.delete(f"{ENVIRONMENTS}/{key}").status_code == 204
        # There is no worker, which would do this once the sets are removed.
        env = EnvironmentRef("default", key)
        _forget(store, env)


def _forget(store: Store, env: EnvironmentRef) -> None:
    assert store.sdk_store.renew(env, "worker", 1) is not None
    store.sdk_store.forget(env, "worker", store.sdk_store.settings(env))


def test_switch__never_set__is_off_with_the_prefix_of_sdks(client: httpx.Client) -> None:
    shown = client.get(HERE).json()
    assert (shown["on"], shown["prefix"], shown["status"]) == (False, "launchdarkly", "off")


def test_switch__on_and_off__says_what_workers_make_of_it(
    client: httpx.Client, store: Store
) -> None:
    assert client.patch(HERE, json={"on": True, "prefix": "own"}).json()["status"] == "starting"
    now_ms = store.database.now_ms()
    state = SdkStoreState(now_ms, caught_up_ms=now_ms, synchronized_ms=now_ms, lists=2, held=2)
    assert store.sdk_store.renew(ENV, "worker", 60_000) is not None
    store.sdk_store.put(ENV, "worker", writes=3, state=state)
    shown = client.get(HERE).json()
    assert (shown["status"], shown["lists"], shown["lastSynchronized"]) == ("current", 2, now_ms)
    assert client.patch(HERE, json={"on": False}).json()["status"] == "removing"
    assert store.sdk_store.forget(ENV, "worker", SdkStoreSettings(on=False, prefix="own"))
    assert client.get(HERE).json()["status"] == "off"


def test_switch__prefix_of_another_environment__is_refused(client: httpx.Client) -> None:
    assert client.patch(OTHER, json={"on": True, "prefix": "shared"}).status_code == 200
    reply = client.patch(HERE, json={"on": True, "prefix": "shared"})
    assert "default/other-sdks" in assert_refused(reply, 409, "optimistic_locking_error")
    assert client.get(HERE).json()["on"] is False


def test_switch__another_prefix_while_there_are_sets__is_refused(client: httpx.Client) -> None:
    assert client.patch(HERE, json={"on": True, "prefix": "first"}).status_code == 200
    for body in ({"prefix": "second"}, {"on": False, "prefix": "second"}):
        refused = client.patch(HERE, json=body)
        assert "first" in assert_refused(refused, 409, "optimistic_locking_error")


@pytest.mark.parametrize("body", [{}, {"on": "yes"}, {"prefix": "a b"}], ids=str)
def test_switch__wrong_body__is_refused(client: httpx.Client, body: dict[str, object]) -> None:
    assert_refused(client.patch(HERE, json=body), 400, "invalid_request")
