"""Projects and environments, driven by LaunchDarkly's Python client."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from launchdarkly_api import (
    ApiClient,
    EnvironmentPost,
    EnvironmentsApi,
    PatchOperation,
    ProjectPost,
    ProjectsApi,
    SegmentBody,
    SegmentsApi,
)
from launchdarkly_api.exceptions import BadRequestException, ConflictException, NotFoundException

from tests.support.clients.python_client import as_sent, python_client
from tests.support.servers.api import TOKEN, Api, assert_refused, new_key
from worker.store import EnvironmentRef, Store
from worker.store.workflows import lists_to_reclaim


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[ApiClient]:
    with python_client(api) as client:
        yield client


@pytest.fixture(scope="module")
def projects(client: ApiClient) -> ProjectsApi:
    return ProjectsApi(client)


@pytest.fixture(scope="module")
def environments(client: ApiClient) -> EnvironmentsApi:
    return EnvironmentsApi(client)


@pytest.fixture
def project(projects: ProjectsApi) -> Iterator[str]:
    key = new_key("project")
    made = projects.post_project_with_http_info(ProjectPost(name=f"Name of {key}", key=key))
    assert made.status_code == 201
    yield key
    projects.delete_project(key)


def _replace(path: str, value: Any) -> PatchOperation:
    return PatchOperation(op="replace", path=path, value=value)


def test_project__created__has_the_documented_shape(projects: ProjectsApi, project: str) -> None:
    shown = as_sent(projects.get_project_with_http_info(project))

    assert len(shown.pop("_id")) == 24
    assert shown == {
        "key": project,
        "name": f"Name of {project}",
        "tags": [],
        "includeInSnippetByDefault": False,
        "defaultClientSideAvailability": {"usingEnvironmentId": False, "usingMobileKey": True},
        "requireViewAssociationForNewFlags": False,
        "requireViewAssociationForNewSegments": False,
        "_links": {
            "self": {"href": f"/api/v2/projects/{project}", "type": "application/json"},
            "environments": {
                "href": f"/api/v2/projects/{project}/environments",
                "type": "application/json",
            },
        },
    }
    expanded = projects.get_project(project, expand="environments")
    assert expanded.environments is not None
    assert [one.key for one in expanded.environments.items] == ["production", "test"]


def test_project__with_environments_of_its_own__has_those(projects: ProjectsApi) -> None:
    key = new_key("project")
    own = EnvironmentPost(name="Live", key="live", color="DADBEE", tags=["a"], critical=True)

    made = projects.post_project(
        ProjectPost(name="n", key=key, environments=[own], tags=["z", "a"])
    )

    assert made.tags == ["a", "z"]
    assert [(one.key, one.color, one.tags, one.critical) for one in made.environments] == [
        ("live", "DADBEE", ["a"], True)
    ]
    projects.delete_project(key)


def test_project__patched__keeps_what_it_was_given(projects: ProjectsApi, project: str) -> None:
    patched = projects.patch_project(
        project,
        [
            _replace("/name", "Renamed"),
            PatchOperation(op="add", path="/tags/-", value="t"),
            _replace("/includeInSnippetByDefault", value=True),
            _replace("/defaultClientSideAvailability/usingMobileKey", value=True),
        ],
    )

    assert (patched.name, patched.tags) == ("Renamed", ["t"])
    got = projects.get_project(project)
    assert (got.name, got.include_in_snippet_by_default) == ("Renamed", True)
    assert got.default_client_side_availability is not None
    assert got.default_client_side_availability.using_mobile_key is True


def test_projects__listed__are_filtered_and_sorted(projects: ProjectsApi, project: str) -> None:
    found = projects.get_projects(filter=f"keys:{project}|none", expand="environments")
    assert [one.key for one in found.items] == [project]
    assert found.total_count == 1
    assert found.items[0].environments is not None
    assert projects.get_projects(filter=f"query:{project.upper()}").total_count == 1
    every = projects.get_projects(sort="-createdOn,name", limit=1)
    assert every.total_count is not None
    assert every.total_count >= 2
    assert "next" in every.links
    for bad in ({"filter": "colour:red"}, {"sort": "key"}, {"limit": 0}):
        with pytest.raises(BadRequestException):
            projects.get_projects(**bad)


def test_environment__from_creation_to_deletion__every_answer_is_taken(
    environments: EnvironmentsApi, project: str
) -> None:
    body = EnvironmentPost(name="Staging", key="staging", color="417505", default_ttl=5)
    made = environments.post_environment(project, body)
    with pytest.raises(ConflictException):
        environments.post_environment(project, body)

    got = environments.get_environment(project, "staging")
    patched = environments.patch_environment(
        project,
        "staging",
        [
            _replace("/name", "Stage"),
            _replace("/requireComments", value=True),
            _replace("/tags", ["x"]),
        ],
    )
    page = environments.get_environments_by_project(project, filter="query:stag", sort="name")

    assert made.api_key.startswith("sdk-")
    assert len(made.api_key) == 36
    assert got.api_key == f"{made.api_key[:7]}{'*' * 8}"
    assert got == made.model_copy(update={"api_key": got.api_key})
    assert (got.default_ttl, got.mobile_key[:4]) == (5, "mob-")
    assert (patched.name, patched.require_comments, patched.tags) == ("Stage", True, ["x"])
    assert (patched.api_key, patched.id) == (got.api_key, got.id)
    assert [one.name for one in page.items] == ["Stage"]
    reset = environments.reset_environment_sdk_key(project, "staging")
    assert len({made.api_key, reset.api_key, got.api_key}) == 3
    assert environments.get_environment(project, "staging").api_key[:7] == reset.api_key[:7]
    reply = environments.delete_environment_with_http_info(project, "staging")
    assert reply.status_code == 204
    with pytest.raises(NotFoundException):
        environments.get_environment(project, "staging")


def test_environment__deleted_and_made_anew__is_empty(
    client: ApiClient, environments: EnvironmentsApi, project: str, store: Store
) -> None:
    segments = SegmentsApi(client)
    body = SegmentBody(name="s", key="s", unbounded=True)
    place = (project, "test", "s")
    segments.post_segment(project, "test", body)
    ref = store.segments.get(EnvironmentRef(project, "test"), "s").ref

    environments.delete_environment(project, "test")
    for call in (
        lambda: segments.get_segments(project, "test"),
        lambda: segments.get_segment(*place),
        lambda: segments.get_segment_membership_for_context(*place, "k"),
        lambda: segments.post_segment(project, "test", body),
    ):
        with pytest.raises(NotFoundException):
            call()
    assert ref in lists_to_reclaim(store, ref.env)

    environments.post_environment(project, EnvironmentPost(name="T", key="test", color="417505"))
    assert segments.get_segments(project, "test").items == []
    assert segments.post_segment(project, "test", body).generation == 2


def test_project__deleted__is_gone_with_its_segments(
    client: ApiClient, projects: ProjectsApi
) -> None:
    key = new_key("project")
    projects.post_project(ProjectPost(name="n", key=key))
    SegmentsApi(client).post_segment(key, "production", SegmentBody(name="s", key="s"))
    with pytest.raises(ConflictException):
        projects.post_project(ProjectPost(name="n", key=key))

    projects.delete_project(key)

    with pytest.raises(NotFoundException):
        projects.get_project(key)
    with pytest.raises(NotFoundException):
        SegmentsApi(client).get_segments(key, "production")
    projects.post_project(ProjectPost(name="n", key=key))
    assert SegmentsApi(client).get_segments(key, "production").items == []
    projects.delete_project(key)


@pytest.mark.parametrize(
    "operation",
    [
        _replace("/key", "x"),
        _replace("/name", ""),
        _replace("/tags", ["a b"]),
        PatchOperation(op="remove", path="/tags/3"),
    ],
)
def test_project__bad_patch__is_refused_and_changes_nothing(
    projects: ProjectsApi, project: str, operation: PatchOperation
) -> None:
    before = projects.get_project(project)
    with pytest.raises(BadRequestException):
        projects.patch_project(project, [_replace("/name", "never"), operation])
    assert projects.get_project(project) == before


@pytest.fixture(scope="module")
def plain(api: Api) -> Iterator[httpx.Client]:
    with api.client(TOKEN) as plain:
        yield plain


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/projects/none"),
        ("PATCH", "/api/v2/projects/none"),
        ("DELETE", "/api/v2/projects/none"),
        ("GET", "/api/v2/projects/a:b"),
        ("GET", "/api/v2/projects/none/environments"),
        ("POST", "/api/v2/projects/none/environments"),
        ("GET", "/api/v2/projects/default/environments/none"),
        ("PATCH", "/api/v2/projects/default/environments/none"),
        ("DELETE", "/api/v2/projects/default/environments/none"),
        ("GET", "/api/v2/projects/none/view-associations/segments/s?environmentId=1&limit=100"),
        ("POST", "/internal/tracking"),
    ],
)
def test_places__unknown__are_not_found_in_shape(
    plain: httpx.Client, method: str, path: str
) -> None:
    bodies: dict[str, Any] = {"PATCH": [], "POST": {"name": "n", "key": "k", "color": "417505"}}

    reply = plain.request(method, path, json=bodies.get(method))

    assert_refused(reply, 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [{}, [], {"name": "n"}, {"name": "n", "key": "a/b"}, {"name": "n", "key": "k", "tags": [1]}],
)
def test_project__bad_body__is_an_invalid_request(plain: httpx.Client, body: Any) -> None:
    assert_refused(plain.post("/api/v2/projects", json=body), 400, "invalid_request")


def test_project__two_environments_of_one_key__is_an_invalid_request(plain: httpx.Client) -> None:
    own = {"name": "n", "key": "e", "color": "417505"}
    body = {"name": "n", "key": new_key(), "environments": [own, own]}

    assert_refused(plain.post("/api/v2/projects", json=body), 400, "invalid_request")
