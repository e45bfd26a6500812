"""Patches as they come over the wire: content types, Terraform's, and big segments."""

from typing import Any

import httpx
import pytest

from tests.support.clients.python_client import SEMANTIC
from tests.support.servers.api import SEGMENTS, assert_refused, create_segment, include, new_key

#: What Terraform's provider sends at every update, with the segment's own values.
TERRAFORM: Any = [
    {"op": "replace", "path": "/name", "value": "Renamed"},
    {"op": "replace", "path": "/description", "value": "Managed by Terraform"},
    {"op": "replace", "path": "/included", "value": []},
    {"op": "replace", "path": "/excluded", "value": []},
    {"op": "replace", "path": "/rules", "value": []},
    {"op": "replace", "path": "/includedContexts", "value": []},
    {"op": "replace", "path": "/excludedContexts", "value": []},
]


def _patch(
    client: httpx.Client,
    key: str,
    body: Any,
    content_type: str = "application/json",
    query: str = "",
) -> httpx.Response:
    headers = {"Content-Type": content_type}
    return client.patch(f"{SEGMENTS}/{key}{query}", json=body, headers=headers)


def _instruct(
    client: httpx.Client, key: str, *instructions: Any, query: str = ""
) -> httpx.Response:
    return _patch(client, key, {"instructions": list(instructions)}, SEMANTIC, query)


@pytest.mark.parametrize(
    "body",
    [
        [{"op": "replace", "path": "/description", "value": "new"}],
        {"patch": [{"op": "replace", "path": "/description", "value": "new"}], "comment": "c"},
        {"merge": {"description": "new"}, "comment": "c"},
        {"description": "new"},
    ],
)
def test_patch__each_form_of_json__changes_the_description(client: httpx.Client, body: Any) -> None:
    key = create_segment(client, big=False)

    reply = _patch(client, key, body)

    assert reply.status_code == 200
    assert (reply.json()["description"], reply.json()["version"]) == ("new", 2)
    assert client.get(f"{SEGMENTS}/{key}").json() == reply.json() | {"_flags": []}


@pytest.mark.parametrize("big", [False, True])
def test_terraform__its_sequence_of_requests__goes_through(client: httpx.Client, big: bool) -> None:
    key = new_key()
    created = client.post(
        SEGMENTS,
        json={
            "key": key,
            "name": "n",
            "description": "",
            "tags": [],
            "unbounded": big,
            "unboundedContextKind": "",
        },
        headers=[("LD-API-Version", "20240415"), ("LD-API-Version", "20240415")],
    )
    assert created.status_code == 201

    for tags in (
        {"op": "replace", "path": "/tags", "value": ["t"]},
        {"op": "remove", "path": "/tags"},
    ):
        patched = _patch(client, key, {"comment": "Terraform", "patch": [*TERRAFORM, tags]})
        assert patched.status_code == 200, patched.text

    shown = client.get(f"{SEGMENTS}/{key}").json()
    assert (shown["name"], shown["tags"], shown["version"]) == ("Renamed", [], 3)
    assert client.delete(f"{SEGMENTS}/{key}").status_code == 204
    assert client.get(f"{SEGMENTS}/{key}").status_code == 404


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"null", "application/json"),
        (b"3", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"name": NaN}', "application/json"),
        (b'{"instructions": []}', "application/json"),
        (b'{"patch": []}', SEMANTIC),
        (b'{"environmentKey": "test", "instructions": []}', SEMANTIC),
        (b'{"instructions": [{"kind": "explode"}]}', SEMANTIC),
        (b'{"included": ["a\\u0000"]}', "application/json"),
    ],
)
def test_patch__body_that_is_no_patch__is_an_invalid_request(
    client: httpx.Client, content: bytes, content_type: str
) -> None:
    key = create_segment(client, big=False)
    headers = {"Content-Type": content_type}

    reply = client.patch(f"{SEGMENTS}/{key}", content=content, headers=headers)

    assert_refused(reply, 400, "invalid_request")
    assert client.get(f"{SEGMENTS}/{key}").json()["version"] == 1


