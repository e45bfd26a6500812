"""Segments: created, listed, read, changed and deleted, with every field intact."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.support.servers.api import SEGMENTS as ELSEWHERE
from tests.support.servers.api import TOKEN, Api, create_segment
from tests.support.servers.vercel import PROJECT, SEGMENTS, assert_error, vercel_client
from tests.support.vercel.segments import (
    create,
    every_form,
    in_segment,
    including,
    new_slug,
    rule,
)


def test_create__every_form__comes_back_intact(vercel: httpx.Client) -> None:
    slug, data, before_ms = new_slug(), every_form(), time.time_ns() // 1_000_000
    body = {"slug": slug, "label": "Ü", "hint": "h", "description": "d", "createdBy": "me"}
    reply = vercel.put(SEGMENTS, json={**body, "data": data}, params={"teamId": "t", "slug": "x"})

    assert reply.status_code == 201, reply.text
    assert reply.headers["content-type"] == "application/json"
    created = reply.json()
    project_id = vercel.get("/v9/projects/default").json()["id"]
    assert created["id"].startswith("seg_")
    assert before_ms - 60_000 < created["createdAt"] == created["updatedAt"]
    assert {**body, "data": data, "projectId": project_id, "typeName": "segment"}.items() <= (
        created.items()
    )
    assert (created["usedByFlags"], created["usedBySegments"]) == ([], [])
    assert "metadata" not in created
    for name in (slug, created["id"], f"%{ord(slug[0]):x}{slug[1:]}"):
        found = vercel.get(f"{SEGMENTS}/{name}", params={"withMetadata": "false"})
        assert found.json() == created
        assert found.headers["etag"] == reply.headers["etag"]
    by_id = f"/v1/projects/{project_id}/feature-flags/segments/{slug}"
    assert vercel.get(by_id).json() == created
    assert _types(found.json()["data"]) == _types(data)


def _types(value: Any) -> Any:
    """Give the JSON of a value, in which 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)


def test_create__least__has_nothing_else_and_the_token_as_its_creator(
    vercel: httpx.Client,
) -> None:
    created = create(vercel)
    found = vercel.get(f"{SEGMENTS}/{created['slug']}", params={"withMetadata": "true"}).json()

    assert created["data"] == {}
    assert "description" not in created
    assert created["createdBy"] == "admin token"
    assert found.pop("metadata") == {"creator": {"id": "admin", "name": "admin token"}}
    assert found == created


@pytest.mark.parametrize("slug", ["-", "_", "A" * 512, "constructor"])
def test_create__any_slug_of_the_pattern__is_taken_once(vercel: httpx.Client, slug: str) -> None:
    create(vercel, slug)
    body = {"slug": slug, "label": "", "hint": "", "data": {}}

    assert_error(vercel.put(SEGMENTS, json=body), 409, "conflict")
    assert vercel.delete(f"{SEGMENTS}/{slug}").status_code == 204
    again = create(vercel, slug)
    assert vercel.delete(f"{SEGMENTS}/{again['id']}").status_code == 204


def test_create__unknown_keys_and_nulls__are_dropped(vercel: httpx.Client) -> None:
    item = {"value": "a", "note": None, "x": 1}
    condition: dict[str, Any] = {"lhs": {"type": "segment", "kind": 7}, "cmp": "oneOf", "x": 1}
    condition["rhs"] = {"type": "list", "items": [], "x": 1}
    data: dict[str, Any] = {"include": {"user": {"id": [item]}}, "exclude": None, "x": {}}
    data["rules"] = [{**rule(condition, outcome={"type": "all", "base": 1}), "x": 1}]

    created = create(vercel, data=data, description=None, other=[1])

    assert created["data"] == {
        "rules": [rule(in_segment("x", cmp="oneOf") | {"rhs": {"type": "list", "items": []}})],
        "include": {"user": {"id": [{"value": "a"}]}},
    }
    assert "description" not in created


