"""SDK keys of environments: issued with them, reset, revoked, and shown once."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.servers.api import Api, assert_refused, new_key
from tests.support.servers.redis import wait_until
from worker.store import Store

DATA = "/sdk/latest-all"


@pytest.fixture(scope="module")
def project(client: httpx.Client) -> Iterator[dict[str, Any]]:
    reply = client.post("/api/v2/projects", json={"key": new_key("project"), "name": "of keys"})
    assert reply.status_code == 201, reply.text
    assert reply.headers["cache-control"] == "no-store"
    yield reply.json()
    assert client.delete(f"/api/v2/projects/{reply.json()['key']}").status_code == 204


@pytest.fixture
def environment(client: httpx.Client, project: dict[str, Any]) -> str:
    """The path of a new environment; its key in the answer is in the test's hands by a reset."""
    path = f"/api/v2/projects/{project['key']}/environments"
    reply = client.post(path, json={"key": new_key("env"), "name": "e"})
    assert reply.status_code == 201, reply.text
    return f"{path}/{reply.json()['key']}"


def _status(api: Api, key: str, path: str = DATA) -> int:
    with api.client(key) as client:
        return client.get(path).status_code


def _reset(client: httpx.Client, environment: str, **query: int) -> str:
    reply = client.post(f"{environment}/apiKey", params=query)
    assert reply.status_code == 200, reply.text
    assert reply.headers["cache-control"] == "no-store"
    key: str = reply.json()["apiKey"]
    return key


def test_project__created__shows_the_key_of_each_environment_once(
    api: Api, client: httpx.Client, store: Store, project: dict[str, Any]
) -> None:
    keys = [environment["apiKey"] for environment in project["environments"]]

    assert [_status(api, key) for key in keys] == [200, 200]
    shown = client.get(f"/api/v2/projects/{project['key']}", params={"expand": "environments"})
    masked = [one["apiKey"] for one in shown.json()["environments"]["items"]]
    assert masked == [f"{key[:7]}********" for key in keys]
    names = store.keyspace.access_tokens(), store.keyspace.environments(project["key"])
    held = b"".join(text for name in names for text in store.client.hgetall(name).values())
    assert not any(key.removeprefix("sdk-").encode() in held for key in keys)
    assert not any(key.removeprefix("sdk-") in api.log for key in keys)


def test_key__of_an_environment__opens_nothing_but_what_sdks_ask_for(
    api: Api, client: httpx.Client, environment: str
) -> None:
    key = _reset(client, environment)

    assert _status(api, key) == 200
    assert {_status(api, key, path) for path in ("/api/v2/projects", environment)} == {401}
    assert _status(api, key, "/v1/datafile") == 401
    assert _status(api, key, "/sdk/big-segments/revisions") == 403
    assert _status(api, f"sdk-{'0' * 32}") == 401


def test_reset__without_expiry__ends_the_old_key_at_once(
    api: Api, client: httpx.Client, environment: str
) -> None:
    old = _reset(client, environment)
    with api.client(old) as sdk, sdk.stream("GET", "/all") as stream:
        assert stream.status_code == 200
        new = _reset(client, environment)
        for _ in stream.iter_raw():
            pass  # until the stream ends
    assert (_status(api, old), _status(api, new)) == (401, 200)
    log = client.get("/api/v2/auditlog", params={"limit": 5}).text
    assert "reset the SDK key of the environment" in log
    assert new.removeprefix("sdk-") not in log


def test_reset__with_expiry__keeps_both_until_then(
    api: Api, client: httpx.Client, environment: str
) -> None:
    old = _reset(client, environment)
    new = _reset(client, environment, expiry=int(time.time() * 1000) + 3_000)

    assert (_status(api, old), _status(api, new)) == (200, 200)
    listed = client.get(f"{environment}/sdk-keys").json()["items"]
    assert [("expiry" in one, one["own"]) for one in listed] == [(False, True), (True, True)]
    with api.client(old) as sdk, sdk.stream("GET", "/all") as stream:
        for _ in stream.iter_raw():
            pass  # until it ends with its key
    assert (_status(api, old), _status(api, new)) == (401, 200)
    assert len(client.get(f"{environment}/sdk-keys").json()["items"]) == 1


@pytest.mark.parametrize("expiry", [1, 2**53 - 1, -1, "soon"])
def test_reset__to_a_time_that_is_none__is_refused_and_changes_nothing(
    api: Api, client: httpx.Client, environment: str, expiry: int | str
) -> None:
    key = _reset(client, environment)

    reply = client.post(f"{environment}/apiKey", params={"expiry": expiry})

    assert_refused(reply, 400, "invalid_request")
    assert _status(api, key) == 200


def test_key__beside_the_own_one__is_listed_masked_and_revoked(
    api: Api, client: httpx.Client, environment: str
) -> None:
    made = client.post(f"{environment}/sdk-keys", json={"label": "canary"}).json()
    relay = client.post(f"{environment}/sdk-keys", json={"label": "r", "relay": True}).json()

    assert _status(api, made["key"]) == 200
    listed = client.get(f"{environment}/sdk-keys").json()["items"]
    assert [(one["label"], one["relay"], one["own"]) for one in listed[:2]] == [
        ("r", True, False),
        ("canary", False, False),
    ]
    assert [one["key"] for one in listed[:2]] == [
        f"{one['key'][:7]}********" for one in (relay, made)
    ]
    assert client.delete(f"{environment}/sdk-keys/{made['_id']}").status_code == 204
    assert _status(api, made["key"]) == 401
    assert_refused(client.delete(f"{environment}/sdk-keys/{made['_id']}"), 404, "not_found")
    own = listed[-1]
    assert own["own"]
    reply = client.delete(f"{environment}/sdk-keys/{own['_id']}")
    assert "reset it instead" in assert_refused(reply, 400, "invalid_request")


def test_environment__deleted__takes_its_keys_with_it(
    api: Api, client: httpx.Client, environment: str
) -> None:
    key = _reset(client, environment)
    assert client.delete(environment).status_code == 204

    wait_until(lambda: _status(api, key) == 401, "the key is refused")
