"""What LaunchDarkly's command line, ldcli 3.10.0, sends and expects, byte by byte.

Source: read in its code. Everything goes over one connection, as Go keeps it: a body left
unread would spoil the next request.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.servers.api import SEGMENTS, TOKEN, Api, assert_refused, new_key

_JSON: Final = "application/json"
_SEMANTIC: Final = "application/json; domain-model=launchdarkly.semanticpatch"


@dataclass(frozen=True, slots=True)
class Ldcli:
    """One connection that sends what ldcli does."""

    connection: HTTPConnection

    def send(
        self, method: str, path: str, data: Any = None, *, semantic: bool = False
    ) -> tuple[int, Any]:
        """Send a command's request: no data is sent as the four bytes of ``null``."""
        before = self.connection.sock
        self.connection.request(
            method,
            path,
            body=json.dumps(data).encode(),
            headers={
                "Authorization": TOKEN,
                "Content-Type": _SEMANTIC if semantic else _JSON,
                "User-Agent": "launchdarkly-cli/v3.10.0",
            },
        )
        reply = self.connection.getresponse()
        content = reply.read()
        assert before is None or self.connection.sock is before, "the connection was closed"
        if content:
            assert reply.headers["Content-Type"] == _JSON
        return reply.status, json.loads(content) if content else None

    def read(self, method: str, path: str, data: Any = None, *, semantic: bool = False) -> Any:
        """Send what succeeds; give the body."""
        status, body = self.send(method, path, data, semantic=semantic)
        assert status < 400, body
        return body


@pytest.fixture(scope="module")
def ldcli(api: Api) -> Iterator[Ldcli]:
    connection = HTTPConnection(urlsplit(api.url).netloc, timeout=30)
    yield Ldcli(connection)
    connection.close()


def _created(ldcli: Ldcli, *, big: bool = False) -> str:
    key = new_key()
    made = ldcli.read("POST", SEGMENTS, {"name": "Made by ldcli", "key": key, "unbounded": big})
    assert made["key"] == key
    return f"{SEGMENTS}/{key}"


def test_segments__created_got_listed_updated_deleted__with_null_bodies(ldcli: Ldcli) -> None:
    path = _created(ldcli)

    shown = ldcli.read("GET", path)
    listed = ldcli.read("GET", SEGMENTS)
    renamed = ldcli.read("PATCH", path, [{"op": "replace", "path": "/name", "value": "Renamed"}])
    told = ldcli.read(
        "PATCH", path, {"instructions": [{"kind": "addTags", "values": ["t"]}]}, semantic=True
    )
    deleted = ldcli.read("DELETE", path)

    assert (shown["name"], renamed["name"], told["tags"]) == ("Made by ldcli", "Renamed", ["t"])
    assert shown["key"] in [one["key"] for one in listed["items"]]
    assert all(isinstance(one["creationDate"], int) for one in listed["items"])
    assert deleted is None
    assert ldcli.send("GET", path)[0] == 404


def test_list__form_encoded_query__is_understood_and_paged(ldcli: Ldcli) -> None:
    word = new_key("word")
    for number in range(3):
        body = {"name": f"{word} no. {number}", "key": f"{word}-{number}"}
        ldcli.read("POST", SEGMENTS, body)

    page = ldcli.read(
        "GET",
        f"{SEGMENTS}?filter=query+equals+%22{word}+no.%22&limit=2&offset=1&sort=-name",
    )

    assert [one["key"] for one in page["items"]] == [f"{word}-1", f"{word}-0"]
    assert page["totalCount"] == 3
    own = parse_qs(urlsplit(page["_links"]["self"]["href"]).query)
    assert (own["limit"], own["offset"]) == (["2"], ["1"])
    for link in page["_links"].values():
        assert all(isinstance(value, str) for value in link.values())
    first = ldcli.read("GET", page["_links"]["first"]["href"])
    assert first["items"][0]["key"] == f"{word}-2"


@pytest.mark.parametrize("family", ["contexts", "users"])
def test_targets__updated_and_asked__are_members(ldcli: Ldcli, family: str) -> None:
    path = _created(ldcli, big=True)

    updated = ldcli.read("POST", f"{path}/{family}", {"included": {"add": ["a b", "c"]}})

    assert updated is None
    # Go escapes what cannot stand in an address, and nothing else.
    asked = ldcli.read("GET", f"{path}/{family}/a%20b")
    assert asked == {"userKey": "a b", "included": True, "excluded": False}


def test_membership__of_a_key_with_a_slash__is_another_address(ldcli: Ldcli) -> None:
    path = _created(ldcli, big=True)
    ldcli.read("POST", f"{path}/contexts", {"included": {"add": ["org/key"]}})

    assert ldcli.send("GET", f"{path}/contexts/org/key")[0] == 404


def test_export__with_a_null_body__is_made_and_got(ldcli: Ldcli) -> None:
    path = _created(ldcli, big=True)

    made = ldcli.read("POST", f"{path}/exports")
    got = ldcli.read("GET", f"{path}/exports/{made['id']}")

    assert got["id"] == made["id"]


@pytest.mark.parametrize("data", [None, {}, {"file": "list.csv", "mode": "merge"}, "list.csv", []])
def test_import__as_json__cannot_work_and_says_so(ldcli: Ldcli, data: Any) -> None:
    status, body = ldcli.send("POST", f"{_created(ldcli, big=True)}/imports", data)

    assert (status, body["code"]) == (400, "invalid_request")
    assert body["message"]


@pytest.mark.parametrize("job", ["imports", "exports"])
def test_job__unknown__is_an_error_that_is_printed(ldcli: Ldcli, job: str) -> None:
    status, body = ldcli.send("GET", f"{_created(ldcli, big=True)}/{job}/none")

    assert (status, body["code"]) == (404, "not_found")
    assert isinstance(body["message"], str)


def test_dry_run__asked_for__stores_nothing(ldcli: Ldcli) -> None:
    path = _created(ldcli)
    patch = [{"op": "replace", "path": "/name", "value": "Tried"}]

    tried = ldcli.read("PATCH", f"{path}?dryRun=true", patch)

    assert tried["name"] == "Tried"
    assert ldcli.read("GET", path)["name"] == "Made by ldcli"


def test_whoami__with_a_null_body__says_which_token_it_is(ldcli: Ldcli) -> None:
    shown = ldcli.read("GET", "/api/v2/caller-identity")

    assert (shown["authKind"], shown["tokenName"]) == ("token", "admin token")


def test_tracking__after_each_command__is_not_found(client: httpx.Client) -> None:
    reply = client.post("/internal/tracking", json={"event": "CLI Command Run"})

    assert_refused(reply, 404, "not_found")
