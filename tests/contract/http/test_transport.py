"""What clients do around the requests themselves: bodies of null, other methods, versions."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    TOKEN,
    Api,
    assert_refused,
    create_segment,
    include,
    new_key,
)

_VERSIONS = ["20160426", "20191212", "20210729", "20220603", "20240415", "beta", "?", ""]


class Wire:
    """One connection that is kept: what one request leaves behind, the next one meets."""

    def __init__(self, api: Api) -> None:
        url = httpx.URL(api.url)
        self._socket = socket.create_connection((url.host, url.port or 80), timeout=60)
        self._file = self._socket.makefile("rwb")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def send(self, method: str, path: str, *lines: str, body: bytes = b"null") -> None:
        head = [
            f"{method} {path} HTTP/1.1",
            *("Host: test", f"Authorization: {TOKEN}", "Content-Type: application/json"),
            f"Content-Length: {len(body)}",
            *lines,
        ]
        self._file.write("\r\n".join([*head, "", ""]).encode() + body)
        self._file.flush()

    def receive(self) -> tuple[int, Any]:
        status = int(self._file.readline().split()[1])
        length = 0
        while line := self._file.readline().strip().lower():
            assert line != b"connection: close"
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        body = self._file.read(length)
        return status, json.loads(body) if body else None

    def ask(self, method: str, path: str, *lines: str) -> tuple[int, Any]:
        self.send(method, path, *lines)
        return self.receive()


@pytest.fixture
def wire(api: Api) -> Iterator[Wire]:
    wire = Wire(api)
    yield wire
    wire.close()


def test_null_body__of_ldcli_s_commands__is_read_and_ignored(
    wire: Wire, client: httpx.Client
) -> None:
    key = create_segment(client)
    include(client, key, "a")
    found = {"userKey": "a", "included": True, "excluded": False}

    for _ in range(2):
        assert wire.ask("GET", f"{SEGMENTS}/{key}/contexts/a") == (200, found)
        assert wire.ask("GET", f"{SEGMENTS}/{key}/users/a") == (200, found)
        status, segment = wire.ask("GET", f"{SEGMENTS}/{key}")
        assert (status, segment["key"]) == (200, key)
        assert wire.ask("GET", SEGMENTS)[0] == 200
        assert wire.ask("POST", f"{SEGMENTS}/{key}/exports")[0] == 200
        # A refusal leaves the connection as it was, too.
        assert wire.ask("GET", f"{SEGMENTS}/no-such")[0] == 404
        assert wire.ask("GET", f"{SEGMENTS}/no-such/contexts/a")[0] == 404
        assert wire.ask("POST", f"{SEGMENTS}/{key}/contexts/a")[0] == 405
    assert wire.ask("DELETE", f"{SEGMENTS}/{key}") == (204, None)
    assert wire.ask("GET", f"{SEGMENTS}/{key}/contexts/a")[0] == 404


def test_null_body__requests_without_waiting__are_answered_in_order(
    wire: Wire, client: httpx.Client
) -> None:
    key = create_segment(client)
    keys = [f"k{n}" for n in range(20)]

    for one in keys:
        wire.send("GET", f"{SEGMENTS}/{key}/contexts/{one}")

    assert [wire.receive()[1]["userKey"] for _ in keys] == keys


def test_api_version__sent_twice__is_accepted(wire: Wire, client: httpx.Client) -> None:
    key = create_segment(client)
    twice = ("LD-API-Version: 20240415", "Ld-Api-Version: 20240415")

    for path in (SEGMENTS, f"{SEGMENTS}/{key}", f"{SEGMENTS}/{key}/contexts/a"):
        assert wire.ask("GET", path, *twice)[0] == 200


@pytest.mark.parametrize("version", [*_VERSIONS, "20240415, 20240415"])
def test_api_version__of_any_value__is_accepted_everywhere(
    client: httpx.Client, version: str
) -> None:
    headers = {"LD-API-Version": version}
    key = new_key()
    body = {"key": key, "name": key, "unbounded": True}

    assert client.post(SEGMENTS, json=body, headers=headers).status_code == 201
    for suffix in ("", f"/{key}", f"/{key}/contexts/a"):
        assert client.get(SEGMENTS + suffix, headers=headers).status_code == 200
    assert client.delete(f"{SEGMENTS}/{key}", headers=headers).status_code == 204


@pytest.mark.parametrize("meant", ["PATCH", "patch"])
def test_override__of_a_post__is_the_method(client: httpx.Client, meant: str) -> None:
    key = create_segment(client)
    patch = [{"op": "replace", "path": "/name", "value": "New"}]

    reply = client.post(f"{SEGMENTS}/{key}", json=patch, headers={"X-HTTP-Method-Override": meant})

    assert reply.status_code == 200
    assert reply.json()["name"] == "New"


def test_override__delete__deletes(client: httpx.Client) -> None:
    key = create_segment(client)

    reply = client.post(f"{SEGMENTS}/{key}", headers={"X-HTTP-Method-Override": "DELETE"})

    assert reply.status_code == 204
    assert client.get(f"{SEGMENTS}/{key}").status_code == 404


def test_override__put__is_routed_as_one(client: httpx.Client) -> None:
    reply = client.post(SEGMENTS, json={}, headers={"X-HTTP-Method-Override": "PUT"})

    assert_refused(reply, 405, "method_not_allowed")
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("meant", ["GET", "POST", "HEAD", "", "DELETE, PATCH", "\xff"])
def test_override__of_another_method__is_refused_and_does_nothing(
    client: httpx.Client, meant: str
) -> None:
    key = new_key()
    headers = {b"X-HTTP-Method-Override": meant.encode("latin-1")}

    reply = client.post(SEGMENTS, json={"key": key, "name": key}, headers=headers)

    assert_refused(reply, 400, "invalid_request")
    assert client.get(f"{SEGMENTS}/{key}").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_override__on_any_other_method__is_ignored(client: httpx.Client, method: str) -> None:
    key = create_segment(client)
    headers = {"X-HTTP-Method-Override": "DELETE"}

    assert client.request(method, f"{SEGMENTS}/{key}", json=[], headers=headers).status_code == 200
    assert client.get(f"{SEGMENTS}/{key}/contexts/a", headers=headers).status_code == 200


@pytest.mark.parametrize("token", [None, "wrong", TOKEN])
def test_tracking__with_or_without_a_token__is_not_found(api: Api, token: str | None) -> None:
    with api.client(token) as client:
        reply = client.post("/internal/tracking", json={"event": "CLI Command Run"})

    assert_refused(reply, 404, "not_found")


def test_view_associations__of_a_segment__are_none(client: httpx.Client) -> None:
    path = f"/api/v2/projects/{PRODUCTION.project}/view-associations/segments/s"
    query = {"environmentId": "64f6f21653c76f12626d142c", "limit": "100", "offset": "0"}

    reply = client.get(path, params=query, headers={"LD-API-Version": "beta"})

    assert (reply.status_code, reply.json()) == (
        200,
        {"items": [], "totalCount": 0, "_links": {}},
    )
    assert_refused(client.get(path.replace(PRODUCTION.project, "none")), 404, "not_found")
