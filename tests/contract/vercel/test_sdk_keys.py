"""SDK keys: shown once, listed, revoked, and good for nothing but the datafile."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.servers.api import SEGMENTS as LAUNCHDARKLY_SEGMENTS
from tests.support.servers.api import Api, assert_refused
from tests.support.servers.redis import wait_until
from tests.support.servers.vercel import SEGMENTS, assert_error, vercel_client
from tests.support.vercel.projects import (
    OwnProject,
    create_project,
    delete_project,
    new_sdk_key,
    own_project,
)
from worker.store import Grant, NewToken, Store

DATAFILE = "/v1/datafile"


@pytest.fixture(scope="module")
def project(vercel: httpx.Client) -> Iterator[OwnProject]:
    with own_project(vercel) as project:
        yield project


def test_sdk_key__created__is_shown_once_and_listed_without(
    vercel: httpx.Client, project: OwnProject
) -> None:
    body = {"sdkKeyType": "server", "environment": "preview", "label": "web", "unknown": 1}
    reply = vercel.put(project.sdk_keys, json=body, params={"teamId": "team_1"})

    assert reply.status_code == 200, reply.text
    assert reply.headers["cache-control"] == "no-store"
    created = reply.json()
    secret = created.pop("keyValue")
    assert secret.startswith("vf_server_")
    assert created["partialKeyValue"] == f"{secret[:13]}********"
    assert created == {
        "hashKey": created["hashKey"],
        "projectId": vercel.get(f"/v9/projects/{project.key}").json()["id"],
        "type": "server",
        "environment": "preview",
        "label": "web",
        "partialKeyValue": created["partialKeyValue"],
        "createdBy": "admin",
        "createdAt": created["createdAt"],
        "updatedAt": created["createdAt"],
    }
    other = new_sdk_key(vercel, project)
    listed = vercel.get(project.sdk_keys).json()
    del other["keyValue"]
    assert listed == {"data": [other, created]}
    assert secret.removeprefix("vf_server_") not in vercel.get(project.sdk_keys).text


def test_sdk_key__revoked__is_refused_at_once(
    api: Api, vercel: httpx.Client, project: OwnProject
) -> None:
    key = new_sdk_key(vercel, project)
    path = f"{project.sdk_keys}/{key['hashKey']}"
    with vercel_client(api, key["keyValue"]) as client:
        assert client.get(DATAFILE).status_code == 200
        reply = vercel.delete(path, params={"teamId": "team_1"})
        assert (reply.status_code, reply.content) == (204, b"")
        assert "content-type" not in reply.headers
        assert_error(client.get(DATAFILE), 401, "unauthorized")
    assert_error(vercel.delete(path), 404, "not_found")
    assert key["hashKey"] not in vercel.get(project.sdk_keys).text


def test_sdk_key__of_a_deleted_project__is_refused_also_by_the_next_one(
    api: Api, vercel: httpx.Client, store: Store
) -> None:
    project = create_project(vercel)
    key = new_sdk_key(vercel, project)
    with vercel_client(api, key["keyValue"]) as client:
        assert client.get(DATAFILE).status_code == 200
        delete_project(vercel, project)
        assert key["hashKey"] not in [one.id for one in store.sdk_keys.read().keys]
        create_project(vercel, project.key)
        assert_error(client.get(DATAFILE), 401, "unauthorized")
    assert vercel.get(project.sdk_keys).json() == {"data": []}
    delete_project(vercel, project)


def test_sdk_key__anywhere_else__is_401(
    api: Api, vercel: httpx.Client, project: OwnProject
) -> None:
    key = new_sdk_key(vercel, project)["keyValue"]
    with vercel_client(api, key) as client:
        assert client.get(DATAFILE).status_code == 200  # it is known to the process
        for path in (SEGMENTS, project.sdk_keys, "/v9/projects/default", "/v2/user", "/v1/none"):
            error = assert_error(client.get(path), 401, "unauthorized")
            assert "is for SDKs alone" in error["message"]
        for path in (LAUNCHDARKLY_SEGMENTS, f"{LAUNCHDARKLY_SEGMENTS}/a/contexts/b", "/metrics"):
            assert_refused(client.get(path), 401, "unauthorized")
        lookup = client.post(f"{LAUNCHDARKLY_SEGMENTS}/a/contexts/lookup", json={"key": "a"})
        assert_refused(lookup, 401, "unauthorized")


@pytest.mark.parametrize("path", [DATAFILE, "/v1/data%66ile"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_datafile__with_an_access_token__is_401(
    vercel: httpx.Client, path: str, method: str
) -> None:
    assert vercel.request(method, path).status_code == 401


@pytest.mark.parametrize(
    "key", [None, "vf_server_", f"vf_server_{'0' * 32}", "vf_client_0123456789abcdef", "api-x"]
)
def test_datafile__without_a_known_key__is_401(api: Api, key: str | None) -> None:
    with vercel_client(api, key) as client:
        assert_error(client.get(DATAFILE), 401, "unauthorized")


def test_sdk_key__of_another_process__works_soon(
    api: Api, store: Store, project: OwnProject
) -> None:
    found = store.projects.get(project.key)
    _, secret = store.sdk_keys.create(found, environment="p", label=None, created_by="cli")
    with vercel_client(api, secret) as client:
        wait_until(lambda: client.get(DATAFILE).status_code == 200, "the key is known")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"sdkKeyType": "client", "environment": "p"}, "only server keys"),
        ({"sdkKeyType": "mobile", "environment": "p"}, "only server keys"),
        ({"sdkKeyType": "other", "environment": "p"}, "sdkKeyType"),
        ({"sdkKeyType": "server"}, "environment"),
        ({"sdkKeyType": "server", "environment": ""}, "environment"),
        ({"sdkKeyType": "server", "environment": 1}, "environment"),
        ({"sdkKeyType": "server", "environment": "constructor"}, "choose another"),
        ({"sdkKeyType": "server", "environment": "p", "label": "x" * 129}, "label"),
        ([], ""),
    ],
)
def test_sdk_key__wrong_body__is_400(
    vercel: httpx.Client, project: OwnProject, body: object, fault: str
) -> None:
    error = assert_error(vercel.put(project.sdk_keys, json=body), 400, "bad_request")
    assert fault in error["message"]


def test_sdk_keys__of_no_project__are_404(vercel: httpx.Client) -> None:
    path = "/v1/projects/none/feature-flags/sdk-keys"
    body = {"sdkKeyType": "server", "environment": "p"}
    for reply in (vercel.get(path), vercel.put(path, json=body), vercel.delete(f"{path}/x")):
        assert_error(reply, 404, "not_found")


@pytest.mark.parametrize(
    ("role", "grant", "status"),
    [
        ("reader", Grant(), 403),
        ("writer", Grant(), 403),
        ("admin", Grant(environment="production"), 403),
        ("admin", Grant("other"), 403),
        ("admin", Grant("project-*"), 200),
        ("admin", Grant(), 200),
    ],
)
def test_sdk_keys__by_role_and_scope__take_an_admin_of_the_whole_project(
    api: Api, store: Store, project: OwnProject, role: str, grant: Grant, status: int
) -> None:
    new = NewToken(name="n", role=role, created_by="admin", grants=(grant,))  # type: ignore[arg-type]  # parametrized
    token, secret = store.access_tokens.create(new)
    with vercel_client(api, secret) as client:
        assert client.get(project.sdk_keys).status_code == status
        body = {"sdkKeyType": "server", "environment": "p"}
        reply = client.put(project.sdk_keys, json=body)
        assert reply.status_code == status
        name = reply.json().get("hashKey", "0" * 64)
        deleted = client.delete(f"{project.sdk_keys}/{name}").status_code
        assert deleted == (204 if status == 200 else 403)
    store.access_tokens.revoke(token.id)


def test_sdk_key__created_and_revoked__is_in_the_audit_log(
    vercel: httpx.Client, project: OwnProject
) -> None:
    key = new_sdk_key(vercel, project)
    vercel.delete(f"{project.sdk_keys}/{key['hashKey']}")

    found = vercel.get("/api/v2/auditlog", params={"spec": f"proj/{project.key}", "limit": 2})
    entries = found.json()["items"]
    assert [entry["titleVerb"] for entry in entries] == [
        "revoked an SDK key of",
        "created an SDK key of",
    ]
    assert key["keyValue"].removeprefix("vf_server_") not in found.text
    assert key["keyValue"] not in vercel.get(f"/api/v2/auditlog/{entries[0]['_id']}").text