def test_patch__text__is_an_unsupported_type(client: httpx.Client) -> None:
    key = create_segment(client)
    assert_refused(_patch(client, key, {}, "text/plain"), 415, "unsupported_media_type")


def test_patch__bad_dry_run__is_an_invalid_request(client: httpx.Client) -> None:
    key = create_segment(client)
    assert_refused(_patch(client, key, {}, query="?dryRun=perhaps"), 400, "invalid_request")


def _answer(client: httpx.Client, key: str, context: str) -> tuple[bool, bool]:
    answer = client.get(f"{SEGMENTS}/{key}/contexts/{context}").json()
    return answer["included"], answer["excluded"]


def test_instruct__big_segment__edits_its_lists(client: httpx.Client) -> None:
    key = create_segment(client)
    include(client, key, "old", "moved")

    reply = _instruct(
        client,
        key,
        {"kind": "addBigSegmentIncludedTargets", "values": ["new"]},
        {"kind": "removeBigSegmentIncludedTargets", "values": ["old", "moved"]},
        {"kind": "addBigSegmentExcludedTargets", "values": ["moved"]},
        {"kind": "updateName", "value": "Edited"},
    )

    assert reply.status_code == 200, reply.text
    metadata = reply.json()["_unboundedMetadata"]
    assert (metadata["includedCount"], metadata["excludedCount"]) == (1, 1)
    assert (reply.json()["name"], reply.json()["version"]) == ("Edited", 2)
    answers = [_answer(client, key, context) for context in ("old", "new", "moved")]
    assert answers == [(False, False), (True, False), (False, True)]


@pytest.mark.parametrize("count", [1, 2_500])
def test_instruct__key_in_the_other_list__nothing_is_changed(
    client: httpx.Client, count: int
) -> None:
    key = create_segment(client)
    include(client, key, "there")
    before = client.get(f"{SEGMENTS}/{key}").json()
    keys = [*(f"k{n}" for n in range(count)), "there"]

    for query in ("", "?dryRun=true"):
        reply = _instruct(
            client,
            key,
            {"kind": "updateName", "value": "never"},
            {"kind": "addBigSegmentExcludedTargets", "values": keys},
            query=query,
        )
        assert_refused(reply, 400, "invalid_request")

    assert client.get(f"{SEGMENTS}/{key}").json() == before


def test_instruct__dry_run_on_a_big_segment__touches_no_list(client: httpx.Client) -> None:
    key = create_segment(client)
    before = client.get(f"{SEGMENTS}/{key}").json()

    reply = _instruct(
        client,
        key,
        {"kind": "addBigSegmentIncludedTargets", "values": ["a"]},
        {"kind": "addTags", "values": ["t"]},
        query="?dryRun=true",
    )

    assert (reply.status_code, reply.json()["tags"]) == (200, ["t"])
    assert client.get(f"{SEGMENTS}/{key}").json() == before


def test_instruct__import_that_does_not_exist__is_refused(client: httpx.Client) -> None:
    key = create_segment(client)

    reply = _instruct(client, key, {"kind": "processBigSegmentImport", "importId": "i-1"})

    assert "i-1 does not exist" in assert_refused(reply, 400, "invalid_request")


@pytest.mark.parametrize(
    ("big", "instruction"),
    [
        (True, {"kind": "addIncludedTargets", "contextKind": "user", "values": ["a"]}),
        (True, {"kind": "addRule", "clauses": []}),
        (False, {"kind": "addBigSegmentIncludedTargets", "values": ["a"]}),
        (False, {"kind": "processBigSegmentImport", "importId": "i"}),
    ],
)
def test_instruct__other_kind_of_segment__is_refused(
    client: httpx.Client, big: bool, instruction: dict[str, Any]
) -> None:
    reply = _instruct(client, create_segment(client, big=big), instruction)

    assert_refused(reply, 400, "invalid_request")


def test_patch__targets_on_a_big_segment__are_refused(client: httpx.Client) -> None:
    reply = _patch(client, create_segment(client), {"included": ["a"]})

    assert_refused(reply, 400, "invalid_request")
