"""Segments inside segments: stored as ids, without cycles, and not deleted while they are used."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.servers.vercel import SEGMENTS, assert_error
from tests.support.vercel.segments import create, in_segment, new_slug, rule


def _inside(*names: str, cmp: str = "eq") -> dict[str, Any]:
    return {"rules": [rule(in_segment(*names, cmp=cmp))]}


@pytest.mark.parametrize("cmp", ["eq", "!eq", "oneOf", "!oneOf"])
def test_condition__that_names_a_slug__is_stored_with_the_id(
    vercel: httpx.Client, cmp: str
) -> None:
    inner = create(vercel)
    for name in (inner["slug"], inner["id"]):
        outer = create(vercel, data=_inside(name, cmp=cmp))
        assert outer["data"] == _inside(inner["id"], cmp=cmp)
        found = vercel.get(f"{SEGMENTS}/{inner['slug']}").json()
        assert outer["id"] in found["usedBySegments"]
    listed = {one["id"]: one for one in vercel.get(SEGMENTS).json()["data"]}
    assert len(listed[inner["id"]]["usedBySegments"]) == 2


def test_cycle__of_any_length__is_400_with_its_way(vercel: httpx.Client) -> None:
    a = create(vercel, f"a-{new_slug()}")
    b = create(vercel, f"b-{new_slug()}", data=_inside(a["id"]))
    c = create(vercel, f"c-{new_slug()}", data=_inside(b["slug"], a["slug"], cmp="oneOf"))

    for inner, way in ((a, [a, a]), (b, [a, b, a]), (c, [a, c, a])):
        reply = vercel.patch(f"{SEGMENTS}/{a['slug']}", json={"data": _inside(inner["slug"])})
        message = assert_error(reply, 400, "bad_request")["message"]
        assert message.endswith(": " + " -> ".join(one["slug"] for one in way))
    slug = new_slug()
    body = {"slug": slug, "label": "", "hint": "", "data": _inside(slug)}
    message = assert_error(vercel.put(SEGMENTS, json=body), 400, "bad_request")["message"]
    assert message.endswith(f": {slug} -> {slug}")


def test_nesting__over_a_hundred_segments__is_400(vercel: httpx.Client) -> None:
    inner = lowest = create(vercel)
    for _ in range(99):
        inner = create(vercel, data=_inside(inner["id"]))
    below = create(vercel)
    for reply in (
        vercel.put(
            SEGMENTS,
            json={"slug": new_slug(), "label": "", "hint": "", "data": _inside(inner["id"])},
        ),
        vercel.patch(f"{SEGMENTS}/{lowest['id']}", json={"data": _inside(below["id"])}),
    ):
        message = assert_error(reply, 400, "bad_request")["message"]
        assert "101 segments" in message


def test_delete__used_by_others__says_by_which(vercel: httpx.Client) -> None:
    inner = create(vercel)
    outer = create(vercel, label="Outer", data=_inside(inner["slug"]))
    path = f"{SEGMENTS}/{inner['slug']}"

    error = assert_error(vercel.delete(path), 400, "SEGMENT_IN_USE")

    named = {"id": outer["id"], "slug": outer["slug"], "name": "Outer", "label": "Outer"}
    assert error["usedBy"] == {"flags": [], "segments": [named]}
    assert outer["slug"] in error["message"]
    assert vercel.get(path).status_code == 200
    vercel.patch(f"{SEGMENTS}/{outer['id']}", json={"data": {}})
    assert vercel.delete(path).status_code == 204


def test_concurrent_changes__that_would_make_a_cycle__never_do(vercel: httpx.Client) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            a, b = create(vercel), create(vercel)
            pairs = [(a, b), (b, a)] * 2
            statuses = list(pool.map(lambda pair: _refer(vercel, *pair), pairs))
            assert set(statuses) <= {200, 400}
            found = {one["id"]: one for one in vercel.get(SEGMENTS).json()["data"]}
            used = [bool(found[one["id"]]["usedBySegments"]) for one in (a, b)]
            assert sorted(used) == [False, True]


def test_concurrent_deletion__of_what_is_being_used__leaves_no_broken_reference(
    vercel: httpx.Client,
) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            inner, outer = create(vercel), create(vercel)
            deleted = pool.submit(vercel.delete, f"{SEGMENTS}/{inner['id']}")
            referred = pool.submit(_refer, vercel, outer, inner)
            outcomes = (deleted.result().status_code, referred.result())
            assert outcomes in {(204, 400), (400, 200)}


def _refer(client: httpx.Client, outer: dict[str, Any], inner: dict[str, Any]) -> int:
    body = {"data": _inside(inner["id"])}
    return client.patch(f"{SEGMENTS}/{outer['id']}", json=body).status_code
