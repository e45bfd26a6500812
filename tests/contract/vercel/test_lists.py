"""Lists of any size attached to a segment, over the wire: imports, exports, and their end."""

import json
from typing import Any

import httpx
import pytest

from tests.support.servers.api import Api, wait_for_message
from tests.support.servers.objects import list_objects
from tests.support.servers.vercel import SEGMENTS, assert_error, vercel_client
from tests.support.store.building import build, publish
from tests.support.vercel.lists import LIST, attach, list_path, ref_of, upload
from tests.support.vercel.segments import create
from worker.objects import INTERNAL_PREFIX, ObjectStore
from worker.store import EXCLUDED, INCLUDED, EnvironmentRef, ImportRequest, JobRef, Store

LISTS = EnvironmentRef.of_project("default")
ACCOUNT_LOG = "/api/v2/auditlog"


@pytest.fixture
def segment(vercel: httpx.Client) -> str:
    slug: str = create(vercel)["slug"]
    return slug


def _lists(vercel: httpx.Client, segment: str) -> list[dict[str, Any]]:
    reply = vercel.get(f"{SEGMENTS}/{segment}/lists")
    assert reply.status_code == 200, reply.text
    assert set(reply.json()) == {"data"}
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


def _uploads(objects: ObjectStore) -> list[str]:
    found = list_objects(objects, f"{INTERNAL_PREFIX}uploads/default/{LISTS.environment}/")
    return [info.key for info in found]


def test_import__first_one__attaches_the_list_and_says_how_it_goes(
    vercel: httpx.Client, store: Store, segment: str
) -> None:
    before = vercel.get(f"{SEGMENTS}/{segment}")
    reply = upload(vercel, segment, mode="replace")

    assert reply.status_code == 202, reply.text
    started = reply.json()
    assert reply.headers["location"] == started["path"]
    assert started["path"] == f"{list_path(segment)}/imports/{started['id']}"
    assert (started["segmentId"], started["side"]) == (before.json()["id"], "include")
    assert (started["kind"], started["attribute"]) == ("user", "id")
    assert (started["mode"], started["status"]) == ("replace", "ready")
    assert [file["filename"] for file in started["files"]] == ["list.csv"]
    assert started["report"] is started["reason"] is started["previousImport"] is None
    assert started["progress"]["phase"] == "queued"
    wait_for_message(store, "bigseg.work", f"import:default:{LISTS.environment}:{started['id']}")
    assert vercel.get(started["path"]).json() == started
    listed = vercel.get(f"{list_path(segment)}/imports").json()
    assert listed == {"data": [started], "totalCount": 1}
    (shown,) = _lists(vercel, segment)
    assert shown["path"] == list_path(segment)
    assert (shown["side"], shown["kind"], shown["attribute"]) == ("include", "user", "id")
    assert (shown["members"], shown["importInProgress"]) == (0, started["id"])
    # The segment itself shows none: Vercel's clients have no field for it.
    after = vercel.get(f"{SEGMENTS}/{segment}")
    assert set(after.json()) == set(before.json())
    assert after.headers["etag"] != before.headers["etag"]


