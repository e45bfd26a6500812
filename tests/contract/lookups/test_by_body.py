"""Look-ups with the key in the body: any key, refusals in shape, the same answers as by path."""

import http.client
import json
from typing import Any

import httpx
import pytest

from tests.support.servers.api import SEGMENTS, TOKEN, Api, assert_refused, create_segment, include

#: What a path cannot carry through every client and proxy, and a few that it can.
_KEYS = ["a/b", "..", ".", "a//b", "/", "../../x", "a/./b", "%2F", "lookup", "x" * 1024, "é 👩‍👩‍👧"]


@pytest.fixture(scope="module")
def segment(client: httpx.Client) -> str:
    key = create_segment(client)
    include(client, key, *_KEYS)
    return key


@pytest.mark.parametrize("literal", ["contexts", "users"])
def test_lookup__member_with_any_key__is_found_and_a_stranger_is_not(
    client: httpx.Client, segment: str, literal: str
) -> None:
    path = f"{SEGMENTS}/{segment}/{literal}/lookup"
    for key in _KEYS:
        reply = client.post(path, json={"key": key})
        assert reply.status_code == 200, reply.text
        assert reply.json() == {"userKey": key, "included": True, "excluded": False}
    reply = client.post(path, json={"key": "stranger"})
    assert reply.content == b'{"userKey":"stranger","included":false,"excluded":false}'
    assert reply.headers["content-type"] == "application/json"


def test_lookup__key_called_lookup__is_still_asked_for_by_path(
    client: httpx.Client, segment: str
) -> None:
    reply = client.get(f"{SEGMENTS}/{segment}/contexts/lookup")

    assert reply.json() == {"userKey": "lookup", "included": True, "excluded": False}


def test_lookup__longest_key_with_every_character_escaped__fits(
    client: httpx.Client, segment: str
) -> None:
    content = '{"key":"' + "\\u0078" * 1024 + '"}'

    reply = client.post(f"{SEGMENTS}/{segment}/contexts/lookup", content=content)

    assert reply.json()["included"] is True


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no body"),
        (b"null", "JSON object"),
        (b'"a"', "JSON object"),
        (b'[{"key":"a"}]', "JSON object"),
        (b"{", "not JSON"),
        (b'{"key":"\xff"}', "UTF-8"),
        (b'{"key":"\\ud800"}', "surrogate"),
        (b"{}", "exactly one field, key"),
        (b'{"Key":"a"}', "exactly one field, key"),
        (b'{"key":"a","kind":"user"}', "exactly one field, key"),
        (b'{"key":1}', "a string"),
        (b'{"key":null}', "a string"),
        (b'{"key":""}', "blank"),
        (b'{"key":" "}', "blank"),
        (b'{"key":"a\\u0000"}', "control"),
        (b'{"key":"' + b"x" * 1025 + b'"}', "1,024 bytes"),
        (b"[" * 5_000, "nested"),
    ],
)
def test_lookup__body_without_a_valid_key__is_an_invalid_request(
    client: httpx.Client, segment: str, content: bytes, said: str
) -> None:
    reply = client.post(f"{SEGMENTS}/{segment}/contexts/lookup", content=content)

    message = assert_refused(reply, 400, "invalid_request")
    assert said in message
    assert "xxx" not in message


@pytest.mark.parametrize("declared", [True, False])
def test_lookup__body_over_16_kib__is_refused_and_the_next_one_answered(
    client: httpx.Client, segment: str, *, declared: bool
) -> None:
    path = f"{SEGMENTS}/{segment}/contexts/lookup"
    content = b'{"key":"' + b"x" * 200_000 + b'"}'

    reply = client.post(path, content=content if declared else iter([content]))

    assert_refused(reply, 413, "request_too_large")
    assert client.post(path, json={"key": "a/b"}).json()["included"] is True


def test_lookup__body_of_another_type__is_refused(client: httpx.Client, segment: str) -> None:
    path, content = f"{SEGMENTS}/{segment}/contexts/lookup", b'{"key":"a/b"}'

    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        reply = client.post(path, content=content, headers={"Content-Type": kind})
        assert_refused(reply, 415, "unsupported_media_type")
    for kind in ("application/json; charset=utf-8", "application/vnd.x+json"):
        reply = client.post(path, content=content, headers={"Content-Type": kind})
        assert reply.status_code == 200


@pytest.mark.parametrize(
    ("segment_key", "status", "code"),
    [("no-such", 404, "not_found"), ("-bad", 404, "not_found"), ("a%2Fb", 404, "not_found")],
)
def test_lookup__nothing_there__is_not_found(
    client: httpx.Client, segment_key: str, status: int, code: str
) -> None:
    reply = client.post(f"{SEGMENTS}/{segment_key}/contexts/lookup", json={"key": "a"})

    assert_refused(reply, status, code)


def test_lookup__standard_segment__is_an_invalid_request(client: httpx.Client) -> None:
    key = create_segment(client, big=False)

    reply = client.post(f"{SEGMENTS}/{key}/contexts/lookup", json={"key": "a"})

    assert_refused(reply, 400, "invalid_request")


def test_lookup__stranger_with_a_body__is_unauthorized(api: Api, segment: str) -> None:
    with api.client(token=None) as stranger:
        reply = stranger.post(f"{SEGMENTS}/{segment}/contexts/lookup", json={"key": "a/b"})

    assert_refused(reply, 401, "unauthorized")


def test_lookup__by_body_and_by_path_in_turn_on_one_connection__all_are_answered(
    api: Api, segment: str
) -> None:
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=60)
    path = f"{SEGMENTS}/{segment}/contexts"

    def ask(method: str, last: str, body: bytes | None) -> Any:
        connection.request(method, f"{path}/{last}", body, {"Authorization": TOKEN})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())["included"]

    answers = [
        ask(*question)
        for _ in range(20)
        for question in (
            ("POST", "lookup", b'{"key":"a/b"}'),
            ("GET", "a%2Fb", None),
            ("POST", "lookup", b'{"key":"no"}'),
        )
    ]
    connection.close()

    assert answers == [(200, True), (200, True), (200, False)] * 20