def test_list__any__holds_all_segments_of_the_project(vercel: httpx.Client) -> None:
    first, second = create(vercel), create(vercel)
    reply = vercel.get(SEGMENTS, params={"withMetadata": "false", "teamId": "t", "other": "1"})

    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json().keys() == {"data"}
    found = {segment["id"]: segment for segment in reply.json()["data"]}
    assert found[first["id"]] == first
    assert found[second["id"]] == second
    with_metadata = vercel.get(SEGMENTS, params={"withMetadata": "true"}).json()["data"]
    assert all(one["metadata"]["creator"]["name"] for one in with_metadata)


def test_dialects__same_slug_in_both__are_different_segments(
    client: httpx.Client, vercel: httpx.Client
) -> None:
    key = create_segment(client, big=False)
    create(vercel, key)
    only_here = create(vercel)["slug"]

    assert vercel.delete(f"{SEGMENTS}/{key}").status_code == 204
    assert client.get(f"{ELSEWHERE}/{key}").status_code == 200
    assert client.get(f"{ELSEWHERE}/{only_here}").status_code == 404
    assert_error(vercel.get(f"{SEGMENTS}/{key}"), 404, "not_found")


def test_update__some_fields__leaves_the_others(vercel: httpx.Client) -> None:
    created = create(vercel, data=including("a"), description="d")
    path = f"{SEGMENTS}/{created['slug']}"

    reply = vercel.patch(path, json={"label": "New", "slug": "ignored", "createdBy": "x"})

    changed = reply.json()
    assert reply.status_code == 200, reply.text
    assert changed.pop("updatedAt") >= created.pop("updatedAt")
    assert changed == created | {"label": "New"}
    changed = vercel.patch(path, json={"description": "", "hint": "h"}).json()
    assert (changed["description"], changed["hint"]) == ("", "h")
    changed = vercel.patch(path, json={"data": {"rules": []}}).json()
    assert changed["data"] == {"rules": []}


def test_update__nothing__changes_nothing(vercel: httpx.Client) -> None:
    created = create(vercel, data=including("a"))
    path = f"{SEGMENTS}/{created['id']}"
    before = vercel.get(path)

    bodies: list[Any] = [{}, {"label": "Label"}, {"data": including("a")}, {"operations": []}]
    for body in bodies:
        reply = vercel.patch(path, json=body)
        assert (reply.status_code, reply.json()) == (200, created)
        assert reply.headers["etag"] == before.headers["etag"]


def test_update__operations__are_applied_after_data(vercel: httpx.Client) -> None:
    path = f"{SEGMENTS}/{create(vercel)['slug']}"
    twice = [{"value": "a"}, {"value": "b", "note": "1"}, {"value": "a", "note": "2"}]

    changed = vercel.patch(
        path,
        json={
            "data": {"include": {"user": {"id": twice}}},
            "operations": [
                _operation("remove", "a"),
                _operation("add", "b"),
                _operation("add", "c", note="n"),
                _operation("add", "c"),
                _operation("remove", "none"),
                _operation("remove", "x", field="exclude", entity="none"),
                _operation("add", "d", field="exclude", entity="team", attribute="a.b"),
            ],
        },
    ).json()

    assert changed["data"] == {
        "include": {"user": {"id": [{"value": "b", "note": "1"}, {"value": "c", "note": "n"}]}},
        "exclude": {"team": {"a.b": [{"value": "d"}]}},
    }
    operations = [_operation("add", "b", note="2"), _operation("remove", "c")]
    changed = vercel.patch(path, json={"operations": operations}).json()
    assert changed["data"]["include"] == {"user": {"id": [{"value": "b", "note": "2"}]}}
    changed = vercel.patch(path, json={"operations": [_operation("remove", "b")]}).json()
    assert changed["data"]["include"] == {"user": {"id": []}}


def _operation(action: str, value: str, note: str | None = None, **fields: str) -> Any:
    entry = {"value": value} | ({} if note is None else {"note": note})
    place = {"field": "include", "entity": "user", "attribute": "id", **fields}
    return {"action": action, **place, "value": entry}


