"""Compositions over HTTP and the command line: what starts one, who may, and what is refused."""

from typing import Any, Final

import httpx
import pytest

from tests.support.clients.command_line import Run, json_of
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    assert_refused,
    create_segment,
    include,
    new_key,
    wait_for_message,
)
from tests.support.store.stores import keys_of
from worker.store import JobRef, Store
from worker.store.jobs import TASK_WORK

_LIST: Final = {"file": ("list.csv", b"a\n")}


def _compose(client: httpx.Client, target: str, *sources: str, **fields: Any) -> httpx.Response:
    body = {"op": "union", "segments": list(sources), **fields}
    headers = fields.pop("headers", {})
    body.pop("headers", None)
    return client.post(f"{SEGMENTS}/{target}/compose", json=body, headers=headers)


def _pins(store: Store, segment: str) -> list[bytes]:
    record = store.keyspace.list_record(store.segments.get(PRODUCTION, segment).ref)
    return [name for name in store.client.hkeys(record) if name.startswith(b"pin:")]


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


@pytest.fixture
def source(client: httpx.Client) -> str:
    key = create_segment(client)
    include(client, key, "a", "b")
    return key


def test_compose__segments__starts_an_import_of_them(
    client: httpx.Client, store: Store, segment: str, source: str
) -> None:
    reply = _compose(client, segment, source, allowShrink=True)

    shown = reply.json()
    assert reply.status_code == 202, reply.text
    assert (shown["mode"], shown["target"], shown["files"]) == ("replace", "included", [])
    (one,) = shown["composition"]["segments"]
    assert (one["segmentKey"], one["list"], one["members"]) == (source, "included", 2)
    assert one["time"] <= shown["creationTime"] + 60_000
    assert client.get(reply.headers["location"]).json()["id"] == shown["id"]
    listed = client.get(f"{SEGMENTS}/{segment}/imports").json()["items"]
    assert [item["id"] for item in listed] == [shown["id"]]
    wait_for_message(store, TASK_WORK, str(JobRef("import", PRODUCTION, shown["id"])))
    spec = f"proj/default:env/production:segment/{segment}"
    entry = client.get("/api/v2/auditlog", params={"spec": spec}).json()["items"][0]
    whole = client.get(f"/api/v2/auditlog/{entry['_id']}").json()
    assert whole["currentVersion"]["source"] == f"union of {source}"


def test_compose__repeated_with_its_key__starts_nothing_more(
    client: httpx.Client, segment: str, source: str
) -> None:
    headers = {"Idempotency-Key": f"compose-{segment}"}
    first, again = (_compose(client, segment, source, headers=headers) for _ in range(2))

    assert again.json() == first.json()
    other = _compose(client, segment, source, mode="merge", headers=headers)
    assert other.status_code == 422


def test_compose__while_an_import_runs__conflicts_and_pins_nothing(
    client: httpx.Client, store: Store, segment: str, source: str
) -> None:
    assert client.post(f"{SEGMENTS}/{segment}/imports", files=_LIST).status_code == 204

    assert_refused(_compose(client, segment, source), 409, "optimistic_locking_error")
    assert _pins(store, source) == []
    assert not any(f"{source}.g1" in key and key.endswith("changes") for key in keys_of(store))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"segments": []}, "segments", id="empty"),
        pytest.param({"segments": ["no-such"]}, "no segment no-such", id="unknown"),
        pytest.param({"segments": ["x", "x"]}, "named twice", id="twice"),
        pytest.param({"op": "intersect"}, "two or more", id="one of an intersection"),
        pytest.param({"op": "xor"}, "op", id="unknown operation"),
        pytest.param({"column": 2}, "column", id="option of a file"),
        pytest.param({"dryRun": True, "waitOnApprovals": True}, "dryRun", id="dry and waiting"),
        pytest.param({"segments": [f"s{n}" for n in range(33)]}, "segments", id="too many"),
    ],
)
def test_compose__what_cannot_be_meant__is_refused(
    client: httpx.Client, segment: str, source: str, fields: dict[str, Any], said: str
) -> None:
    reply = _compose(client, segment, source, **fields)

    assert said in assert_refused(reply, 400, "invalid_request")


def test_compose__of_itself__only_adds_or_removes(client: httpx.Client, segment: str) -> None:
    refused = assert_refused(_compose(client, segment, segment), 400, "invalid_request")

    assert "cannot replace itself" in refused
    assert _compose(client, segment, segment, mode="merge").status_code == 202


def test_compose__standard_segments__are_refused(client: httpx.Client, segment: str) -> None:
    standard = create_segment(client, big=False)

    said = assert_refused(_compose(client, segment, standard), 400, "invalid_request")
    assert "not a big segment" in said
    assert_refused(_compose(client, standard, segment), 400, "invalid_request")
    assert_refused(_compose(client, "no-such", segment), 404, "not_found")


def test_compose__segments_of_another_kind_of_contexts__are_refused(
    client: httpx.Client, segment: str
) -> None:
    devices = new_key()
    body = {"key": devices, "name": "d", "unbounded": True, "unboundedContextKind": "device"}
    client.post(SEGMENTS, json=body).raise_for_status()

    said = assert_refused(_compose(client, segment, devices), 400, "invalid_request")
    assert "of kind device" in said
    assert_refused(_compose(client, devices, segment, mode="merge"), 400, "invalid_request")


def test_compose__source_out_of_scope__is_forbidden_whether_it_exists_or_not(
    api: Api, client: httpx.Client, segment: str, source: str
) -> None:
    resources = [f"proj/default:env/production:segment/{segment}"]
    statement = {"effect": "allow", "actions": ["*"], "resources": resources}
    made = client.post(
        "/api/v2/tokens", json={"name": "t", "role": "writer", "inlineRole": [statement]}
    )
    with api.client(made.json()["token"]) as scoped:
        for key in (source, "no-such"):
            assert_refused(_compose(scoped, segment, segment, key, mode="merge"), 403, "forbidden")
        assert _compose(scoped, segment, segment, mode="merge").status_code == 202


def test_command__compose__starts_what_it_says(run: Run, segment: str, source: str) -> None:
    done = run(
        *("compose", "union", source, "--segment", segment, "--mode", "merge"),
        *("--allow-empty", "--no-wait", "--json"),
    )

    shown = json_of(done)
    assert (shown["mode"], shown["composition"]["segments"][0]["segmentKey"]) == ("merge", source)
    table = run("imports", "show", shown["id"], "--segment", segment).stdout
    assert f"union of {source} (revision " in table
    assert "2 keys)" in table
    assert f"union of {source}" in run("imports", "list", "--segment", segment).stdout
