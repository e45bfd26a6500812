"""Refusals made before a route is known are in Vercel's shape on Vercel's paths."""

import json
from collections.abc import Iterator

import httpx
import pytest

from api.http.connections.uvicorn_protocol import MOST_HEAD_BYTES
from tests.support.servers.api import Api, running_api
from tests.support.servers.redis import Server, wait_until
from tests.support.servers.vercel import PROJECT, SEGMENTS, assert_error, vercel_client
from tests.support.servers.wire import Answer, connected, head, read_answer, send_all


@pytest.fixture(scope="module")
def limited(valkey_server: Server) -> Iterator[Api]:
    """An API process with low limits."""
    settings = {"LIMIT_TOKEN": "1", "HEAD_TIMEOUT_S": "0.6"}
    with running_api(valkey_server.url, settings) as running:
        yield running


@pytest.mark.parametrize("token", [None, "wrong"])
@pytest.mark.parametrize("path", [SEGMENTS, "/v9/projects/default", "/v1/none", "/teams/team_1"])
def test_any_path__without_a_known_token__is_401(api: Api, path: str, token: str | None) -> None:
    with vercel_client(api, token) as client:
        assert_error(client.get(path), 401, "unauthorized")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/none",
        "/v2/none",
        "/teams/a/b/c",
        f"{SEGMENTS}/",
        "/v9/projects/none",
        "/v9/projects/prj_0123456789abcdef0123456789ab",
        "/v9/projects/my%20proj%2F%C3%A9",
        f"{PROJECT}%2Fx/feature-flags/segments",
    ],
)
def test_path__of_nothing__is_404(vercel: httpx.Client, path: str) -> None:
    assert_error(vercel.get(path), 404, "not_found")


def test_method__that_the_path_has_not__is_405_with_those_it_has(vercel: httpx.Client) -> None:
    reply = vercel.post("/v9/projects/default")

    assert_error(reply, 405, "method_unknown")
    assert reply.headers["allow"] == "GET, HEAD, OPTIONS"


def test_body__over_the_limit__is_413(vercel: httpx.Client) -> None:
    reply = vercel.patch("/v9/projects/default", content=b" " * 6_000_000)

    assert_error(reply, 413, "request_too_large")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (head("GET", SEGMENTS, "X: " + "x" * MOST_HEAD_BYTES), 431, "headers_too_large"),
        (head("GET", "/v1/" + "x" * MOST_HEAD_BYTES), 431, "headers_too_large"),
        (b"BREW /v1/projects HTTP/1.1\r\n\r\n", 405, "method_unknown"),
        (b"GET /v1/projects HTTP/1.1\r\nbad header\r\n\r\n", 400, "bad_request"),
    ],
)
def test_head__refused_by_the_connection__is_in_shape(
    api: Api, sent: bytes, status: int, code: str
) -> None:
    with connected(api) as connection:
        send_all(connection, sent)
        _assert_refused(read_answer(connection), status, code)


def test_head__that_does_not_end__is_408(limited: Api) -> None:
    with connected(limited) as connection:
        connection.sendall(head("GET", SEGMENTS)[:-2])
        _assert_refused(read_answer(connection), 408, "request_timeout")


def test_limit__exceeded__says_what_is_left(limited: Api) -> None:
    with vercel_client(limited) as client:
        replies = [client.get("/v9/projects/default")]

        def exceeded() -> bool:
            replies.append(client.get("/v9/projects/default"))
            return replies[-1].status_code == 429

        wait_until(exceeded, "the limit is exceeded")

    limit = assert_error(replies[-1], 429, "rate_limited")["limit"]
    assert (limit["remaining"], limit["total"]) == (0, 1)
    assert limit["resetMs"] % 10_000 == 0
    assert limit["reset"] == limit["resetMs"] // 1_000
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 10


def test_store__that_does_not_answer__is_503() -> None:
    with running_api("redis://127.0.0.1:9/0") as running, vercel_client(running) as client:
        reply = client.get("/v9/projects/default")

    assert_error(reply, 503, "service_unavailable")
    assert reply.headers["retry-after"] == "1"


def test_options__of_a_path__says_its_methods_without_a_token(api: Api) -> None:
    with vercel_client(api, None) as client:
        reply = client.options("/v9/projects/default")

    assert (reply.status_code, reply.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


def test_project__by_key_and_by_id__is_the_same(vercel: httpx.Client) -> None:
    by_key = vercel.get("/v9/projects/default", params={"teamId": "team_1"})
    found = by_key.json()

    assert by_key.status_code == 200, by_key.text
    assert found["id"].startswith("prj_")
    assert (found["name"], found["accountId"]) == ("default", "team_bigseg")
    by_id = vercel.get(f"/v9/projects/{found['id']}")
    assert by_id.json() == found


def _assert_refused(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status, answer.body
    error = _error(answer)
    assert error["code"] == code
    assert error["message"]


def _error(answer: Answer) -> dict[str, str]:
    error: dict[str, str] = json.loads(answer.body)["error"]
    return error
