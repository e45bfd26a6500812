"""Webhooks over HTTP: who may have them, what is shown of them, and what is refused."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.servers.api import Api, assert_refused
from tests.support.store.webhooks import an_attempt
from worker.store import EnvironmentRef, Grant, NewToken, Store
from worker.store.webhooks import MOST_QUEUED, MOST_WEBHOOKS

ENV = EnvironmentRef("default", "hooked")
PATH = "/api/v2/projects/default/environments/hooked/webhooks"
ENVIRONMENTS = "/api/v2/projects/default/environments"
SECRET_URL = "https://hooks.example.com/services/t0ps3cret"


@pytest.fixture(autouse=True)
def _environment(client: httpx.Client) -> Iterator[None]:
    made = client.post(ENVIRONMENTS, json={"key": "hooked", "name": "Hooked"})
    assert made.status_code == 201, made.text
    yield
    assert client.delete(f"{ENVIRONMENTS}/hooked").status_code == 204


def _create(client: httpx.Client, **fields: object) -> dict[str, Any]:
    reply = client.post(PATH, json={"url": SECRET_URL, **fields})
    assert reply.status_code == 201, reply.text
    assert reply.headers["cache-control"] == "no-store"
    made: dict[str, Any] = reply.json()
    assert reply.headers["location"] == f"{PATH}/{made['id']}"
    return made


def test_webhook__created__shows_its_secret_once(client: httpx.Client) -> None:
    made = _create(client, events=["import.stopped", "import.stopped"], name="on call")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert (made["events"], made["status"], made["queued"]) == (["import.stopped"], "ok", 0)
    assert client.get(f"{PATH}/{made['id']}").json() == made
    listed = client.get(PATH)
    assert listed.json()["items"] == [made]
    assert secret not in listed.text


def test_secret__rotated__is_another_and_the_old_one_has_an_end(client: httpx.Client) -> None:
    made = _create(client)
    changed = client.post(f"{PATH}/{made['id']}/secret").json()
    assert changed["secret"] != made["secret"]
    assert changed["previousSecretEnds"] > changed["creationTime"]


def test_webhook__changed__is_as_it_was_but_for_what_was_sent(
    client: httpx.Client, store: Store
) -> None:
    made = _create(client, events=["import.stopped"], name="on call")
    own = f"{PATH}/{made['id']}"
    del made["secret"]
    kinds = ["export.complete", "test", "test"]
    changed = client.patch(own, json={"events": kinds, "url": f"{SECRET_URL}/2"})
    made |= {"events": ["export.complete", "test"], "url": f"{SECRET_URL}/2"}
    assert changed.json() == client.get(own).json() == made
    assert client.patch(own, json={"paused": True, "name": ""}).json() == made | {
        "paused": True,
        "name": "",
    }
    assert_refused(client.post(f"{own}/test"), 409, "optimistic_locking_error")
    resumed = client.patch(own, json={"paused": False, "events": [], "url": None}).json()
    assert (resumed["paused"], resumed["events"], resumed["url"]) == (False, [], made["url"])
    assert client.post(f"{own}/test").status_code == 202
    assert store.deliveries.claim(ENV, 60_000) is not None


@pytest.mark.parametrize(
    "body",
    [{}, {"secret": "x"}, {"url": "https://10.0.0.1/"}, {"paused": "yes"}, {"events": ["x"]}],
    ids=range(5),
)
def test_change__that_no_webhook_may_have__is_refused(
    client: httpx.Client, body: dict[str, object]
) -> None:
    own = f"{PATH}/{_create(client)['id']}"
    before = client.get(own).json()
    assert_refused(client.patch(own, json=body), 400, "invalid_request")
    assert client.get(own).json() == before


def test_deliveries__after_an_attempt__say_how_it_went(client: httpx.Client, store: Store) -> None:
    made = _create(client)
    event_id = client.post(f"{PATH}/{made['id']}/test").json()["eventId"]
    claimed = store.deliveries.claim(ENV, 60_000)
    assert claimed is not None
    failed = an_attempt(claimed, "failed", status=500, reason="answered 500")
    store.deliveries.settle(claimed, failed, pause_ms=0, again_ms=60_000)
    found = client.get(f"{PATH}/{made['id']}/deliveries").json()
    assert found["queued"] == 1
    assert found["items"] == [
        {
            "time": 2_000,
            "eventId": event_id,
            "event": "test",
            "attempt": 1,
            "outcome": "failed",
            "statusCode": 500,
            "durationMs": 5,
            "reason": "answered 500",
        }
    ]
    shown = client.get(f"{PATH}/{made['id']}").json()
    assert shown["status"] == "retrying"
    state = store.keyspace.webhook_part(ENV, made["id"], "state")
    store.client.hset(state, "failing_since", shown["failingSince"] - 86_400_000)
    assert client.get(f"{PATH}/{made['id']}").json()["status"] == "failing"


def test_test__full_queue__is_refused(client: httpx.Client, store: Store) -> None:
    made = _create(client)
    deliveries = store.keyspace.webhook_part(ENV, made["id"], "deliveries")
    pipeline = store.client.pipeline(transaction=False)
    for number in range(MOST_QUEUED):
        pipeline.hset(deliveries, f"d{number}", "{}")
    pipeline.execute()
    assert_refused(client.post(f"{PATH}/{made['id']}/test"), 409, "optimistic_locking_error")


def test_webhooks__over_the_most__are_refused(client: httpx.Client) -> None:
    for _ in range(MOST_WEBHOOKS):
        _create(client)
    refused = client.post(PATH, json={"url": SECRET_URL})
    assert_refused(refused, 400, "invalid_request")
    assert "delete one first" in refused.json()["message"]


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/",
        "http://hooks.example.com/",
        "https://ann:pw@hooks.example.com/",
        "ftp://hooks.example.com/",
        f"https://hooks.example.com/{'a' * 2_048}",
    ],
    ids=["metadata", "mapped", "plain", "credentials", "scheme", "long"],
)
def test_url__that_no_webhook_may_have__is_refused(client: httpx.Client, url: str) -> None:
    refused = client.post(PATH, json={"url": url})
    assert_refused(refused, 400, "invalid_request")
    assert "pw" not in refused.json()["message"]


def test_webhook__unknown_or_deleted__is_not_found(client: httpx.Client) -> None:
    made = _create(client)
    assert client.delete(f"{PATH}/{made['id']}").status_code == 204
    for path in ("", "/deliveries"):
        assert_refused(client.get(f"{PATH}/{made['id']}{path}"), 404, "not_found")
    for path in ("/test", "/secret"):
        assert_refused(client.post(f"{PATH}/{made['id']}{path}"), 404, "not_found")
    assert_refused(client.patch(f"{PATH}/{made['id']}", json={"name": "x"}), 404, "not_found")
    nowhere = PATH.replace("hooked", "none")
    assert_refused(client.post(nowhere, json={"url": SECRET_URL}), 404, "not_found")
    unknown = client.post(PATH, json={"url": SECRET_URL, "events": ["import.begun"]})
    assert_refused(unknown, 400, "invalid_request")


@pytest.mark.parametrize(
    ("role", "segment"), [("writer", "*"), ("admin", "beta-*")], ids=["writer", "part_of_it"]
)
def test_caller__not_an_admin_of_all_of_it__may_not_even_read(
    api: Api, client: httpx.Client, store: Store, role: Any, segment: str
) -> None:
    made = _create(client)
    grant = Grant("default", "hooked", segment)
    new = NewToken(name="n", role=role, created_by="admin", grants=(grant,))
    _, secret = store.access_tokens.create(new)
    with api.client(secret) as other:
        assert_refused(other.get(PATH), 403, "forbidden")
        assert_refused(other.post(PATH, json={"url": SECRET_URL}), 403, "forbidden")
        assert_refused(other.delete(f"{PATH}/{made['id']}"), 403, "forbidden")
        renamed = other.patch(f"{PATH}/{made['id']}", json={"name": "x"})
        assert_refused(renamed, 403, "forbidden")


def test_changes__of_a_webhook__are_on_record_without_url_and_secret(
    client: httpx.Client,
) -> None:
    made = _create(client)
    changed = client.post(f"{PATH}/{made['id']}/secret").json()
    for _ in range(2):  # the second time nothing changes, and nothing is on record
        client.patch(f"{PATH}/{made['id']}", json={"url": f"{SECRET_URL}/2"})
    assert client.delete(f"{PATH}/{made['id']}").status_code == 204
    log = client.get("/api/v2/auditlog", params={"spec": "proj/default:env/hooked", "limit": 20})
    verbs = [entry["titleVerb"] for entry in log.json()["items"] if made["id"] in str(entry)]
    texts = [client.get(f"/api/v2/auditlog/{entry['_id']}").text for entry in log.json()["items"]]
    assert sum(made["id"] in text for text in texts) == 4, verbs
    for secret in (made["secret"], changed["secret"], "t0ps3cret"):
        assert secret not in "".join(texts)
