"""Edits by hand: whole or not at all, add before remove."""

from typing import Any

import httpx
import pytest

from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    assert_refused,
    create_segment,
    include,
    wait_for_message,
)
from worker.store import Store


def _answer(client: httpx.Client, key: str, context_key: str) -> tuple[bool, bool]:
    body = client.get(f"{SEGMENTS}/{key}/users/{context_key}").json()
    return body["included"], body["excluded"]


@pytest.mark.parametrize("path", ["contexts", "users"])
def test_update__add_and_remove_on_both_lists__are_applied_in_order(
    client: httpx.Client, path: str
) -> None:
    key = create_segment(client)
    body = {
        "included": {"add": ["both", "in"], "remove": ["in", "never"]},
        "excluded": {"add": ["both", "out"]},
    }

    reply = client.post(f"{SEGMENTS}/{key}/{path}", json=body)

    assert reply.status_code == 204
    assert reply.content == b""
    assert _answer(client, key, "both") == (True, True)
    assert _answer(client, key, "in") == (False, False)
    assert _answer(client, key, "out") == (False, True)
    metadata = client.get(f"{SEGMENTS}/{key}").json()["_unboundedMetadata"]
    assert (metadata["includedCount"], metadata["excludedCount"]) == (1, 2)
    assert metadata["version"] == 2


def test_update__same_body_again__changes_nothing_more(client: httpx.Client) -> None:
    key = create_segment(client)

    include(client, key, "a", "a")
    include(client, key, "a")

    assert client.get(f"{SEGMENTS}/{key}").json()["_unboundedMetadata"]["includedCount"] == 1


@pytest.mark.parametrize("body", [{}, {"included": {}}, {"included": None}])
def test_update__nothing_to_do__is_accepted(client: httpx.Client, body: Any) -> None:
    key = create_segment(client)

    assert client.post(f"{SEGMENTS}/{key}/contexts", json=body).status_code == 204


@pytest.mark.parametrize(
    "bad",
    ["", " ", "\u2003", "k" * 1025, "é" * 513, "a\nb", "a\x00b", "\x7f", "a\x85b"],
)
@pytest.mark.parametrize("where", [("included", "add"), ("excluded", "remove")])
def test_update__one_bad_key__applies_none_and_repeats_none(
    client: httpx.Client, bad: str, where: tuple[str, str]
) -> None:
    key = create_segment(client)
    side, change = where
    body = {"included": {"add": ["good"]}, side: {change: ["fine", bad]}}
    if side == "included":
        body = {"included": {"add": ["good", bad]}}

    message = assert_refused(
        client.post(f"{SEGMENTS}/{key}/contexts", json=body), 400, "invalid_request"
    )

    assert message.startswith(f"{side}.{change}[1]: ")
    assert not bad.strip() or bad not in message
    assert _answer(client, key, "good") == (False, False)


@pytest.mark.parametrize(
    "content",
    [
        b'{"included":{"add":["\\ud800"]}}',
        b'{"included":{"add":[1]}}',
        b'{"included":{"add":"a"}}',
        b'{"included":{"add":[null]}}',
        b'{"included":[]}',
        b"[]",
        b"null",
        b'{"included":{"add":["a"',
        b'{"included":{"add":["\xff"]}}',
    ],
)
def test_update__body_of_another_shape__is_an_invalid_request(
    client: httpx.Client, content: bytes
) -> None:
    key = create_segment(client)

    reply = client.post(
        f"{SEGMENTS}/{key}/contexts",
        content=content,
        headers={"Content-Type": "application/json"},
    )

    assert_refused(reply, 400, "invalid_request")


def test_update__as_many_keys_as_allowed__is_taken_and_one_more_is_not(
    client: httpx.Client,
) -> None:
    key = create_segment(client)
    keys = [f"key-{n}" for n in range(10_000)]

    include(client, key, *keys)
    body = {"included": {"add": keys[:5_000]}, "excluded": {"add": keys[:5_001]}}
    reply = client.post(f"{SEGMENTS}/{key}/contexts", json=body)

    assert "10,000" in assert_refused(reply, 400, "invalid_request")
    assert _answer(client, key, "key-9999") == (True, False)
    assert _answer(client, key, "key-0") == (True, False)


def test_update__key_of_the_greatest_length__is_stored_as_given(client: httpx.Client) -> None:
    key = create_segment(client)
    longest = "é" * 512

    include(client, key, longest)

    body = client.get(f"{SEGMENTS}/{key}/contexts/{longest}").json()
    assert body == {"userKey": longest, "included": True, "excluded": False}


@pytest.mark.parametrize("path", ["contexts", "users"])
def test_update__standard_segment__is_an_invalid_request(client: httpx.Client, path: str) -> None:
    key = create_segment(client, big=False)
    body = {"included": {"add": ["a"]}}

    assert_refused(client.post(f"{SEGMENTS}/{key}/{path}", json=body), 400, "invalid_request")


def test_update__unknown_segment__is_not_found(client: httpx.Client) -> None:
    reply = client.post(f"{SEGMENTS}/no-such/contexts", json={})

    assert_refused(reply, 404, "not_found")


def test_update__list_outgrows_its_shards__asks_the_worker_to_reshard(
    client: httpx.Client, store: Store
) -> None:
    key = create_segment(client)
    ref = store.segments.get(PRODUCTION, key).ref

    include(client, key, *(f"key-{n}" for n in range(2_000)))

    wait_for_message(store, "bigseg.reshard", f"default:production:{key}:{ref.generation}")
