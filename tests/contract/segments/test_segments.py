"""Create, list, get and delete, as LaunchDarkly's clients see them."""

from typing import Any

import httpx
import pytest

from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    assert_refused,
    create_segment,
    include,
    new_key,
)
from worker.store import Store


def test_create__big_segment__has_exactly_the_documented_shape(client: httpx.Client) -> None:
    key = new_key()
    body = {
        "key": key,
        "name": "Big one",
        "description": "of many",
        "tags": ["a", "b", "a"],
        "unbounded": True,
        "unboundedContextKind": "device",
    }

    reply = client.post(SEGMENTS, json=body)

    assert reply.status_code == 201
    shown = reply.json()
    metadata = shown.pop("_unboundedMetadata")
    assert shown.pop("_access")["denied"] == []
    created = shown["creationDate"]
    assert shown == {
        "name": "Big one",
        "key": key,
        "description": "of many",
        "tags": ["a", "b"],
        "creationDate": created,
        "lastModifiedDate": created,
        "version": 1,
        "generation": 1,
        "deleted": False,
        "rules": [],
        "included": [],
        "unbounded": True,
        "unboundedContextKind": "device",
        "_importInProgress": False,
        "_links": {
            "parent": {"href": SEGMENTS, "type": "application/json"},
            "self": {"href": f"{SEGMENTS}/{key}", "type": "application/json"},
            "site": {"href": f"/default/production/segments/{key}", "type": "text/html"},
        },
    }
    assert metadata.pop("lastModified") >= created
    assert len(metadata.pop("envId")) == 24
    assert metadata == {
        "segmentId": f"{key}.g1",
        "version": 1,
        "includedCount": 0,
        "excludedCount": 0,
        "deleted": False,
    }
    got = client.get(f"{SEGMENTS}/{key}").json()
    assert got.pop("_flags") == []
    assert got["_unboundedMetadata"]["segmentId"] == f"{key}.g1"
    assert {name: got[name] for name in shown} == shown


def test_create__standard_segment__says_nothing_of_big_ones(client: httpx.Client) -> None:
    body = {"key": new_key(), "name": "Small", "description": "", "unboundedContextKind": ""}

    shown = client.post(SEGMENTS, json=body | {"unbounded": False, "tags": []}).json()

    assert shown["description"] == ""
    for lists in ("included", "excluded", "includedContexts", "excludedContexts", "rules"):
        assert shown[lists] == []
    assert not {"unbounded", "_unboundedMetadata", "_importInProgress"} & set(shown)


def test_create__empty_context_kind_of_a_big_one__means_user(client: httpx.Client) -> None:
    body = {"key": new_key(), "name": "n", "unbounded": True, "unboundedContextKind": ""}

    assert client.post(SEGMENTS, json=body).json()["unboundedContextKind"] == "user"


def test_create__targets_and_rules__are_ignored(client: httpx.Client) -> None:
    body = {"key": new_key(), "name": "n", "included": ["a"], "rules": [{}]}

    shown = client.post(SEGMENTS, json=body).json()

    assert shown["included"] == []
    assert shown["rules"] == []


def test_create__key_taken__conflicts_in_the_observed_words(client: httpx.Client) -> None:
    key = create_segment(client)

    reply = client.post(SEGMENTS, json={"key": key, "name": "again"})

    assert assert_refused(reply, 409, "key_exists") == "Duplicate segment key"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"key": "k"},
        {"name": "n"},
        {"key": "", "name": "n"},
        {"key": "-k", "name": "n"},
        {"key": "k/k", "name": "n"},
        {"key": "k\n", "name": "n"},
        {"key": "k" * 257, "name": "n"},
        {"key": 1, "name": "n"},
        {"key": "k", "name": " "},
        {"key": "k", "name": None},
        {"key": "k", "name": "n", "tags": ["a b"]},
        {"key": "k", "name": "n", "tags": "a"},
        {"key": "k", "name": "n", "unbounded": "perhaps"},
        {"key": "k", "name": "n", "unboundedContextKind": "multi"},
        {"key": "k", "name": "n", "unboundedContextKind": "a b"},
    ],
)
def test_create__bad_body__is_an_invalid_request(client: httpx.Client, body: Any) -> None:
    assert_refused(client.post(SEGMENTS, json=body), 400, "invalid_request")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"key": "k"', b"\xff", b"null", b'{"key":"k","name":"\\ud800"}', b"[" * 100_000],
)
def test_create__body_that_is_no_json_object__is_an_invalid_request(
    client: httpx.Client, content: bytes
) -> None:
    reply = client.post(SEGMENTS, content=content, headers={"Content-Type": "application/json"})

    assert_refused(reply, 400, "invalid_request")


