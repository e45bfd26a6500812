"""Definitions of flags over HTTP: stored whole, and the segments that they name stay."""

from typing import Any, Final

import httpx
import pytest

from tests.support.servers.api import Api
from tests.support.servers.vercel import assert_error, vercel_client
from tests.support.vercel.projects import OwnProject, is_in, new_segment
from tests.support.vercel.segments import including
from worker.store import Grant, NewToken, Store

_PAUSED: Final = {"variants": ["a"], "environments": {"p": 0}}


def test_definitions__put__are_answered_and_read_with_ids_of_segments(
    vercel: httpx.Client, project: OwnProject
) -> None:
    segment = new_segment(vercel, project, "beta", including("u1"))
    sent = {"b": is_in("beta"), "a": _PAUSED}
    reply = vercel.put(project.definitions, json=sent, params={"teamId": "team_1"})

    stored = {"b": is_in(segment), "a": _PAUSED}
    assert reply.status_code == 200
    assert list(reply.json().items()) == list(stored.items())
    assert reply.headers["content-type"] == "application/json"
    read = vercel.get(project.definitions)
    assert (read.json(), read.headers["etag"]) == (stored, reply.headers["etag"])
    again = vercel.get(project.definitions, headers={"If-None-Match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_definitions__deleted__are_gone(vercel: httpx.Client, project: OwnProject) -> None:
    vercel.put(project.definitions, json={})
    reply = vercel.delete(project.definitions)
    assert (reply.status_code, reply.content) == (204, b"")
    assert "content-type" not in reply.headers
    for again in (vercel.get(project.definitions), vercel.delete(project.definitions)):
        assert_error(again, 404, "not_found")


def test_if_match__another_state__is_412_and_changes_nothing(
    vercel: httpx.Client, project: OwnProject
) -> None:
    def put(definitions: Any, if_match: str) -> httpx.Response:
        headers = {"If-Match": if_match}
        return vercel.put(project.definitions, json=definitions, headers=headers)

    assert_error(put({}, "*"), 412, "precondition_failed")
    first = vercel.put(project.definitions, json={"a": _PAUSED}).headers["etag"]
    second = put({"b": _PAUSED}, first)
    assert second.status_code == 200
    assert_error(put({}, first), 412, "precondition_failed")
    stale = vercel.delete(project.definitions, headers={"If-Match": first})
    assert_error(stale, 412, "precondition_failed")
    assert vercel.get(project.definitions).json() == {"b": _PAUSED}
    current = f"{first}, {second.headers['etag']}"
    assert vercel.delete(project.definitions, headers={"If-Match": current}).status_code == 204


def test_segment__named_by_flags__says_so_and_stays(
    vercel: httpx.Client, project: OwnProject
) -> None:
    segment = new_segment(vercel, project, "beta", {})
    path = f"{project.segments}/beta"
    assert vercel.get(path).json()["usedByFlags"] == []
    vercel.put(project.definitions, json={"one": is_in("beta"), "two": is_in(segment)})

    assert vercel.get(path).json()["usedByFlags"] == ["one", "two"]
    assert vercel.get(project.segments).json()["data"][0]["usedByFlags"] == ["one", "two"]
    assert vercel.patch(path, json={"label": "B"}).json()["usedByFlags"] == ["one", "two"]
    error = assert_error(vercel.delete(path), 400, "SEGMENT_IN_USE")
    assert "used by flags (one, two)" in error["message"]
    assert error["usedBy"]["segments"] == []
    assert [flag["slug"] for flag in error["usedBy"]["flags"]] == ["one", "two"]

    vercel.put(project.definitions, json={"one": _PAUSED})
    assert vercel.get(path).json()["usedByFlags"] == []
    assert vercel.delete(path).status_code == 204


@pytest.mark.parametrize(
    ("content", "status", "code", "fault"),
    [
        (b"", 400, "bad_request", "no body"),
        (b"{", 400, "bad_request", "not JSON"),
        (b"[]", 400, "bad_request", "JSON object"),
        (b'{"a":1}', 400, "bad_request", "a: must be an object"),
        (b'{"a":{"variants":[NaN],"environments":{}}}', 400, "bad_request", "cannot be kept"),
        (b'{"a":{},"a":{}}', 400, "bad_request", "two members"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, 400, "bad_request", "nested"),
        (b" " * 6_000_000, 413, "request_too_large", ""),
    ],
)
def test_definitions__wrong_body__are_refused(
    vercel: httpx.Client,
    project: OwnProject,
    content: bytes,
    status: int,
    code: str,
    fault: str,
) -> None:
    headers = {"Content-Type": "application/json"}
    reply = vercel.put(project.definitions, content=content, headers=headers)
    assert fault in assert_error(reply, status, code)["message"]


def test_definitions__that_name_no_segment__are_refused_with_the_place(
    vercel: httpx.Client, project: OwnProject
) -> None:
    reply = vercel.put(project.definitions, json={"flag": is_in("none")})
    error = assert_error(reply, 400, "bad_request")
    place = "flag.environments.p.rules[0].conditions[0][2]"
    assert error["message"] == f"{place}: no segment has this id or slug; create it first"


def test_definitions__by_role_and_scope__take_the_whole_project(
    api: Api, store: Store, project: OwnProject
) -> None:
    for role, grant, may_read, may_write in (
        ("reader", Grant(), 404, 403),
        ("writer", Grant(segment="a*"), 403, 403),
        ("writer", Grant("project-*", "production"), 403, 403),
        ("writer", Grant("project-*"), 404, 200),
    ):
        new = NewToken(name="n", role=role, created_by="admin", grants=(grant,))  # type: ignore[arg-type]  # of the table
        token, secret = store.access_tokens.create(new)
        with vercel_client(api, secret) as client:
            assert client.get(project.definitions).status_code == may_read
            assert client.put(project.definitions, json={}).status_code == may_write
        store.access_tokens.revoke(token.id)


def test_definitions__replaced_and_deleted__are_in_the_audit_log(
    vercel: httpx.Client, project: OwnProject
) -> None:
    new_segment(vercel, project, "beta", {})
    vercel.put(project.definitions, json={"a": is_in("beta"), "b": _PAUSED})
    vercel.delete(project.definitions)

    spec = {"spec": f"proj/{project.key}", "limit": "2"}
    deleted, put = vercel.get("/api/v2/auditlog", params=spec).json()["items"]
    assert deleted["titleVerb"] == "deleted the flag definitions of"
    assert put["titleVerb"] == "replaced the flag definitions of"
    entry = vercel.get(f"/api/v2/auditlog/{deleted['_id']}").json()
    assert entry["previousVersion"] == {"flags": 2, "segments": 1}
