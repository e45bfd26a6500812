"""What a role may do, and where a scope ends, over real operations."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

import httpx
import pytest

from tests.support.clients.python_client import SEMANTIC
from tests.support.servers.api import (
    SEGMENTS,
    Api,
    assert_refused,
    create_segment,
    include,
    new_key,
)

_PROJECTS: Final = "/api/v2/projects"
_ENVIRONMENTS: Final = f"{_PROJECTS}/default/environments"
_NONE: Final = f"{SEGMENTS}/no-such-segment"
_TOKEN: Final = "/api/v2/tokens/000000000000000000000000"

#: Method, path, body and the least role; nothing of it is there, so nothing is changed.
_OPERATIONS: Final[tuple[tuple[str, str, Any, str], ...]] = (
    ("GET", SEGMENTS, None, "reader"),
    ("GET", _NONE, None, "reader"),
    ("GET", f"{_NONE}/contexts/a", None, "reader"),
    ("GET", f"{_NONE}/users/a", None, "reader"),
    ("POST", f"{_NONE}/contexts/lookup", {"key": "a"}, "reader"),
    ("POST", f"{_NONE}/users/lookup", {"key": "a"}, "reader"),
    ("GET", f"{_NONE}/imports/x", None, "reader"),
    ("GET", f"{_NONE}/imports/x/events", None, "reader"),
    ("DELETE", f"{_NONE}/imports/x", None, "writer"),
    ("GET", f"{_PROJECTS}/default/environments/production/imports", None, "reader"),
    ("GET", f"{_NONE}/exports/x", None, "reader"),
    ("GET", f"{_NONE}/exports/x/download", None, "reader"),
    ("HEAD", f"{_NONE}/exports/x/download", None, "reader"),
    ("GET", _PROJECTS, None, "reader"),
    ("GET", f"{_PROJECTS}/default", None, "reader"),
    ("GET", _ENVIRONMENTS, None, "reader"),
    ("GET", f"{_ENVIRONMENTS}/production", None, "reader"),
    ("GET", "/metrics", None, "reader"),
    ("GET", "/openapi.json", None, "reader"),
    ("POST", SEGMENTS, {}, "writer"),
    ("PATCH", _NONE, [], "writer"),
    ("DELETE", _NONE, None, "writer"),
    ("POST", f"{_NONE}/contexts", {}, "writer"),
    ("POST", f"{_NONE}/users", {}, "writer"),
    ("POST", f"{_NONE}/imports", {}, "writer"),
    ("POST", f"{_NONE}/imports/from-source", {"source": "s3://b/k"}, "writer"),
    ("POST", f"{_NONE}/compose", {"op": "union", "segments": ["k"]}, "writer"),
    ("POST", f"{_NONE}/exports", None, "writer"),
    ("POST", _PROJECTS, {}, "admin"),
    ("PATCH", f"{_PROJECTS}/none", [], "admin"),
    ("DELETE", f"{_PROJECTS}/none", None, "admin"),
    ("POST", _ENVIRONMENTS, {}, "admin"),
    ("PATCH", f"{_ENVIRONMENTS}/none", [], "admin"),
    ("DELETE", f"{_ENVIRONMENTS}/none", None, "admin"),
    ("GET", "/api/v2/tokens", None, "admin"),
    ("POST", "/api/v2/tokens", {"role": "x"}, "admin"),
    ("GET", _TOKEN, None, "admin"),
    ("PATCH", _TOKEN, [], "admin"),
    ("DELETE", _TOKEN, None, "admin"),
    ("POST", f"{_TOKEN}/reset", None, "admin"),
)
_ROLES: Final = ("reader", "writer", "admin")

Make = Callable[..., httpx.Client]


@pytest.fixture(scope="module")
def make(api: Api, client: httpx.Client) -> Iterator[Make]:
    """Give a client with a token of a role and of these resources."""
    with ExitStack() as stack:

        def made(role: str, *resources: str) -> httpx.Client:
            body: dict[str, Any] = {"role": role, "name": f"of a {role}"}
            if resources:
                statement = {"effect": "allow", "actions": ["*"], "resources": resources}
                body["inlineRole"] = [statement]
            reply = client.post("/api/v2/tokens", json=body)
            assert reply.status_code == 201, reply.text
            return stack.enter_context(api.client(reply.json()["token"]))

        yield made


@pytest.fixture(scope="module")
def callers(make: Make) -> dict[str, httpx.Client]:
    return {role: make(role) for role in _ROLES}


@pytest.mark.parametrize(("method", "path", "body", "least"), _OPERATIONS)
def test_operation__each_role__is_let_in_from_the_least_on(
    callers: dict[str, httpx.Client], method: str, path: str, body: Any, least: str
) -> None:
    for role in _ROLES:
        reply = callers[role].request(method, path, json=body)
        if _ROLES.index(role) < _ROLES.index(least):
            message = assert_refused(reply, 403, "forbidden")
            assert message == "access to the resource was denied"
        else:
            assert reply.status_code in {200, 400, 404}, (role, reply.text)


def test_writer__whole_round__works(callers: dict[str, httpx.Client]) -> None:
    writer, reader = callers["writer"], callers["reader"]
    key = create_segment(writer)
    include(writer, key, "a")
    assert reader.get(f"{SEGMENTS}/{key}/contexts/a").json()["included"] is True
    assert writer.patch(f"{SEGMENTS}/{key}", json={"name": "n"}).status_code == 200
    assert writer.delete(f"{SEGMENTS}/{key}").status_code == 204


@pytest.fixture(scope="module")
def place(client: httpx.Client) -> Iterator[str]:
    """Two segments in each of two environments of a project of their own."""
    project = new_key("scoped")
    environments = [{"key": key, "name": key} for key in ("prod", "test")]
    body = {"key": project, "name": project, "environments": environments}
    assert client.post(_PROJECTS, json=body).status_code == 201
    for environment in ("prod", "test"):
        for key in ("mine-a", "mine-b", "yours"):
            segment = {"key": key, "name": key, "unbounded": True}
            reply = client.post(f"/api/v2/segments/{project}/{environment}", json=segment)
            assert reply.status_code == 201
    yield project
    client.delete(f"{_PROJECTS}/{project}")


def test_scope__of_some_segments__lists_show_no_more(make: Make, place: str) -> None:
    scoped = make("writer", f"proj/{place}:env/prod:segment/mine-*")
    segments = f"/api/v2/segments/{place}/prod"

    page = scoped.get(segments, params={"limit": 1}).json()
    assert (page["totalCount"], len(page["items"])) == (2, 1)
    assert "next" in page["_links"]
    found = scoped.get(segments, params={"filter": 'query equals "s"'}).json()
    assert found["totalCount"] == 0  # "yours" is out of scope
    whole = scoped.get(segments).json()["items"]
    assert {one["key"] for one in whole} == {"mine-a", "mine-b"}
    projects = scoped.get(_PROJECTS, params={"expand": "environments"}).json()
    assert projects["totalCount"] == 1
    shown = projects["items"][0]["environments"]
    assert (shown["totalCount"], shown["items"][0]["key"]) == (1, "prod")
    environments = scoped.get(f"{_PROJECTS}/{place}/environments").json()
    assert environments["totalCount"] == 1
    one = scoped.get(f"{_PROJECTS}/{place}", params={"expand": "environments"}).json()
    assert [env["key"] for env in one["environments"]["items"]] == ["prod"]


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_scope__of_some_segments__the_rest_is_forbidden(make: Make, place: str, role: str) -> None:
    scoped = make(role, f"proj/{place}:env/prod:segment/mine-*")
    inside = f"/api/v2/segments/{place}/prod"

    assert scoped.get(f"{inside}/mine-a").status_code == 200
    assert scoped.get(f"{inside}/mine-a/contexts/x").json()["included"] is False
    for path in (
        f"{inside}/yours",
        f"{inside}/yours/contexts/x",
        f"{inside}/yours/users/x",
        f"{inside}/not-there",
        f"/api/v2/segments/{place}/test",
        f"/api/v2/segments/{place}/test/mine-a",
        f"/api/v2/segments/{place}/test/mine-a/contexts/x",
        SEGMENTS,
        f"{_PROJECTS}/default",
        f"{_PROJECTS}/{place}/environments/test",
        f"{_PROJECTS}/default/environments",
        "/api/v2/tokens",
    ):
        assert_refused(scoped.get(path), 403, "forbidden")


def test_scope__of_some_segments__creates_and_changes_no_others(make: Make, place: str) -> None:
    scoped = make("admin", f"proj/{place}:env/prod:segment/mine-*")
    inside = f"/api/v2/segments/{place}/prod"

    made = {"key": "mine-new", "name": "n"}
    assert scoped.post(inside, json=made).status_code == 201
    assert scoped.delete(f"{inside}/mine-new").status_code == 204
    refused = (
        scoped.post(inside, json={"key": "yours-new", "name": "n"}),
        scoped.patch(f"{inside}/yours", json={"name": "n"}),
        scoped.post(f"{inside}/yours/contexts", json={}),
        scoped.post(f"{inside}/yours/imports", files={"file": ("l", b"a\n")}),
        scoped.post(_PROJECTS, json={"key": f"{place}-b", "name": "n"}),
        scoped.patch(f"{_PROJECTS}/{place}", json=[]),
        scoped.delete(f"{_PROJECTS}/{place}"),
        scoped.post(f"{_PROJECTS}/{place}/environments", json={"key": "e", "name": "n"}),
        scoped.delete(f"{_PROJECTS}/{place}/environments/prod"),
        scoped.post("/api/v2/tokens", json={"role": "admin"}),
    )
    for reply in refused:
        assert_refused(reply, 403, "forbidden")


def test_scope__of_some_segments__rules_refer_to_no_others(
    make: Make, place: str, client: httpx.Client
) -> None:
    scoped = make("writer", f"proj/{place}:env/prod:segment/mine-*")
    inside = f"/api/v2/segments/{place}/prod"
    mine = f"{inside}/mine-rules"
    assert scoped.post(inside, json={"key": "mine-rules", "name": "n"}).status_code == 201

    def clause(key: str, **fields: Any) -> dict[str, Any]:
        return {"attribute": "", "op": "segmentMatch", "values": [key], **fields}

    for key in ("yours", "not-there"):  # evaluate would tell who is in yours
        add = {"kind": "addRule", "clauses": [clause(key, negate=True)]}
        for reply in (
            scoped.patch(mine, json={"rules": [{"clauses": [clause(key)]}]}),
            scoped.patch(mine, json={"instructions": [add]}, headers={"Content-Type": SEMANTIC}),
            scoped.patch(
                mine, params={"dryRun": True}, json={"rules": [{"clauses": [clause(key)]}]}
            ),
        ):
            assert_refused(reply, 403, "forbidden")
    own = {"rules": [{"clauses": [clause("mine-a")]}]}
    assert scoped.patch(mine, json=own).status_code == 200
    theirs = {"rules": [{"clauses": [clause("yours")]}]}
    assert client.patch(mine, json=theirs).status_code == 200
    kept = [{"op": "add", "path": "/rules/-", "value": {"clauses": [clause("mine-b")]}}]
    assert scoped.patch(mine, json=kept).status_code == 200  # what others refer to may stay
    assert client.delete(mine).status_code == 204


def test_scope__of_whole_projects__its_admin_makes_and_deletes_them(
    make: Make, client: httpx.Client
) -> None:
    name = new_key("team")
    scoped = make("admin", f"proj/{name}-*:env/*:segment/*")

    body = {"key": f"{name}-a", "name": "n"}
    assert scoped.post(_PROJECTS, json=body).status_code == 201
    more = {"key": "e", "name": "n"}
    path = f"{_PROJECTS}/{name}-a"
    assert scoped.post(f"{path}/environments", json=more).status_code == 201
    assert scoped.delete(f"{path}/environments/e").status_code == 204
    assert scoped.delete(path).status_code == 204
    assert_refused(client.get(path), 404, "not_found")