def test_import__from_s3__is_accepted_in_the_same_way(
    vercel: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    flags = {"allowShrink": True, "allowErased": True}
    body = {"source": f"s3://{objects.bucket}/lists/none.csv", "mode": "merge", **flags}
    reply = vercel.put(f"{list_path(segment)}/imports", json=body)

    assert reply.status_code == 202, reply.text
    state = store.jobs.get(JobRef("import", LISTS, reply.json()["id"]))
    assert state.request.list_ref == ref_of(store, segment)
    assert isinstance(state.request, ImportRequest)
    assert state.request.sources[0].key == "lists/none.csv"
    assert (state.request.allow_shrink, state.request.allow_erased) == (True, True)


def test_import__remove__is_accepted(vercel: httpx.Client, segment: str) -> None:
    started = upload(vercel, segment, mode="remove", target="included").json()
    assert started["mode"] == "remove"


@pytest.mark.parametrize("as_form", [True, False])
def test_dry_run__into_a_list_that_is_not_attached__is_404_and_attaches_none(
    vercel: httpx.Client, objects: ObjectStore, segment: str, *, as_form: bool
) -> None:
    path = f"{list_path(segment)}/imports"
    if as_form:
        files = {"file": b"a\n"}
        reply = vercel.put(path, files=files, data={"dryRun": "true"})
    else:
        body = {"source": f"s3://{objects.bucket}/lists/none.csv", "dryRun": True}
        reply = vercel.put(path, json=body)
    error = assert_error(reply, 404, "not_found")
    assert "a dry run makes none" in error["message"]
    assert _lists(vercel, segment) == []


def test_import__while_another_runs__is_409_that_says_which(
    vercel: httpx.Client, segment: str
) -> None:
    first = upload(vercel, segment).json()["id"]
    error = assert_error(upload(vercel, segment), 409, "conflict")
    assert f"list {LIST} of segment {segment} has an import running: {first}" in error["message"]
    assert upload(vercel, segment, "exclude/user/id").status_code == 202


def test_import__cancelled__is_stopped_and_streams_its_end(
    vercel: httpx.Client, segment: str
) -> None:
    path = upload(vercel, segment).json()["path"]

    cancelled = [vercel.delete(path) for _ in range(2)]

    assert [reply.status_code for reply in cancelled] == [200, 200]
    ended = cancelled[0].json()
    assert cancelled[1].json() == ended == vercel.get(path).json()
    assert (ended["status"], ended["reason"]) == ("stopped", "cancelled by admin token")
    event, data = vercel.get(f"{path}/events").text.strip().split("\n")
    assert event == "event: end"
    assert json.loads(data.removeprefix("data: ")) == ended
    (shown,) = _lists(vercel, segment)
    assert shown["importInProgress"] is None
    again = upload(vercel, segment, mode="replace").json()
    listed = f"{list_path(segment)}/imports"
    for query, found in (
        ({"status": "stopped"}, [ended]),
        ({"mode": "replace"}, [again]),
        ({"initiator": "nobody"}, []),
        ({"offset": 1}, [ended]),
        ({"after": ended["createdAt"] - 1, "limit": 1}, [again]),
    ):
        assert vercel.get(listed, params=query).json()["data"] == found, query
    for query in ({"status": "gone"}, {"mode": "add"}):
        assert_error(vercel.get(listed, params=query), 400, "bad_request")


def test_cancel__published_import__is_409_that_says_what_to_do(
    vercel: httpx.Client, store: Store, segment: str
) -> None:
    started = upload(vercel, segment).json()
    ref = ref_of(store, segment)
    publish(store, ref, started["id"], build(store, ref, started["id"], ["u1"]))

    error = assert_error(vercel.delete(started["path"]), 409, "conflict")

    assert "revisions publish" in error["message"]


def test_import__repeated_with_its_key__gets_the_first_answer(
    vercel: httpx.Client, segment: str
) -> None:
    headers = {"Idempotency-Key": f"key-{segment}"}
    first = upload(vercel, segment, headers=headers)
    again = upload(vercel, segment, headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    other = upload(vercel, segment, content=b"other\n", headers=headers)
    assert_error(other, 422, "idempotency_key_reused")
    query = {"idempotencyKey": f"key-{segment}"}
    found = vercel.get(f"{list_path(segment)}/imports", params=query).json()["data"]
    assert [one["id"] for one in found] == [first.json()["id"]]
    assert vercel.get(f"{list_path(segment)}/imports", params={"idempotencyKey": "x"}).json() == {
        "data": [],
        "totalCount": 0,
    }


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"files": {"file": b"a"}, "data": {"mode": "x"}}, 400, "bad_request"),
        ({"files": {"file": b"a"}, "data": {"modus": "merge"}}, 400, "bad_request"),
        ({"files": {"file": b"a"}, "data": {"target": "excluded"}}, 400, "bad_request"),
        ({"files": {"file": b"a" * 500_000}}, 413, "request_too_large"),
        ({}, 400, "bad_request"),
        ({"json": {"mode": "merge"}}, 400, "bad_request"),
        ({"json": {"source": "s3://elsewhere/x.csv"}}, 400, "bad_request"),
        ({"json": {"sources": ["s3://elsewhere/x/", "s3://y/*"]}}, 400, "bad_request"),
        ({"content": b"a", "headers": {"Content-Type": "text/csv"}}, 415, "unsupported_media_type"),
    ],
    ids=["mode", "field", "target", "size", "none", "no-source", "bucket", "buckets", "type"],
)
def test_import__refused__attaches_no_list_and_leaves_no_file(
    vercel: httpx.Client,
    objects: ObjectStore,
    store: Store,
    segment: str,
    request_: dict[str, Any],
    status: int,
    code: str,
) -> None:
    before = _uploads(objects)
    assert_error(vercel.put(f"{list_path(segment)}/imports", **request_), status, code)
    assert _lists(vercel, segment) == []
    assert _uploads(objects) == before
    project = store.projects.get("default")
    assert not store.project_segments.get(project, segment).segment.lists


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("include/user/__proto__", 400),
        ("include/constructor/id", 400),
        (f"include/user/{'x' * 129}", 400),
        ("include/user/a%0ab", 400),
        ("include/user/%2E%2E", 400),
        ("include/%2E/id", 400),
        ("between/user/id", 400),
        ("include/user/a%2Fb", 404),
    ],
)
def test_import__name_of_no_list__is_refused(
    vercel: httpx.Client, segment: str, name: str, status: int
) -> None:
    code = "bad_request" if status == 400 else "not_found"
    assert_error(upload(vercel, segment, name), status, code)
    assert _lists(vercel, segment) == []


