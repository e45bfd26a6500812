"""Requests made to be costly, and the look-ups of others meanwhile."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import httpx
import psutil
import pytest

from api.launchdarkly.evaluations.routes import CONTEXT_BYTES
from tests.support.segments.environment import evaluate_path
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    assert_refused,
    create_segment,
)
from tests.support.servers.redis import wait_until

_EVALUATE = evaluate_path(PRODUCTION)
#: Seconds of CPU that one such request may cost the process that answers look-ups: no look-up
#: waits longer for it. Unlike the wait itself, it depends little on how busy the machine is. A body
#: costs 12 to 18 ms; an evaluation 50 ms, and 122 ms on a machine that was half as fast. Both took
#: hundreds. One evaluation runs at a time, for seconds on such a machine, and none waits over ten:
#: hence three of them.
_BODY_LIMIT_S = 0.05
_EVALUATION_LIMIT_S = 0.2


def _assert_leaves_look_ups_alone(
    api: Api, key: str, work: Callable[[], Any], times: int, limit_s: float
) -> None:
    """Send some requests at one time, and look up meanwhile."""
    process = psutil.Process(api.process.pid)
    with ThreadPoolExecutor(times) as pool, api.client() as client:
        client.get("/healthz")
        before = process.cpu_times()
        requests = [pool.submit(work) for _ in range(times)]
        # Few look-ups, whose own time would count otherwise.
        while wait(requests, timeout=0.1).not_done:
            assert client.get(f"{SEGMENTS}/{key}/contexts/a").status_code == 200
        for request in requests:
            request.result()
        after = process.cpu_times()
    spent_s = after.user + after.system - before.user - before.system
    assert spent_s / times < limit_s


def test_evaluations__of_twenty_thousand_values_of_contains__leave_look_ups_alone(
    api: Api, client: httpx.Client
) -> None:
    looked_up, key = create_segment(client), create_segment(client, big=False)
    clause = {
        "attribute": "words",
        "op": "contains",
        "values": [f"{number:06d}" for number in range(20_000)],
    }
    change = [{"op": "replace", "path": "/rules", "value": [{"clauses": [clause]}] * 2}]
    assert client.patch(f"{SEGMENTS}/{key}", json=change).status_code == 200
    try:
        plain = {"kind": "user", "key": "ada", "words": ["x" * 24]}
        costly = plain | {"words": ["x" * 24 for _ in range(3_000)]}

        def evaluate() -> None:
            assert _is_member(api, key, costly) is False

        _assert_leaves_look_ups_alone(api, looked_up, evaluate, 3, _EVALUATION_LIMIT_S)
        assert _is_member(api, key, plain | {"words": ["a 004711 b"]}) is True
    finally:
        client.delete(f"{SEGMENTS}/{key}")


def _is_member(api: Api, key: str, context: dict[str, Any]) -> bool:
    replies: list[httpx.Response] = []

    def is_answered() -> bool:
        replies.append(client.post(_EVALUATE, json=context))
        return replies[-1].status_code != 503

    with api.client() as client:
        # On a machine that others keep busy it may wait longer for its turn than any may.
        wait_until(is_answered, "it is evaluated")
    reply = replies[-1]
    assert reply.status_code == 200, reply.text
    [member] = [item["isMember"] for item in reply.json()["items"] if item["key"] == key]
    return bool(member)


@pytest.mark.parametrize(
    "value", [b"0,", b"[],", b'{"a":0},'], ids=["numbers", "arrays", "objects"]
)
def test_body__of_millions_of_values__is_refused_and_look_ups_keep_their_pace(
    api: Api, client: httpx.Client, value: bytes
) -> None:
    key = create_segment(client)
    body = b"[" + value * (5_000_000 // len(value)) + b"0]"

    def send() -> None:
        with api.client() as sender:
            headers = {"Content-Type": "application/json"}
            reply = sender.patch(f"{SEGMENTS}/{key}", content=body, headers=headers)
        assert "262,144 values" in assert_refused(reply, 400, "invalid_request")

    _assert_leaves_look_ups_alone(api, key, send, 4, _BODY_LIMIT_S)


def test_context__too_large_or_too_deep__is_refused(client: httpx.Client) -> None:
    large = {"kind": "user", "key": "ada", "text": "x" * CONTEXT_BYTES}
    assert_refused(client.post(_EVALUATE, json=large), 413, "request_too_large")
    deep = b'{"kind":"user","key":"ada","a":' + b"[" * 60_000 + b"]" * 60_000 + b"}"
    assert json.loads(deep[:31] + b"1}")["a"] == 1
    headers = {"Content-Type": "application/json"}
    reply = client.post(_EVALUATE, content=deep, headers=headers)
    assert "64 deep" in assert_refused(reply, 400, "invalid_request")
    many = {"kind": "multi"} | {f"k{number}": {"key": "a"} for number in range(101)}
    assert "100 kinds" in assert_refused(client.post(_EVALUATE, json=many), 400, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"{SEGMENTS}/imports"),
        ("POST", "/api/v2/segments/default/imports"),
        ("DELETE", "/v1/projects/default/feature-flags/segments/imports"),
        ("DELETE", "/v1/projects/default/feature-flags/segments/s/lists/include/user/imports"),
    ],
)
def test_form__to_a_resource_that_is_named_imports__is_bounded_as_any_body(
    client: httpx.Client, method: str, path: str
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}

    reply = client.request(method, path, content=b" " * 6_000_000, headers=headers)

    assert reply.status_code == 413, reply.text