def test_update__state_of_if_match__is_required(vercel: httpx.Client) -> None:
    path = f"{SEGMENTS}/{create(vercel)['slug']}"
    first = vercel.get(path).headers["etag"]

    reply = vercel.patch(path, json={"label": "A"}, headers={"If-Match": f'"x", {first}'})
    assert reply.status_code == 200
    second = reply.headers["etag"]
    assert second != first
    refused = vercel.patch(path, json={"label": "B"}, headers={"If-Match": first})
    assert_error(refused, 412, "precondition_failed")
    for wrong in (first, f"W/{second}", "x", ""):
        refused = vercel.delete(path, headers={"If-Match": wrong})
        assert_error(refused, 412, "precondition_failed")
    assert vercel.get(path).json()["label"] == "A"
    assert vercel.patch(path, json={"label": "B"}, headers={"If-Match": "*"}).status_code == 200
    third = vercel.get(path).headers["etag"]
    assert vercel.delete(path, headers={"If-Match": third}).status_code == 204


def test_delete__any__is_204_without_a_content_type(vercel: httpx.Client) -> None:
    created = create(vercel)

    reply = vercel.delete(
        f"{SEGMENTS}/{created['slug']}", params={"teamId": "t", "withMetadata": "false"}
    )

    assert (reply.status_code, reply.content) == (204, b"")
    assert "content-type" not in reply.headers
    for name in (created["slug"], created["id"]):
        for method in ("GET", "PATCH", "DELETE"):
            body = {"label": "x"} if method == "PATCH" else None
            refused = vercel.request(method, f"{SEGMENTS}/{name}", json=body)
            assert_error(refused, 404, "not_found")


def test_name__that_is_an_id_and_a_slug__is_the_id(vercel: httpx.Client) -> None:
    first = create(vercel)
    second = create(vercel, first["id"])

    assert vercel.get(f"{SEGMENTS}/{first['id']}").json()["id"] == first["id"]
    assert vercel.get(f"{SEGMENTS}/{second['id']}").json()["slug"] == first["id"]


def test_project__made_again__has_no_segment(client: httpx.Client, vercel: httpx.Client) -> None:
    key = new_slug()
    for _ in range(2):
        made = client.post("/api/v2/projects", json={"key": key, "name": key})
        assert made.status_code == 201, made.text
        path = f"/v1/projects/{key}/feature-flags/segments"
        assert vercel.get(path).json() == {"data": []}
        body = {"slug": "s", "label": "", "hint": "", "data": {}}
        assert vercel.put(path, json=body).status_code == 201
        assert client.delete(f"/api/v2/projects/{key}").status_code == 204
        assert_error(vercel.get(path), 404, "not_found")


def test_changes__any__are_in_the_audit_log(client: httpx.Client, vercel: httpx.Client) -> None:
    slug = create(vercel, label="Mine", data=including("secret-key"))["slug"]
    operations = [_operation("add", "other-key")]
    vercel.patch(f"{SEGMENTS}/{slug}", json={"hint": "h", "operations": operations})
    vercel.delete(f"{SEGMENTS}/{slug}")

    found = client.get("/api/v2/auditlog", params={"q": slug}).json()["items"]

    actions = [[access["action"] for access in entry["accesses"]] for entry in found]
    assert actions == [["deleteSegment"], ["updateHint", "updateIncluded"], ["createSegment"]]
    assert {entry["target"]["resources"][0] for entry in found} == {f"proj/default:segment/{slug}"}
    assert "secret-key" not in json.dumps(found)
    assert "other-key" not in json.dumps(found)


def test_options_and_head__of_a_segment__are_answered(api: Api, vercel: httpx.Client) -> None:
    slug = create(vercel)["slug"]
    with vercel_client(api, None) as anybody:
        assert anybody.options(SEGMENTS).headers["allow"] == "GET, HEAD, OPTIONS, PUT"
        one = anybody.options(f"{SEGMENTS}/{slug}")
    assert one.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    assert vercel.head(f"{SEGMENTS}/{slug}").status_code == 200
    assert_error(vercel.put(f"{SEGMENTS}/{slug}", json={}), 405, "method_unknown")
    with api.client(TOKEN) as bare:
        assert bare.get(f"{PROJECT}/feature-flags/segments").status_code == 200