def test_import__name_in_any_script__is_encoded_in_its_path(
    vercel: httpx.Client, segment: str
) -> None:
    started = upload(vercel, segment, "exclude/t%20ü/e.mail%3F").json()
    assert (started["kind"], started["attribute"]) == ("t ü", "e.mail?")
    assert vercel.get(started["path"]).json() == started


def test_import__too_many_lists__is_400(vercel: httpx.Client, store: Store, segment: str) -> None:
    for number in range(64):
        attach(vercel, store, segment, f"include/user/a{number}")
    error = assert_error(upload(vercel, segment, "include/user/more"), 400, "bad_request")
    assert "64 lists" in error["message"]
    assert upload(vercel, segment, "include/user/a0").status_code == 202
    assert vercel.delete(f"{SEGMENTS}/{segment}").status_code == 204


def test_import__no_such_segment__is_404(vercel: httpx.Client) -> None:
    assert_error(upload(vercel, "none"), 404, "not_found")
    assert_error(vercel.get(f"{SEGMENTS}/none/lists"), 404, "not_found")


def test_import__of_another_list__is_404(vercel: httpx.Client, segment: str) -> None:
    started = upload(vercel, segment).json()
    upload(vercel, segment, "exclude/user/id")
    other = started["path"].replace("/include/", "/exclude/")
    error = assert_error(vercel.get(other), 404, "not_found")
    assert f"list exclude/user/id of segment {segment}" in error["message"]
    assert_error(vercel.get(f"{list_path(segment)}/imports/x"), 404, "not_found")
    assert_error(vercel.get(f"{list_path(segment, 'include/user/x')}/imports"), 404, "not_found")


def test_approve__import_that_does_not_wait__is_400(vercel: httpx.Client, segment: str) -> None:
    started = upload(vercel, segment).json()
    error = assert_error(vercel.post(f"{started['path']}/approve"), 400, "bad_request")
    assert "was not asked to" in error["message"]


def test_export__of_a_list__is_accepted_and_has_no_file_yet(
    vercel: httpx.Client, store: Store, segment: str
) -> None:
    attach(vercel, store, segment, members=["u1"])
    reply = vercel.post(f"{list_path(segment)}/exports", json={"format": "parquet"})

    assert reply.status_code == 202, reply.text
    started = reply.json()
    assert reply.headers["location"] == started["path"]
    assert (started["status"], started["format"]) == ("in_progress", "parquet")
    assert started["rows"] is started["download"] is None
    assert vercel.get(started["path"]).json() == started
    wait_for_message(store, "bigseg.work", f"export:default:{LISTS.environment}:{started['id']}")
    error = assert_error(vercel.get(f"{started['path']}/download"), 404, "not_found")
    assert "in_progress" in error["message"]
    assert_error(vercel.post(f"{list_path(segment)}/exports", json={"x": 1}), 400, "bad_request")
    assert_error(vercel.post(f"{list_path(segment, 'exclude/a/b')}/exports"), 404, "not_found")


def test_delete__list__stops_its_import_and_the_segment_forgets_it(
    vercel: httpx.Client, store: Store, segment: str
) -> None:
    attach(vercel, store, segment, "exclude/team/plan", members=["free"])
    started = upload(vercel, segment).json()
    ref = ref_of(store, segment)

    assert vercel.delete(list_path(segment)).status_code == 204

    assert [one["side"] for one in _lists(vercel, segment)] == ["exclude"]
    state = store.jobs.get(JobRef("import", LISTS, started["id"]))
    assert (state.status, state.reason) == ("stopped", "segment deleted")
    assert store.client.smembers(store.keyspace.reclaimable_lists(LISTS)) & {ref.name.encode()}
    assert_error(vercel.get(started["path"]), 404, "not_found")
    assert_error(vercel.delete(list_path(segment)), 404, "not_found")


def test_delete__segment__frees_its_lists(vercel: httpx.Client, store: Store, segment: str) -> None:
    ref = attach(vercel, store, segment, members=["u1"])
    assert vercel.delete(f"{SEGMENTS}/{segment}").status_code == 204
    assert ref.segment not in {one.key for one in store.segments.read_remaining(LISTS)}
    assert store.client.smembers(store.keyspace.reclaimable_lists(LISTS)) & {ref.name.encode()}


