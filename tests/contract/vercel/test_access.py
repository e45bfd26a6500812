"""Roles and scopes on segments of projects: the same tokens as everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.support.servers.api import Api
from tests.support.servers.vercel import SEGMENTS, assert_error, vercel_client
from tests.support.vercel.segments import create, in_segment, new_slug, rule
from worker.store import Grant, NewToken, RoleName, Store

OTHER = "/v1/projects/other-project/feature-flags/segments"


@contextmanager
def _caller(api: Api, store: Store, role: RoleName, *grants: Grant) -> Iterator[httpx.Client]:
    new = NewToken(name=f"a {role}", role=role, created_by="admin", grants=grants)
    token, secret = store.access_tokens.create(new)
    try:
        with vercel_client(api, secret) as client:
            yield client
    finally:
        store.access_tokens.revoke(token.id)


@pytest.fixture
def slug(vercel: httpx.Client) -> str:
    return str(create(vercel)["slug"])


def _body(slug: str) -> dict[str, object]:
    return {"slug": slug, "label": "", "hint": "", "data": {}}


def test_reader__any__reads_and_changes_nothing(api: Api, store: Store, slug: str) -> None:
    with _caller(api, store, "reader") as reader:
        assert reader.get(f"{SEGMENTS}/{slug}").status_code == 200
        assert reader.get(SEGMENTS).status_code == 200
        for reply in (
            reader.put(SEGMENTS, json=_body(new_slug())),
            reader.patch(f"{SEGMENTS}/{slug}", json={"label": "x"}),
            reader.delete(f"{SEGMENTS}/{slug}"),
        ):
            assert_error(reply, 403, "forbidden")


def test_writer__of_slugs__sees_and_changes_those_only(
    api: Api, store: Store, vercel: httpx.Client, slug: str
) -> None:
    mine = f"mine-{new_slug()}"
    with _caller(api, store, "writer", Grant("default", "*", "mine-*")) as writer:
        created = writer.put(SEGMENTS, json=_body(mine)).json()
        assert created["createdBy"] == "a writer"
        assert writer.patch(f"{SEGMENTS}/{created['id']}", json={"hint": "h"}).status_code == 200
        for reply in (
            writer.put(SEGMENTS, json=_body(new_slug())),
            writer.get(f"{SEGMENTS}/{slug}"),
            writer.get(f"{SEGMENTS}/none"),
            writer.patch(f"{SEGMENTS}/{slug}", json={"label": "x"}),
            writer.delete(f"{SEGMENTS}/{vercel.get(f'{SEGMENTS}/{slug}').json()['id']}"),
            writer.patch(f"{SEGMENTS}/{mine}", json={"data": {"rules": [rule(in_segment(slug))]}}),
        ):
            assert_error(reply, 403, "forbidden")
        assert_error(writer.get(f"{SEGMENTS}/mine-none"), 404, "not_found")
        hidden = create(vercel, data={"rules": [rule(in_segment(mine))]})
        listed = {one["slug"]: one for one in writer.get(SEGMENTS).json()["data"]}
        assert all(name.startswith("mine-") for name in listed)
        assert listed[mine]["usedBySegments"] == []
        assert writer.get(f"{SEGMENTS}/{mine}").json()["usedBySegments"] == []
        error = assert_error(writer.delete(f"{SEGMENTS}/{mine}"), 400, "SEGMENT_IN_USE")
        assert error["usedBy"]["segments"] == []
        assert hidden["slug"] not in error["message"]
        outer = f"mine-{new_slug()}"
        create(vercel, outer, data={"rules": [rule(in_segment(str(hidden["slug"])))]})
        cycle = {"data": {"rules": [rule(in_segment(outer))]}}
        message = assert_error(writer.patch(f"{SEGMENTS}/{mine}", json=cycle), 400, "bad_request")
        assert outer in message["message"]
        assert hidden["slug"] not in message["message"]
        vercel.delete(f"{SEGMENTS}/{outer}")
        vercel.delete(f"{SEGMENTS}/{hidden['id']}")
        assert writer.delete(f"{SEGMENTS}/{mine}").status_code == 204


def test_writer__of_one_environment__may_read_only(api: Api, store: Store, slug: str) -> None:
    with _caller(api, store, "writer", Grant("default", "production")) as writer:
        assert writer.get(f"{SEGMENTS}/{slug}").status_code == 200
        assert slug in {one["slug"] for one in writer.get(SEGMENTS).json()["data"]}
        for reply in (
            writer.put(SEGMENTS, json=_body(new_slug())),
            writer.patch(f"{SEGMENTS}/{slug}", json={"label": "x"}),
            writer.delete(f"{SEGMENTS}/{slug}"),
        ):
            assert_error(reply, 403, "forbidden")


def test_token__of_another_project__is_403_whether_it_exists_or_not(
    api: Api, store: Store, vercel: httpx.Client
) -> None:
    project_id = vercel.get("/v9/projects/default").json()["id"]
    with _caller(api, store, "admin", Grant("other-project")) as stranger:
        for name in ("default", project_id, "none", "prj_0123456789abcdef0123456789ab"):
            for path in (f"/v9/projects/{name}", f"/v1/projects/{name}/feature-flags/segments"):
                assert_error(stranger.get(path), 403, "forbidden")
        assert_error(stranger.get(OTHER), 404, "not_found")