@pytest.mark.parametrize(
    "path",
    ["/api/v2/segments/none/production", "/api/v2/segments/default/none"],
)
def test_segments__unknown_place__is_not_found(client: httpx.Client, path: str) -> None:
    assert_refused(client.post(path, json={"key": "k", "name": "n"}), 404, "not_found")
    assert_refused(client.get(path), 404, "not_found")
    assert_refused(client.get(f"{path}/k"), 404, "not_found")
    assert_refused(client.delete(f"{path}/k"), 404, "not_found")


@pytest.mark.parametrize("key", ["no-such", "-bad", "a:b", "k" * 257, "%7Btag%7D", "a%2Fb"])
def test_get__key_that_is_none__is_not_found(client: httpx.Client, key: str) -> None:
    assert_refused(client.get(f"{SEGMENTS}/{key}"), 404, "not_found")


def test_edits__change_the_lists_version_and_not_the_segments(client: httpx.Client) -> None:
    key = create_segment(client)
    before = client.get(f"{SEGMENTS}/{key}").json()

    include(client, key, "a", "b")

    after = client.get(f"{SEGMENTS}/{key}").json()
    assert after["version"] == before["version"] == 1
    assert after["lastModifiedDate"] == before["lastModifiedDate"]
    assert after["_unboundedMetadata"]["version"] == before["_unboundedMetadata"]["version"] + 1
    assert after["_unboundedMetadata"]["includedCount"] == 2
    assert (
        after["_unboundedMetadata"]["lastModified"] >= before["_unboundedMetadata"]["lastModified"]
    )


def test_delete__then_created_again__has_the_next_generation_and_no_members(
    client: httpx.Client,
) -> None:
    key = create_segment(client)
    include(client, key, "a")

    deleted = client.request("DELETE", f"{SEGMENTS}/{key}", content=b"null")

    assert deleted.status_code == 204
    assert deleted.content == b""
    assert_refused(client.get(f"{SEGMENTS}/{key}"), 404, "not_found")
    assert_refused(client.get(f"{SEGMENTS}/{key}/contexts/a"), 404, "not_found")
    create_segment(client, key)
    assert client.get(f"{SEGMENTS}/{key}").json()["generation"] == 2
    assert client.get(f"{SEGMENTS}/{key}/contexts/a").json()["included"] is False


def test_get__body_of_null__is_ignored(client: httpx.Client) -> None:
    key = create_segment(client)

    reply = client.request(
        "GET", f"{SEGMENTS}/{key}", content=b"null", headers={"Content-Type": "application/json"}
    )

    assert reply.status_code == 200


def test_get__list_lost_by_the_server__still_shows_the_definition(
    client: httpx.Client, store: Store
) -> None:
    key = create_segment(client)
    record = store.keyspace.list_record(store.segments.get(PRODUCTION, key).ref)
    store.client.unlink(record)

    reply = client.get(f"{SEGMENTS}/{key}")
    page = client.get(SEGMENTS, params={"limit": 1000})

    assert reply.status_code == 200
    assert "_unboundedMetadata" not in reply.json()
    assert page.status_code == 200
    assert key in [one["key"] for one in page.json()["items"]]
    assert_refused(client.get(f"{SEGMENTS}/{key}/contexts/a"), 503, "service_unavailable")


def test_any__targets_of_a_standard_segment_lost__are_unknown_until_it_is_deleted(
    client: httpx.Client, store: Store
) -> None:
    key = new_key()
    path = f"{SEGMENTS}/{key}"
    assert client.post(SEGMENTS, json={"key": key, "name": "Small"}).status_code == 201
    patch = [{"op": "add", "path": "/included/-", "value": "ada"}]
    assert client.patch(path, json=patch).status_code == 200
    store.client.unlink(store.keyspace.targeting(PRODUCTION, key))

    for reply in (client.get(path), client.get(SEGMENTS), client.patch(path, json=patch)):
        assert_refused(reply, 503, "service_unavailable")
    environment = f"/api/v2/projects/{PRODUCTION.project}/environments/{PRODUCTION.environment}"
    ada = {"kind": "user", "key": "ada"}
    evaluated = client.post(f"{environment}/segments/evaluate", json=ada)
    assert evaluated.status_code == 200
    found = {one["key"]: one["isMember"] for one in evaluated.json()["items"]}
    assert found[key] is False

    assert client.delete(path).status_code == 204
    assert client.get(SEGMENTS).status_code == 200
