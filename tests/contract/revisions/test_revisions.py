"""Earlier states of a list over HTTP, in both dialects, and on the command line."""

from typing import Any, Final

import httpx
import pytest

from tests.support.clients.command_line import Run, json_of
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    assert_refused,
    create_segment,
    include,
    new_key,
)
from tests.support.servers.vercel import assert_error
from tests.support.store.building import assert_list, build, replace
from tests.support.store.stores import raw
from tests.support.vercel.lists import attach, list_path
from tests.support.vercel.segments import create
from worker.store import ListRef, Store
from worker.store.keyspace import INCLUDED

OLD: Final = {"a", "b", "c"}
NEW: Final = {"c", "d"}
_FIELDS: Final = {
    "number",
    "live",
    "publishedAt",
    "replacedAt",
    "importId",
    "edits",
    "included",
    "excluded",
    "bytes",
}


@pytest.fixture
def segment(client: httpx.Client, store: Store) -> ListRef:
    """A segment whose list was imported twice: revision 1 is kept, 2 is live."""
    key = create_segment(client)
    ref = store.segments.get(PRODUCTION, key).ref
    replace(store, ref, "i1", OLD)
    replace(store, ref, "i2", NEW)
    return ref


def _path(segment: ListRef) -> str:
    return f"{SEGMENTS}/{segment.segment}/revisions"


def _items(client: httpx.Client, segment: ListRef) -> list[dict[str, Any]]:
    reply = client.get(_path(segment))
    assert reply.status_code == 200, reply.text
    page = reply.json()
    assert page["totalCount"] == len(page["items"])
    items: list[dict[str, Any]] = page["items"]
    return items


def _includes(client: httpx.Client, segment: ListRef, key: str) -> bool:
    reply = client.get(f"{SEGMENTS}/{segment.segment}/contexts/{key}")
    assert reply.status_code == 200, reply.text
    included: bool = reply.json()["included"]
    return included


def test_list__of_a_segment__shows_the_live_one_and_those_before_it(
    client: httpx.Client, segment: ListRef
) -> None:
    include(client, segment.segment, "e", "f")
    live, old, first = _items(client, segment)

    assert set(live) == _FIELDS
    assert (live["number"], live["live"], live["importId"], live["edits"]) == (2, True, "i2", 1)
    assert (live["included"], live["excluded"], live["replacedAt"]) == (4, 0, None)
    assert (old["number"], old["live"], old["importId"], old["included"]) == (1, False, "i1", 3)
    assert old["publishedAt"] <= old["replacedAt"] == live["publishedAt"]
    assert (first["number"], first["importId"], first["included"]) == (0, None, 0)
    assert all(100 < each["bytes"] < 10_000 for each in (live, old, first))


def test_publish__earlier_revision__is_live_at_once_and_on_record(
    client: httpx.Client, store: Store, segment: ListRef
) -> None:
    assert (_includes(client, segment, "a"), _includes(client, segment, "d")) == (False, True)
    reply = client.post(f"{_path(segment)}/1/publish")

    assert reply.status_code == 200, reply.text
    assert (_includes(client, segment, "a"), _includes(client, segment, "d")) == (True, False)
    assert reply.json() == _items(client, segment)[0]
    assert (reply.json()["number"], reply.json()["included"]) == (1, 3)
    assert_list(store, segment, OLD)
    spec = f"proj/default:env/production:segment/{segment.segment}"
    entry = client.get("/api/v2/auditlog", params={"spec": spec}).json()["items"][0]
    assert "published an earlier revision of the segment" in entry["shortDescription"]
    again = client.post(f"{_path(segment)}/1/publish", json={"force": True})
    assert again.json() == reply.json()
    newest = client.get("/api/v2/auditlog", params={"spec": spec}).json()["items"][0]
    assert newest["_id"] == entry["_id"]


def test_publish__live_one_was_edited__names_the_edits_and_needs_force(
    client: httpx.Client, store: Store, segment: ListRef
) -> None:
    include(client, segment.segment, "e")
    include(client, segment.segment, "f")
    for body in (None, {}, {"force": False}):
        reply = client.post(f"{_path(segment)}/1/publish", json=body)
        message = assert_refused(reply, 409, "optimistic_locking_error")
        assert "changed by 2 edits" in message
        assert "force=true" in message
    assert_list(store, segment, {*NEW, "e", "f"})
    assert client.post(f"{_path(segment)}/1/publish", json={"force": True}).status_code == 200
    assert_list(store, segment, OLD)
    assert client.post(f"{_path(segment)}/2/publish").status_code == 200
    assert_list(store, segment, {*NEW, "e", "f"})


