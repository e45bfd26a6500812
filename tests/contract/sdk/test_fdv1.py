"""The first protocol of SDKs: everything, and then each change, such that no SDK drops any."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.support.sdks.flags import flag_of, flags_of
from tests.support.sdks.own_environment import OwnEnvironment, own_environment
from tests.support.segments.environment import fill_environment, rule
from tests.support.servers.api import TOKEN, Api
from tests.support.servers.vercel import vercel_client
from tests.support.servers.wire import connected, head
from tests.support.vercel.projects import new_sdk_key, own_project
from worker.store import EnvironmentRef, Store

ALL, STREAM = "/sdk/latest-all", "/all"
_EVENTS = ("/bulk", "/diagnostic")
_MANY = 1_200

Event = tuple[str, Any]


@pytest.fixture
def environment(api: Api) -> Iterator[OwnEnvironment]:
    with own_environment(api) as environment:
        yield environment


@pytest.fixture
def sdk(api: Api, environment: OwnEnvironment) -> Iterator[httpx.Client]:
    """A client with the SDK key."""
    with api.client(environment.sdk_key) as client:
        yield client


class Held:
    """What an SDK has: it drops whatever is not newer than what it has, and forgets nothing."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.names: list[str] = []

    def take(self, event: Event) -> None:
        name, data = event
        self.names.append(name)
        if name == "put":
            assert data["path"] == "/"
            self.items = data["data"]
            return
        _, kind, key = data["path"].split("/")
        found = data["data"] if name == "patch" else {"version": data["version"], "deleted": True}
        if found["version"] > self.items[kind].get(key, {"version": -1})["version"]:
            self.items[kind][key] = found

    @property
    def present(self) -> dict[str, dict[str, Any]]:
        """Give what it evaluates with."""
        return {
            kind: {key: item for key, item in items.items() if not item.get("deleted")}
            for kind, items in self.items.items()
        }


@contextmanager
def _stream(sdk: httpx.Client) -> Iterator[Iterator[Event]]:
    """Open a stream; gives its events."""
    with sdk.stream("GET", STREAM) as reply:
        assert reply.status_code == 200, reply.read()
        assert reply.headers["content-type"].startswith("text/event-stream")
        # Without it the SDK for Python waits until it has a buffer full.
        assert reply.headers["transfer-encoding"] == "chunked"
        yield _events(reply.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Event]:
    event = ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            yield event, json.loads(value)


