"""Requests leave nothing that only the garbage collector could free: it would stop the process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.servers.api import NOWHERE, SEGMENTS, TOKEN, Api, create_segment, include

#: As often each request is sent; 200 refusals of tokens a second are sent at once, more would wait.
_TIMES = 60
#: What unrelated parts of the process may leave meanwhile.
_HANDFUL = 40
_EVALUATE = "/api/v2/projects/default/environments/production/segments/evaluate"


def _request(
    method: str, path: str, body: str | None = None, *, token: str = TOKEN, more: str = ""
) -> str:
    length = "" if body is None else f"Content-Length: {len(body)}\r\n"
    return (
        f"{method} {path} HTTP/1.1\r\nHost: test\r\nAuthorization: {token}\r\n"
        f"Content-Type: application/json\r\n{length}{more}\r\n{body or ''}"
    )


def _collected(api: Api, requests: dict[str, str]) -> dict[str, int]:
    """Have them sent to an API process that counts, over the store of the running one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BIGSEG_")}
    settings = {
        "BIGSEG_REDIS_URL": api.redis_url,
        "BIGSEG_KEY_PREFIX": api.prefix,
        "BIGSEG_ADMIN_TOKEN": TOKEN,
        "BIGSEG_S3_ENDPOINT": NOWHERE,
        **{f"BIGSEG_LIMIT_{name}": "0" for name in ("ACCOUNT", "TOKEN", "ROUTE")},
    }
    done = subprocess.run(
        (sys.executable, "-m", "tests.support.servers.collecting"),
        cwd=Path(__file__).parents[3],
        env=kept | settings,
        input=json.dumps({"requests": requests, "times": _TIMES}),
        capture_output=True,
        text=True,
        check=True,
    )
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def test_requests__of_every_kind__leave_no_reference_cycles(api: Api, client: httpx.Client) -> None:
    key, standard = create_segment(client), create_segment(client, big=False)
    include(client, key, "alice")
    contexts = f"{SEGMENTS}/{key}/contexts"
    requests = {
        "member": _request("GET", f"{contexts}/alice"),
        "stranger": _request("GET", f"{contexts}/bob"),
        "member, by the application": _request("GET", f"{contexts}/alice?x=1"),
        "no such big segment": _request("GET", f"{SEGMENTS}/none/contexts/alice"),
        "no big segment": _request("GET", f"{SEGMENTS}/{standard}/contexts/alice"),
        "by body": _request("POST", f"{contexts}/lookup", '{"key":"alice"}'),
        "by a wrong body": _request("POST", f"{contexts}/lookup", '{"kez":"alice"}'),
        "wrong method": _request("DELETE", f"{contexts}/alice"),
        "connection that ends": _request("GET", f"{contexts}/alice", more="Connection: close\r\n"),
        "health": _request("GET", "/healthz"),
        "segment": _request("GET", f"{SEGMENTS}/{key}"),
        "no such segment": _request("GET", f"{SEGMENTS}/none"),
        "unknown path": _request("GET", "/api/v2/nothing"),
        "edit": _request("POST", contexts, '{"included":{"add":["alice"]}}'),
        "unknown field": _request("POST", contexts, '{"included":{"addd":["alice"]}}'),
        "evaluation": _request("POST", _EVALUATE, '{"kind":"user","key":"alice"}'),
        "wrong token": _request("GET", f"{SEGMENTS}/none/contexts/a", token="wrong"),
    }

    counts = _collected(api, requests)

    assert counts.keys() == requests.keys()
    assert {name: count for name, count in counts.items() if count > _HANDFUL} == {}