def test_publish__import_is_running__is_refused(
    client: httpx.Client, store: Store, segment: ListRef
) -> None:
    build(store, segment, "i3", {"x"})
    reply = client.post(f"{_path(segment)}/1/publish", json={"force": True})
    message = assert_refused(reply, 409, "optimistic_locking_error")
    assert message == f"segment {segment.segment} has an import running: i3"
    assert_list(store, segment, NEW)


def test_publish__part_is_lost__is_refused_and_says_so_in_the_list(
    client: httpx.Client, store: Store, segment: ListRef
) -> None:
    old = store.revisions.find_all(segment)[1].revision
    raw(store).delete(store.keyspace.shard(segment, old.name, INCLUDED, 3))
    reply = client.post(f"{_path(segment)}/1/publish")
    message = assert_refused(reply, 409, "optimistic_locking_error")
    assert "lost part of revision 1, which had 3 members" in message
    assert _items(client, segment)[1]["bytes"] is None
    assert_list(store, segment, NEW)


@pytest.mark.parametrize("number", ["7", "-1", "x", "9" * 30])
def test_publish__no_such_number__is_refused(
    client: httpx.Client, segment: ListRef, number: str
) -> None:
    assert_refused(client.post(f"{_path(segment)}/{number}/publish"), 404, "not_found")


def test_publish__field_that_is_not_known__is_refused(
    client: httpx.Client, segment: ListRef
) -> None:
    reply = client.post(f"{_path(segment)}/1/publish", json={"forced": True})
    assert "forced" in assert_refused(reply, 400, "invalid_request")


def test_revisions__of_a_missing_or_standard_segment__are_refused(client: httpx.Client) -> None:
    standard = create_segment(client, big=False)
    for path, status in ((standard, 400), (new_key(), 404)):
        code = "not_found" if status == 404 else "invalid_request"
        assert_refused(client.get(f"{SEGMENTS}/{path}/revisions"), status, code)
        assert_refused(client.post(f"{SEGMENTS}/{path}/revisions/1/publish"), status, code)


def test_revisions__of_an_attached_list__are_listed_and_published(
    vercel: httpx.Client, store: Store
) -> None:
    slug = create(vercel)["slug"]
    ref = attach(vercel, store, slug)
    replace(store, ref, "i2", OLD)
    replace(store, ref, "i3", NEW)
    path = f"{list_path(slug)}/revisions"

    found = vercel.get(path).json()["data"]
    assert [each["number"] for each in found] == [3, 2, 0]
    assert set(found[0]) == _FIELDS
    reply = vercel.post(f"{path}/2/publish")
    assert reply.status_code == 200, reply.text
    assert reply.json() == vercel.get(path).json()["data"][0]
    assert_list(store, ref, OLD)
    store.builds.claim(ref, "i4")
    fault = assert_error(vercel.post(f"{path}/3/publish"), 409, "conflict")
    assert f"segment {slug} has an import running: i4" in fault["message"]
    assert_error(vercel.post(f"{path}/9/publish"), 404, "not_found")
    assert_error(vercel.get(f"{list_path(slug, 'exclude/user/id')}/revisions"), 404, "not_found")


def test_commands__list_and_publish__go_back_and_forth(
    run: Run, client: httpx.Client, store: Store, segment: ListRef
) -> None:
    key = segment.segment
    include(client, key, "e")
    listed = json_of(run("revisions", "list", "-s", key, "--json"))
    assert listed == _items(client, segment)
    table = run("revisions", "list", "-s", key)
    assert f"Revisions of {key}" in table.stdout

    refused = run("revisions", "publish", "1", "-s", key)
    assert refused.exit_code == 1
    assert "changed by 1 edit since it became live" in refused.stderr
    assert "use `bigseg revisions publish --force`" in refused.stderr
    done = run("revisions", "publish", "1", "-s", key, "--force")
    assert done.exit_code == 0, done.output
    assert f"revision 1 of {key} is live: 3 members" in done.stdout
    assert_list(store, segment, OLD)
    assert json_of(run("revisions", "publish", "2", "-s", key, "--json"))["number"] == 2
    assert_list(store, segment, {*NEW, "e"})
