"""The second protocol of SDKs: what leads from the state that they name to the data as it is."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx
import ldclient
import pytest
from ldclient import datasystem
from ldclient.config import Config, DataSystemConfig

from tests.support.proxies.cutting import running_cutting_proxy
from tests.support.sdks.flags import flag_of, flags_of
from tests.support.sdks.own_environment import OwnEnvironment, own_environment
from tests.support.servers.api import Api, running_api
from tests.support.servers.redis import Server, wait_until

POLL, STREAM, ALL = "/sdk/poll", "/sdk/stream", "/sdk/latest-all"
_KINDS = {"flag": "flags", "segment": "segments"}
_SDK_S = 5.0

Event = dict[str, Any]


@pytest.fixture
def environment(api: Api) -> Iterator[OwnEnvironment]:
    with own_environment(api) as environment:
        environment.create_segment("beta")
        environment.include("beta", "anna")
        environment.put_flags(flags_of(["beta"])["flags"])
        yield environment


@pytest.fixture
def sdk(api: Api, environment: OwnEnvironment) -> Iterator[httpx.Client]:
    """A client with the SDK key."""
    with api.client(environment.sdk_key) as client:
        yield client


class Held:
    """What an SDK has that does what it is told, and nothing else."""

    def __init__(self) -> None:
        self.state = ""
        self.intents: list[str] = []
        self.data: dict[str, dict[str, Any]] = {"flags": {}, "segments": {}}

    def take(self, events: list[Event]) -> None:
        """Take one transfer."""
        names = [event["event"] for event in events]
        (payload,) = events[0]["data"]["payloads"]
        self.intents.append(payload["intentCode"])
        if payload["intentCode"] == "none":
            assert names == ["server-intent"]
            return
        assert (names[0], names[-1]) == ("server-intent", "payload-transferred")
        if payload["intentCode"] == "xfer-full":
            self.data = {"flags": {}, "segments": {}}
        for event in events[1:-1]:
            self._take_object(event["event"], event["data"])
        self.state = events[-1]["data"]["state"]

    def _take_object(self, name: str, data: dict[str, Any]) -> None:
        items = self.data[_KINDS[data["kind"]]]
        known = items.get(data["key"], {"version": 0})
        assert data["version"] > known["version"]
        if name == "put-object":
            assert data["object"]["version"] == data["version"]
            items[data["key"]] = data["object"]
        else:
            assert name == "delete-object"
            del items[data["key"]]


def _poll(sdk: httpx.Client, held: Held, state: str | None = None) -> httpx.Response:
    basis = held.state if state is None else state
    reply = sdk.get(POLL, params={"basis": basis} if basis else {})
    assert reply.status_code == 200, reply.text
    held.take(reply.json()["events"])
    return reply


def _all(sdk: httpx.Client) -> Any:
    return sdk.get(ALL).json()


@contextmanager
def _stream(sdk: httpx.Client, state: str = "") -> Iterator[Iterator[list[Event]]]:
    """Open a stream; gives its transfers."""
    params = {"basis": state} if state else {}
    with sdk.stream("GET", STREAM, params=params) as reply:
        assert reply.status_code == 200, reply.read()
        assert reply.headers["content-type"].startswith("text/event-stream")
        yield _transfers(reply.iter_lines())


def _transfers(lines: Iterator[str]) -> Iterator[list[Event]]:
    events: list[Event] = []
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "event":
            events.append({"event": value})
        if name == "data":
            events[-1]["data"] = json.loads(value)
            if _is_over(events):
                yield events
                events = []


def _is_over(events: list[Event]) -> bool:
    """Whether a transfer, or the stream, ends with the last of these events."""
    last = events[-1]
    if last["event"] == "server-intent":
        return bool(last["data"]["payloads"][0]["intentCode"] == "none")
    return last["event"] in ("payload-transferred", "goodbye")


def test_poll__from_a_state__gets_what_has_changed_since(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    held = Held()
    _poll(sdk, held)
    first = held.state
    assert held.data == _all(sdk)
    assert [*held.data["flags"], *held.data["segments"]] == ["in-beta", "beta"]
    _poll(sdk, held)
    environment.include("beta", "anna", "ben")
    environment.put_flags(flags_of(["beta", "other"])["flags"])
    _poll(sdk, held)
    assert held.data == _all(sdk)
    environment.put_flags(flags_of(["other"])["flags"])
    environment.client.delete(f"{environment.segments}/beta")
    _poll(sdk, held)
    assert held.data == _all(sdk)
    assert [*held.data["flags"], *held.data["segments"]] == ["in-other"]
    assert held.intents == ["xfer-full", "none", "xfer-changes", "xfer-changes"]
    held.state, held.data = first, {"flags": {}, "segments": {}}
    _poll(sdk, held, "of another server")
    assert held.intents[-1] == "xfer-full"
    assert held.data == _all(sdk)


def test_poll__with_a_tag__is_told_when_nothing_has_changed(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    held = Held()
    tag = _poll(sdk, held).headers["etag"]

    def get(basis: str) -> int:
        query = {"basis": basis} if basis else {}
        return sdk.get(POLL, params=query, headers={"If-None-Match": tag}).status_code

    assert get(held.state) == 304
    # Of these the SDK has got the answer, and not what is in it.
    assert [get(basis) for basis in ("", "another")] == [200, 200]
    environment.include("beta", "ben")
    assert get(held.state) == 200


def test_poll__what_comes_back_under_its_key__is_newer(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    held, flags = Held(), flags_of(["beta"])["flags"]
    _poll(sdk, held)
    for is_there in (False, True, False, True):
        environment.put_flags(flags if is_there else {})
        _poll(sdk, held)
        assert held.data == _all(sdk)
    assert held.intents[1:] == ["xfer-changes"] * 4


def test_poll__from_a_state_of_long_ago__gets_everything(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    states = []
    for number in range(18):
        environment.include("beta", f"user-{number}")
        held = Held()
        _poll(sdk, held)
        states.append(held.state)
    intents = []
    for state in (states[0], states[1], "x" * 5_000):
        sent = sdk.get(POLL, params={"basis": state}).json()["events"]
        intents.append(sent[0]["data"]["payloads"][0]["intentCode"])
    assert intents == ["xfer-full", "xfer-changes", "xfer-full"]


def test_sdks__that_ask_now_and_then__are_where_the_data_is(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    random, keys = Random(11), ["beta", "gamma", "delta"]
    there, flags = {"beta"}, dict[str, Any]()
    held = [Held() for _ in range(4)]

    def change_a_segment(key: str) -> None:
        if key not in there:
            environment.create_segment(key, unbounded=key == "delta")
        elif random.random() < 0.5 or key == "delta":
            environment.client.delete(f"{environment.segments}/{key}")
        else:
            environment.include(key, f"user-{random.random()}")
            return
        there.symmetric_difference_update({key})

    def change_a_flag(key: str) -> None:
        if random.random() < 0.3:
            flags.pop(key, None)
        else:
            flags[key] = {**flags_of([key])["flags"][flag_of(key)], "key": key, "salt": "s"}
            flags[key]["offVariation"] = random.randrange(2)
        environment.put_flags(flags)

    for _ in range(60):
        random.choice([change_a_segment, change_a_flag])(random.choice(keys))
        if random.random() < 0.5:
            _poll(sdk, random.choice(held))
    for one in held:
        _poll(sdk, one)
        assert one.data == _all(sdk)
    told = [intent for one in held for intent in one.intents]
    assert told.count("xfer-changes") > told.count("xfer-full")


def test_stream__from_a_state__sends_each_change(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    held, other = Held(), Held()
    _poll(sdk, held)
    with _stream(sdk, held.state) as transfers, _stream(sdk) as others:
        held.take(next(transfers))
        other.take(next(others))
        assert (held.intents[-1], other.intents) == ("none", ["xfer-full"])
        environment.include("beta", "anna", "ben")
        held.take(next(transfers))
        other.take(next(others))
        assert held.data == other.data == _all(sdk)
        assert held.state == other.state
    environment.put_flags({})
    with _stream(sdk, held.state) as transfers:
        held.take(next(transfers))
        assert held.data == _all(sdk)
    assert held.intents == ["xfer-full", "none", "xfer-changes", "xfer-changes"]


def test_stream__of_a_revoked_key__says_goodbye(
    environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    with _stream(sdk) as transfers:
        next(transfers)
        environment.reset_key()
        ((last,),) = transfers
    assert last["event"] == "goodbye"
    assert sdk.get(POLL).status_code == sdk.get(STREAM).status_code == 401


def test_basis__of_another_process__is_gone_on_from_if_it_has_the_same_data(
    api: Api, environment: OwnEnvironment, sdk: httpx.Client, valkey_server: Server
) -> None:
    held = Held()
    _poll(sdk, held)
    with (
        running_api(valkey_server.url, {"KEY_PREFIX": api.prefix}) as second,
        second.client(environment.sdk_key) as other,
    ):
        _poll(other, held)
        environment.include("beta", "ben")
        _poll(other, held)
        environment.include("beta", "anna", "ben")
        _poll(sdk, held)  # which has never had what the second process had in between
        assert held.data == _all(sdk) == _all(other)
    assert held.intents == ["xfer-full", "none", "xfer-changes", "xfer-full"]


def test_poll__by_a_relay__has_generations_and_states_of_its_own(
    api: Api, environment: OwnEnvironment, sdk: httpx.Client
) -> None:
    environment.create_segment("big", unbounded=True)
    path = f"/api/v2/projects/default/environments/{environment.key}/sdk-keys"
    made = environment.client.post(path, json={"relay": True}).json()
    held, other = Held(), Held()
    with api.client(made["key"]) as relay:
        _poll(relay, held)
        _poll(sdk, other)
        generations = [one.data["segments"]["big"]["generation"] for one in (held, other)]
        assert generations[0] > 1_000_000 > generations[1]
        _poll(relay, held, other.state)
        _poll(relay, held)
    assert held.intents == ["xfer-full", "xfer-full", "none"]


def _is_in(client: ldclient.LDClient, key: str) -> Any:
    return client.variation(flag_of("beta"), ldclient.Context.create(key), None)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(datasystem.default, id="polled-then-streamed"),
        pytest.param(datasystem.streaming, id="streamed"),
        pytest.param(
            lambda: datasystem.custom().synchronizers(
                datasystem.polling_ds_builder().poll_interval(0.2)
            ),
            id="polled",
        ),
    ],
)
def test_python_sdk__with_each_data_system__has_a_change_within_seconds(
    api: Api, environment: OwnEnvironment, make: Callable[[], datasystem.ConfigBuilder]
) -> None:
    with ExitStack() as stack:
        client = _connect(api.url, environment.sdk_key, make().build())
        stack.callback(client.close)
        assert [_is_in(client, key) for key in ("anna", "ben")] == [True, False]
        environment.include("beta", "ben")
        wait_until(lambda: _is_in(client, "ben") is True, "the segment has changed", _SDK_S)
        assert _is_in(client, "anna") is False
        environment.put_flags({})
        wait_until(lambda: _is_in(client, "ben") is None, "the flag is gone", _SDK_S)
        environment.put_flags(flags_of(["beta"])["flags"])
        wait_until(lambda: _is_in(client, "ben") is True, "the flag is back", _SDK_S)


def test_python_sdk__disconnected_in_a_transfer__goes_on_from_its_state(
    api: Api, environment: OwnEnvironment
) -> None:
    asked, lost = list[bytes](), list[bytes]()

    def cut_first_change(_: bytes, reply: bytes) -> bool:
        if b"ben" in reply and not lost:
            lost.append(reply)
            return True
        return False

    with ExitStack() as stack:
        proxy = stack.enter_context(running_cutting_proxy(urlsplit(api.url).port or 0))
        proxy.before_request = asked.append
        proxy.rule = cut_first_change
        port = proxy.listener.getsockname()[1]
        system = datasystem.streaming().build()
        client = _connect(f"http://127.0.0.1:{port}", environment.sdk_key, system)
        stack.callback(client.close)
        with api.client(environment.sdk_key) as sdk:
            state = sdk.get(ALL).headers["etag"].strip('"')
        environment.include("beta", "ben")
        wait_until(lambda: _is_in(client, "ben") is True, "the segment has changed", _SDK_S)
    assert b"put-object" in lost[0]
    assert f"GET {STREAM}?basis={state} ".encode() in asked[-1]


def _connect(url: str, sdk_key: str, system: DataSystemConfig) -> ldclient.LDClient:
    config = Config(
        sdk_key,
        base_uri=url,
        stream_uri=url,
        events_uri=url,
        send_events=False,
        datasystem_config=system,
        initial_reconnect_delay=0.1,
    )
    client = ldclient.LDClient(config, start_wait=10)
    assert client.is_initialized()
    return client
