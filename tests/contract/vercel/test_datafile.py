"""The datafile: what flags-core evaluates with, its tags and bounds, and what is refused."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.servers.api import Api
from tests.support.servers.vercel import assert_error, vercel_client
from tests.support.vercel.projects import (
    OwnProject,
    is_in,
    new_sdk_key,
    new_segment,
)
from tests.support.vercel.segments import in_segment, including, rule
from worker.store import ProjectSegmentChange, SegmentBounds, Store

DATAFILE = "/v1/datafile"


@pytest.fixture
def sdk(api: Api, vercel: httpx.Client, project: OwnProject) -> Iterator[httpx.Client]:
    """A client with an SDK key of the project."""
    with vercel_client(api, new_sdk_key(vercel, project)["keyValue"]) as client:
        yield client


def _attach(store: Store, project: OwnProject, slug: str) -> None:
    """Note that a list is attached to a segment."""
    owner = store.projects.get(project.key)
    segment = store.project_segments.get(owner, slug).segment
    names = ("label", "hint", "description", "data", "references")
    change = ProjectSegmentChange(
        **{name: getattr(segment, name) for name in names}, lists={"include/user/id": "a list"}
    )
    store.project_segments.update(owner, segment, change, SegmentBounds(100, 1_000_000))


def test_datafile__of_an_empty_project__is_empty(
    vercel: httpx.Client, project: OwnProject, sdk: httpx.Client
) -> None:
    reply = sdk.get(DATAFILE)

    assert reply.headers["content-type"] == "application/json"
    found = vercel.get(f"/v9/projects/{project.key}").json()
    assert reply.json() == {
        "projectId": found["id"],
        "environment": "p",
        "revision": 0,
        "configUpdatedAt": found["createdAt"],
        "digest": reply.json()["digest"],
        "omittedSegments": [],
        "definitions": {},
        "segments": {},
    }


def test_datafile__of_segments_and_definitions__is_in_packed_form(
    vercel: httpx.Client, project: OwnProject, sdk: httpx.Client
) -> None:
    inner = new_segment(vercel, project, "inner", including("ü", '"'))
    outer = new_segment(vercel, project, "outer", {"rules": [rule(in_segment("inner"))]})
    vercel.put(project.definitions, json={"flag": is_in("outer")})

    found = sdk.get(DATAFILE).json()
    assert found["revision"] == 3
    assert found["definitions"] == {"flag": is_in(outer)}
    assert found["segments"] == {
        inner: {"include": {"user": {"id": ["ü", '"']}}},
        outer: {"rules": [{"conditions": [["segment", "eq", inner]], "outcome": 1}]},
    }


def test_datafile__unchanged__is_304_and_every_change_is_a_later_one(
    vercel: httpx.Client, project: OwnProject, sdk: httpx.Client
) -> None:
    def change(step: int) -> None:
        match step:
            case 0:
                new_segment(vercel, project, "a", including("u1"))
            case 1:
                vercel.patch(f"{project.segments}/a", json={"data": including("u2")})
            case 2:
                vercel.put(project.definitions, json={"flag": is_in("a")})
            case 3:
                vercel.delete(project.definitions)
            case _:
                vercel.delete(f"{project.segments}/a")

    tags, times = [sdk.get(DATAFILE).headers["etag"]], []
    for step in range(5):
        change(step)
        reply = sdk.get(DATAFILE, headers={"If-None-Match": tags[-1]})
        assert reply.status_code == 200, step
        tags.append(reply.headers["etag"])
        times.append((reply.json()["configUpdatedAt"], reply.json()["revision"]))
        for named in (tags[-1], f'"x", {tags[-1]}', "*"):
            again = sdk.get(DATAFILE, headers={"If-None-Match": named})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tags[-1]
    assert len(set(tags)) == len(tags)
    assert times == sorted(set(times))  # an answer that is not later is ignored by flags-core


def test_datafile__of_another_environment__has_another_tag(
    api: Api, vercel: httpx.Client, project: OwnProject, sdk: httpx.Client
) -> None:
    tag = sdk.get(DATAFILE).headers["etag"]
    with vercel_client(api, new_sdk_key(vercel, project, "q")["keyValue"]) as other:
        reply = other.get(DATAFILE, headers={"If-None-Match": tag})
    assert (reply.status_code, reply.json()["environment"]) == (200, "q")


def test_datafile__head__has_the_length_and_no_body(project: OwnProject, sdk: httpx.Client) -> None:
    assert project.key
    whole, head = sdk.get(DATAFILE), sdk.head(DATAFILE)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert sdk.post(DATAFILE).status_code == 405


def test_datafile__flag_that_depends_on_a_list__is_refused_with_the_segments(
    vercel: httpx.Client, store: Store, project: OwnProject, sdk: httpx.Client
) -> None:
    new_segment(vercel, project, "big", including("u1"))
    new_segment(vercel, project, "outer", {"rules": [rule(in_segment("big", cmp="!eq"))]})
    other = new_segment(vercel, project, "other", including("u2"))
    _attach(store, project, "big")

    vercel.put(project.definitions, json={"flag": is_in("outer"), "b": is_in("other")})
    error = assert_error(sdk.get(DATAFILE), 409, "datafile_incomplete")
    assert "big, outer;" in error["message"]

    vercel.put(project.definitions, json={"b": is_in("other")})
    found = sdk.get(DATAFILE).json()
    assert list(found["segments"]) == [other]
    assert [one["slug"] for one in found["omittedSegments"]] == ["big", "outer"]

    vercel.delete(project.definitions)  # flags that are defined elsewhere may depend on any
    error = assert_error(sdk.get(DATAFILE), 409, "datafile_incomplete")
    assert "big, outer;" in error["message"]


def test_metrics__of_a_client__are_taken_and_dropped(
    vercel: httpx.Client, sdk: httpx.Client
) -> None:
    reply = sdk.post("/v1/ingest", json=[{"type": "FLAGS_CONFIG_READ", "payload": {}}])
    assert (reply.status_code, reply.content) == (202, b"")
    assert_error(vercel.post("/v1/ingest", json=[]), 401, "unauthorized")


def _parse(text: bytes) -> Any:
    def require_single(members: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(members)) == len(members)
        return dict(members)

    return json.loads(text, object_pairs_hook=require_single)


def test_datafile__any__names_every_member_once(
    vercel: httpx.Client, project: OwnProject, sdk: httpx.Client
) -> None:
    for slug in ("a", "b", "c"):
        new_segment(vercel, project, slug, {})
        _parse(sdk.get(DATAFILE).content)
    assert len(_parse(sdk.get(DATAFILE).content)["segments"]) == 3
