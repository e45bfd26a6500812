"""Records what SDKs and relays connect to, and the keys and flags of theirs."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import httpx

from tests.support.documents import names
from tests.support.documents.recording import Dialect, Recorder
from tests.support.sdks.flags import flag_of, flags_of
from tests.support.servers.redis import wait_until

SDK: Final[Dialect] = "sdk"
#: An environment in which nothing else was recorded, so that all of it is a short example.
PATH: Final = {"projectKey": names.PROJECT, "environmentKey": "test"}
SDK_KEYS: Final = f"/api/v2/projects/{names.PROJECT}/environments/{PATH['environmentKey']}/sdk-keys"
#: Those that take any SDK key of an environment, and those that take one for relays.
SDK_OPERATIONS: Final = frozenset(
    {
        *("getSdkData", "streamSdkData", "pollSdkData", "streamSdkTransfers"),
        *("postSdkEvents", "postSdkDiagnostics"),
    }
)
RELAY_OPERATIONS: Final = frozenset({"pollRelayPatches", "streamRelayPatches"})

_SEGMENTS: Final = f"/api/v2/segments/{names.PROJECT}/{PATH['environmentKey']}"
_FLAGS: Final = flags_of([names.BIG_SEGMENT])
_HOUR_MS: Final = 3_600_000
Connect = Callable[[str], httpx.Client]


def record_sdk_keys(recorder: Recorder) -> None:
    """Leaves two keys beside the environment's own."""
    ask = recorder.ask
    create, delete = "postEnvironmentSdkKey", "deleteEnvironmentSdkKey"
    ask(create, "for a service", path=PATH, body={"label": "checkout"}, status=201)
    relay = {"label": "relay in eu-1", "relay": True}
    ask(create, "for a relay", path=PATH, body=relay, status=201)
    ask(create, path=PATH, body={"label": 1}, status=400)
    made = ask(create, path=PATH, body={"label": "old"}, status=201, keep="nothing").json()
    ask("resetEnvironmentSDKKey", "another key", path=PATH)
    expiry = time.time_ns() // 1_000_000 + _HOUR_MS
    recorder.normaliser.bind_time(expiry, 48 * _HOUR_MS)
    ask("resetEnvironmentSDKKey", "both for an hour", path=PATH, query={"expiry": expiry})
    ask("resetEnvironmentSDKKey", path=PATH, query={"expiry": 1}, status=400)
    shown = ask("getEnvironmentSdkKeys", "all SDK keys", path=PATH).json()["items"]
    own = next(key["_id"] for key in shown if key["own"] and "expiry" not in key)
    ask(delete, path={**PATH, "sdkKeyId": own}, status=400)
    ask(delete, path={**PATH, "sdkKeyId": made["_id"]}, status=204)


def record_flag_data(recorder: Recorder) -> None:
    """Leaves a flag that targets a big segment, which is not there yet."""
    ask, put, get = recorder.ask, "putFlagData", "getFlagData"
    first = ask(put, "one flag", path=PATH, body=_FLAGS)
    ask(put, path=PATH, headers={"If-Match": '"another"'}, body=_FLAGS, status=412)
    key = flag_of(names.BIG_SEGMENT)
    off = {"flags": {key: {**_FLAGS["flags"][key], "on": False, "rules": []}}}
    ask(put, path=PATH, body={"flags": {"a": {"variations": {}}}}, status=400)
    tag = {"If-Match": first.headers["ETag"]}
    ask(put, "switched off", path=PATH, headers=tag, body=off)
    last = ask(put, path=PATH, body=_FLAGS, keep="nothing")
    ask(get, "one flag", path=PATH)
    ask(get, path=PATH, headers={"If-None-Match": last.headers["ETag"]}, status=304)


def record_sdks(recorder: Recorder, connect: Connect) -> None:
    """Leaves a big segment with two members, and a standard one."""
    _make_segments(recorder.client)
    ask, sdk = recorder.ask, connect(_new_key(recorder, relay=False))
    data = ask("getSdkData", "flags and segments", client=sdk)
    has_it = {"If-None-Match": data.headers["ETag"]}
    ask("getSdkData", headers=has_it, status=304, client=sdk)
    polled = ask("pollSdkData", "everything", client=sdk)
    basis = {"basis": polled.json()["events"][-1]["data"]["state"]}
    ask("pollSdkData", "nothing has changed", query=basis, client=sdk)
    has_it = {"If-None-Match": polled.headers["ETag"]}
    ask("pollSdkData", query=basis, headers=has_it, status=304, client=sdk)
    recorder.keep_parameters("streamSdkTransfers", basis)
    recorder.keep_parameters("streamSdkData", {})
    event = {"kind": "identify", "context": {"kind": "user", "key": names.MEMBER}}
    ask("postSdkEvents", "events", body=[event], status=202, client=sdk)
    said: dict[str, Any] = {"kind": "diagnostic", "sdk": {"name": "python-server-sdk"}}
    ask("postSdkDiagnostics", "an SDK", body=said, status=202, client=sdk)
    unknown = {"no-such-parameter": "1"}
    ask("postSdkEvents", query=unknown, body=[event], status=400, client=sdk)
    ask("postSdkDiagnostics", query=unknown, body=said, status=400, client=sdk)


def record_relays(
    recorder: Recorder, connect: Connect, following: Callable[[], AbstractContextManager[None]]
) -> None:
    """Leaves the sets for SDKs of the environment switched on."""
    ask, poll = recorder.ask, "pollRelayPatches"
    switch = f"/api/v2/sdk-store/{names.PROJECT}/{PATH['environmentKey']}"
    body = {"on": True, "prefix": "launchdarkly-test"}
    assert recorder.client.patch(switch, json=body).is_success
    sdk, relay = (connect(_new_key(recorder, relay=one)) for one in (False, True))
    ask(poll, client=sdk, status=403)
    ask("streamRelayPatches", client=sdk, status=403)
    with following():

        def has_lists() -> bool:
            reply = relay.get("/sdk/big-segments/revisions")
            return reply.is_success and len(reply.json()) > 0

        wait_until(has_lists, "the log of changes is kept")
        page = ask(poll, "all lists", client=relay).json()
        after = {"after": page[-1]["version"]}
        wait_until(
            lambda: not relay.get("/sdk/big-segments/revisions", params=after).json(),
            "nothing more is sent",
        )
        ask(poll, "nothing has changed", query=after, client=relay)


def _make_segments(client: httpx.Client) -> None:
    bodies: list[dict[str, Any]] = [
        {"key": names.SEGMENT, "name": "Beta testers"},
        {"key": names.BIG_SEGMENT, "name": "VIP customers", "unbounded": True},
    ]
    for body in bodies:
        assert client.post(_SEGMENTS, json=body).is_success
    edit = {"included": {"add": [names.MEMBER]}, "excluded": {"add": ["customer-9012"]}}
    reply = client.post(f"{_SEGMENTS}/{names.BIG_SEGMENT}/contexts", json=edit)
    assert reply.is_success, reply.text
    reply = client.patch(
        f"{_SEGMENTS}/{names.SEGMENT}",
        json=[{"op": "add", "path": "/included/-", "value": names.MEMBER}],
    )
    assert reply.is_success, reply.text


def _new_key(recorder: Recorder, *, relay: bool) -> str:
    reply = recorder.client.post(SDK_KEYS, json={"relay": relay}).raise_for_status()
    return str(reply.json()["key"])