def _all(sdk: httpx.Client) -> Any:
    reply = sdk.get(ALL)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_stream__whatever_changes__leaves_an_sdk_with_what_is_there(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    http, path = environment.client, f"{environment.segments}/a"
    held = Held()

    def is_followed() -> None:
        """Take events until the change is there."""
        wanted = _all(sdk)
        assert held.present != wanted, "the test changes nothing"
        while held.present != wanted:
            held.take(next(events))

    with _stream(sdk) as events:
        held.take(next(events))
        assert held.items == {"flags": {}, "segments": {}}
        for _ in range(2):
            environment.create_segment("a")
            is_followed()
            for member in ("u1", "u2"):
                environment.include("a", member)
                is_followed()
            assert http.delete(path).status_code == 204
            is_followed()
        environment.create_segment("a", unbounded=True)
        is_followed()
        assert http.delete(path).status_code == 204
        environment.create_segment("a", unbounded=True)
        is_followed()
        assert held.items["segments"]["a"]["generation"] == 4
        environment.put_flags(flags_of(["a", "b"])["flags"])
        is_followed()
        environment.put_flags(flags_of(["b"])["flags"])
        is_followed()
    assert held.names.count("put") == 1, "an SDK is sent what has changed, and nothing else"


def test_data__of_each_kind_of_segment__has_every_field_with_its_type(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    environment.create_segment("big", unbounded=True, unboundedContextKind="device")
    environment.create_segment("standard")
    values = [
        {"op": "replace", "path": "/included", "value": ["ça va", "🦊", 'say "hi"']},
        {"op": "replace", "path": "/excluded", "value": ["no"]},
        {
            "op": "replace",
            "path": "/includedContexts",
            "value": [{"contextKind": "device", "values": ["d"]}],
        },
        {"op": "add", "path": "/rules/-", "value": rule("plan", "in", ["gold", 7, True])},
        {
            "op": "add",
            "path": "/rules/-",
            "value": {**rule("key", "in", ["x"]), "weight": 30_000, "bucketBy": "name"},
        },
    ]
    reply = environment.client.patch(f"{environment.segments}/standard", json=values)
    assert reply.status_code == 200, reply.text

    found = _all(sdk)["segments"]

    big, standard = found["big"], found["standard"]
    salt, version, generation = big["salt"], big["version"], big["generation"]
    assert {type(salt), type(version), type(generation)} == {str, int}
    assert big == {
        "key": "big",
        "salt": salt,
        "version": version,
        "deleted": False,
        "rules": [],
        "included": [],
        "excluded": [],
        "includedContexts": [],
        "excludedContexts": [],
        "unbounded": True,
        "unboundedContextKind": "device",
        "generation": generation,
    }
    assert standard["included"] == ["ça va", "🦊", 'say "hi"']
    assert standard["excluded"] == ["no"]
    assert standard["includedContexts"] == [{"contextKind": "device", "values": ["d"]}]
    first, second = standard["rules"]
    (clause,) = first["clauses"]
    assert clause == {
        "contextKind": "user",
        "attribute": "plan",
        "op": "in",
        "values": ["gold", 7, True],
        "negate": False,
    }
    assert (second["weight"], second["bucketBy"]) == (30_000, "name")
    assert "weight" not in first


def test_data__with_a_tag__is_sent_if_it_has_changed(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    environment.create_segment("a")
    tag = sdk.get(ALL).headers["etag"]

    for named in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        reply = sdk.get(ALL, headers={"If-None-Match": named})
        assert (reply.status_code, reply.content) == (304, b""), named
        assert reply.headers["etag"] == tag
    for named in ('"other"', tag.strip('"'), ""):
        assert sdk.get(ALL, headers={"If-None-Match": named}).status_code == 200, named
    environment.include("a", "anna")
    reply = sdk.get(ALL, headers={"If-None-Match": tag})
    assert reply.status_code == 200
    assert reply.headers["etag"] != tag


def test_paths__with_another_method__do_not_answer_as_if_it_were_theirs(sdk: httpx.Client) -> None:
    reply = sdk.head(STREAM)
    assert (reply.status_code, reply.content) == (200, b"")
    assert [sdk.post(path).status_code for path in (ALL, STREAM)] == [405, 405]
    assert [sdk.get(path).status_code for path in _EVENTS] == [405, 405]


def test_paths__with_what_is_no_sdk_key_of_an_environment__are_401(
    api: Api, environment: OwnEnvironment
) -> None:
    with vercel_client(api) as vercel, own_project(vercel) as project:
        keys = [
            new_sdk_key(vercel, project)["keyValue"],
            *(TOKEN, None, "sdk-", f"{environment.sdk_key}0", environment.sdk_key.upper()),
            *(f"sdk-{'0' * 32}", "sdk-" + "x" * 5_000, environment.sdk_key.removeprefix("sdk-")),
        ]
        for key in keys:
            with api.client(key) as client:
                assert client.get(ALL).status_code == 401, key
                assert client.get(STREAM).status_code == 401, key
                assert [client.post(path, json=[]).status_code for path in _EVENTS] == [401, 401]
    assert environment.sdk_key.removeprefix("sdk-") not in api.log


def test_events__whatever_their_body__are_taken(sdk: httpx.Client) -> None:
    for path in _EVENTS:
        for body in (b"", b"[]", b'[{"kind":"summary"}]', b"no JSON", b"[],," * 2_000_000):
            reply = sdk.post(path, content=body)
            assert (reply.status_code, reply.content) == (202, b"")
    reply = sdk.post(_EVENTS[0], content=itertools.repeat(bytes(1024 * 1024), 65))
    assert reply.status_code == 413


def test_stream__with_many_segments_and_a_large_one__sends_all_and_then_what_changes(
    environment: OwnEnvironment, sdk: httpx.Client, store: Store
) -> None:
    fill_environment(store, EnvironmentRef("default", environment.key), _MANY)
    environment.create_segment("large")
    with _stream(sdk) as events:
        held = Held()
        held.take(next(events))
        assert len(held.items["segments"]) == _MANY + 1
        large = [f"{number:06d}{'é' * 20}" for number in range(15_000)]
        environment.include("large", *large)
        while held.items["segments"]["large"]["included"] != large:
            held.take(next(events))
        environment.put_flags(flags_of(["large"])["flags"])
        while flag_of("large") not in held.items["flags"]:
            held.take(next(events))
    assert held.names == ["put", "patch", "patch"]
    assert held.present == _all(sdk)


def test_events__of_a_client_that_has_gone__are_no_error(
    api: Api, environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    before = api.log.count("request.failed")
    length = f"Authorization: {environment.sdk_key}", "Content-Length: 1000"
    with connected(api) as connection:
        connection.sendall(head("POST", _EVENTS[0], *length) + b"[")
        # Taken, and read as far as it has come: requests of one process are begun in their order.
        assert sdk.post(_EVENTS[0]).status_code == 202
    assert sdk.post(_EVENTS[0]).status_code == 202
    assert api.log.count("request.failed") == before