def test_lists__one_is_lost__is_shown_without_a_number(
    vercel: httpx.Client, store: Store, segment: str
) -> None:
    ref = attach(vercel, store, segment, members=["u1"])
    assert _lists(vercel, segment)[0]["members"] == 1
    assert _lists(vercel, segment)[0]["updatedAt"] > 1_700_000_000_000
    store.client.unlink(store.keyspace.list_record(ref))
    assert _lists(vercel, segment)[0]["members"] is None


def test_lists__in_the_other_dialect__cannot_be_named(
    vercel: httpx.Client, store: Store, segment: str
) -> None:
    ref = attach(vercel, store, segment, members=["u1"])
    evaluated = vercel.post(f"{SEGMENTS}/evaluate", json={"entities": {"user": {"id": "u1"}}})
    assert evaluated.is_success  # and the look-ups of this process know the list now
    project = "/api/v2/projects/default"
    shown = vercel.get(f"{project}/environments").json()["items"]
    assert LISTS.environment not in {one["key"] for one in shown}
    expanded = vercel.get(f"{project}?expand=environments").json()
    assert LISTS.environment not in str(expanded["environments"])
    segments = f"/api/v2/segments/default/{LISTS.environment}"
    for path in (
        f"{project}/environments/{LISTS.environment}",
        segments,
        f"{segments}/{ref.segment}",
        f"{segments}/{ref.segment}/contexts/u1",
        f"{segments}/{ref.segment}/users/u1",
        f"{segments}/{ref.segment}/imports",
    ):
        assert vercel.get(path).status_code == 404, path
    assert vercel.delete(f"{project}/environments/{LISTS.environment}").status_code == 404
    reply = vercel.post(
        f"{project}/environments", json={"key": LISTS.environment, "name": "x", "color": "fff"}
    )
    assert reply.status_code == 400
    side = store.memberships.state(ref).live
    assert side.shard_count(INCLUDED) == 16
    assert side.shard_count(EXCLUDED) == 1


def test_audit__of_lists__is_of_their_segment_and_names_no_value(
    vercel: httpx.Client, client: httpx.Client, store: Store, segment: str
) -> None:
    attach(vercel, store, segment, members=["u1"])
    vercel.post(f"{list_path(segment)}/exports")
    vercel.delete(list_path(segment))

    found = client.get(ACCOUNT_LOG, params={"spec": f"proj/default:segment/{segment}"}).json()
    actions = [one["accesses"][0]["action"] for one in found["items"]]
    assert actions[:3] == ["deleteList", "createBigSegmentExport", "createBigSegmentImport"]
    imported = found["items"][2]
    full = client.get(f"{ACCOUNT_LOG}/{imported['_id']}").json()
    assert full["currentVersion"]["list"] == LIST
    assert full["currentVersion"]["source"] == "list.csv"
    assert "u1" not in str(full)


def test_access__to_lists__is_that_to_their_segment(api: Api, client: httpx.Client) -> None:
    with vercel_client(api) as vercel:
        mine, other = create(vercel)["slug"], create(vercel)["slug"]

    def token(**fields: Any) -> str:
        body = {"name": "of a test", **fields}
        reply = client.post("/api/v2/tokens", json=body)
        assert reply.status_code == 201, reply.text
        secret: str = reply.json()["token"]
        return secret

    statement = {"effect": "allow", "actions": ["*"]}
    scoped = [{**statement, "resources": [f"proj/default:env/*:segment/{mine}"]}]
    with vercel_client(api, token(inlineRole=scoped)) as writer:
        assert upload(writer, mine).status_code == 202
        assert_error(upload(writer, other), 403, "forbidden")
        assert_error(writer.get(f"{SEGMENTS}/{other}/lists"), 403, "forbidden")
    with vercel_client(api, token(role="reader")) as reader:
        assert reader.get(f"{SEGMENTS}/{mine}/lists").status_code == 200
        assert_error(upload(reader, mine), 403, "forbidden")
        assert_error(reader.delete(list_path(mine)), 403, "forbidden")
        assert_error(reader.post(f"{list_path(mine)}/exports"), 403, "forbidden")
    partly = [{**statement, "resources": [f"proj/default:env/test:segment/{mine}"]}]
    with vercel_client(api, token(inlineRole=partly)) as writer:
        assert writer.get(f"{SEGMENTS}/{mine}/lists").status_code == 200
        assert_error(upload(writer, mine), 403, "forbidden")
        assert_error(writer.delete(list_path(mine)), 403, "forbidden")
    with vercel_client(api, None) as nobody:
        assert_error(nobody.get(f"{SEGMENTS}/{mine}/lists"), 401, "unauthorized")
