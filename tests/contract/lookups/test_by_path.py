"""Membership over the wire: the exact body, any key in the path, refusals in shape."""

import http.client
from urllib.parse import quote

import httpx
import pytest

from tests.support.servers.api import SEGMENTS, TOKEN, Api, assert_refused, create_segment, include

_KEYS = [
    "plain",
    "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "6F9619FF-8B86-D011-B42D-00CF4FC964FF",
    "0123456789abcdef",
    "12345678",
    "org/key é?#",
    "a/b/../c",
    "100%",
    "%2F",
    "two words",
    "+plus+",
    "semi;colon&amp=1",
    '"quoted\\"',
    "👩‍👩‍👧 emoji",
    "\u00f8first byte of a tag",
    "x" * 1024,
    "..",
    "contexts",
]


@pytest.fixture(scope="module")
def segment(client: httpx.Client) -> str:
    key = create_segment(client)
    include(client, key, *_KEYS)
    return key


def _raw(api: Api, path: str, method: str = "GET", token: str = TOKEN) -> tuple[int, bytes]:
    """Send a path as it stands: httpx would normalise it."""
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=60)
    try:
        connection.request(method, path, headers={"Authorization": token})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


@pytest.mark.parametrize("key", _KEYS)
@pytest.mark.parametrize("literal", ["contexts", "users"])
def test_lookup__member_with_any_key__is_found(
    api: Api, segment: str, key: str, literal: str
) -> None:
    status, body = _raw(api, f"{SEGMENTS}/{segment}/{literal}/{quote(key, safe='')}")

    assert status == 200
    assert httpx.Response(200, content=body).json() == {
        "userKey": key,
        "included": True,
        "excluded": False,
    }


def test_lookup__answer__is_these_bytes(client: httpx.Client, segment: str) -> None:
    reply = client.get(f"{SEGMENTS}/{segment}/contexts/stranger")

    assert reply.content == b'{"userKey":"stranger","included":false,"excluded":false}'
    assert reply.headers["content-type"] == "application/json"


def test_lookup__plus_in_the_path__is_no_space(client: httpx.Client, segment: str) -> None:
    assert client.get(f"{SEGMENTS}/{segment}/contexts/two+words").json()["included"] is False


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "%20",
        "%E2%80%83",
        "%zz",
        "%",
        "abc%2",
        "%ff",
        "%C3",
        "%ED%A0%80",
        "%00",
        "a%0Ab",
        "%7F",
        "%C2%85",
        "x" * 1025,
        quote("é") * 513,
    ],
)
def test_lookup__path_without_a_valid_key__is_an_invalid_request(
    api: Api, segment: str, encoded: str
) -> None:
    status, body = _raw(api, f"{SEGMENTS}/{segment}/contexts/{encoded}")

    reply = httpx.Response(status, content=body, headers={"content-type": "application/json"})
    assert_refused(reply, 400, "invalid_request")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_lookup__other_method__is_not_allowed(
    client: httpx.Client, segment: str, method: str
) -> None:
    reply = client.request(method, f"{SEGMENTS}/{segment}/contexts/a", content=b"{}")

    assert_refused(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, HEAD, OPTIONS"
    if method != "POST":
        reply = client.request(method, f"{SEGMENTS}/{segment}/contexts/lookup", content=b"{}")
        assert_refused(reply, 405, "method_not_allowed")
        assert reply.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_lookup__standard_segment__is_an_invalid_request(client: httpx.Client) -> None:
    key = create_segment(client, big=False)

    assert_refused(client.get(f"{SEGMENTS}/{key}/contexts/a"), 400, "invalid_request")


@pytest.mark.parametrize(
    "path",
    [
        f"{SEGMENTS}/no-such/contexts/a",
        "/api/v2/segments/none/production/s/contexts/a",
        "/api/v2/segments/default/none/s/users/a",
        f"{SEGMENTS}/-bad/contexts/a",
        f"{SEGMENTS}/a%2Fb/contexts/a",
        f"{SEGMENTS}/%ff/contexts/a",
        f"{SEGMENTS}//contexts/a",
        f"{SEGMENTS}/s/contexts/a/b",
        f"{SEGMENTS}/s/members/a",
    ],
)
def test_lookup__nothing_there__is_not_found(api: Api, path: str) -> None:
    status, body = _raw(api, path)

    reply = httpx.Response(status, content=body, headers={"content-type": "application/json"})
    assert_refused(reply, 404, "not_found")


def test_lookup__body_of_null_on_a_kept_connection__is_ignored(api: Api, segment: str) -> None:
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=60)
    for _ in range(3):
        connection.request(
            "GET",
            f"{SEGMENTS}/{segment}/contexts/plain",
            body=b"null",
            headers={"Authorization": TOKEN, "Content-Type": "application/json"},
        )
        reply = connection.getresponse()
        assert reply.status == 200
        assert b'"included":true' in reply.read()
    connection.close()


def test_lookup__edited_between_two__answers_what_is_so_now(client: httpx.Client) -> None:
    key = create_segment(client)
    path = f"{SEGMENTS}/{key}/contexts/a"

    seen = [client.get(path).json()["included"]]
    for change in ("add", "remove", "add"):
        client.post(f"{SEGMENTS}/{key}/contexts", json={"included": {change: ["a"]}})
        seen.append(client.get(path).json()["included"])

    assert seen == [False, True, False, True]
