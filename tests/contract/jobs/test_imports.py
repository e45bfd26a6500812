"""Imports over the wire: uploads streamed into S3, lists already there, and their state."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.conftest import UPLOAD_LIMIT_BYTES
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    TOKEN,
    Api,
    assert_refused,
    create_segment,
    wait_for_message,
)
from tests.support.servers.objects import list_objects
from tests.support.servers.redis import wait_until
from worker.objects import INTERNAL_PREFIX, ObjectStore
from worker.store import ImportRequest, JobRef, Store
from worker.store.jobs import Unit, share_entry

_LIST = b"a\nb\nc\n"
_HEAD = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


def _upload(client: httpx.Client, segment: str, **form: Any) -> httpx.Response:
    form.setdefault("files", {"file": ("list.csv", _LIST, "text/csv")})
    return client.post(f"{SEGMENTS}/{segment}/imports", **form)


def _read(objects: ObjectStore, key: str) -> bytes:
    info = objects.head(key)
    return b"".join(objects.read_range(info, 0, info.size_bytes))


def _request_of(store: Store, import_id: str) -> ImportRequest:
    request = store.jobs.get(JobRef("import", PRODUCTION, import_id)).request
    assert isinstance(request, ImportRequest)
    return request


def _uploads(objects: ObjectStore, segment: str) -> list[str]:
    prefix = f"{INTERNAL_PREFIX}uploads/default/production/{segment}/"
    return [info.key for info in list_objects(objects, prefix)]


def test_upload__list_and_mode__is_accepted_with_a_location(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    reply = _upload(client, segment, data={"mode": "replace", "waitOnApprovals": "False"})

    assert reply.status_code == 204
    assert reply.content == b""
    location = reply.headers["location"]
    path, _, import_id = location.rpartition("/")
    assert path == f"{SEGMENTS}/{segment}/imports"
    request = _request_of(store, import_id)
    (source,) = request.sources
    assert (request.mode, source.filename, source.uploaded) == ("replace", "list.csv", True)
    assert source.size_bytes == len(_LIST)
    assert _read(objects, source.key) == _LIST
    wait_for_message(store, "bigseg.work", f"import:default:production:{import_id}")


def test_get__import_just_accepted__has_all_fields(client: httpx.Client, segment: str) -> None:
    location = _upload(client, segment).headers["location"]

    shown = client.get(location).json()

    import_id = location.rpartition("/")[2]
    created = shown.pop("creationTime")
    assert isinstance(created, int)
    assert shown == {
        "id": import_id,
        "segmentKey": segment,
        "mode": "merge",
        "status": "ready",
        "files": [{"filename": "list.csv", "status": "ready"}],
        "_links": {
            "self": {"href": location, "type": "application/json"},
            "parent": {"href": f"{SEGMENTS}/{segment}", "type": "application/json"},
        },
        "stage": "plan",
        "reason": None,
        "progress": {
            "stage": "plan",
            "phase": "queued",
            "percent": 0.0,
            "bytesDone": 0,
            "bytesTotal": 0,
            "rowsDone": 0,
            "rate": None,
            "etaSeconds": None,
        },
        "report": None,
        "previousImport": None,
        "supersedes": None,
    }
    assert client.get(f"{SEGMENTS}/{segment}").json()["_importInProgress"] is True


def test_get__import_that_is_complete__passes_the_report_through(
    client: httpx.Client, store: Store, segment: str
) -> None:
    location = _upload(client, segment).headers["location"]
    ref = JobRef("import", PRODUCTION, location.rpartition("/")[2])
    report = {"rowsRead": 3, "accepted": 3, "rejectedSample": [{"row": 1, "reason": "blank"}]}
    store.jobs.end(ref, "complete", report=report, keep_s=600)

    shown = client.get(location).json()

    assert shown["status"] == "complete"
    assert shown["files"] == [{"filename": "list.csv", "status": "complete"}]
    assert shown["report"] == report
    progress = shown["progress"]
    assert (progress["phase"], progress["percent"], progress["etaSeconds"]) == ("ended", 100, 0)


def test_get__import_at_each_stage__says_how_much_of_the_whole_is_done(
    client: httpx.Client, store: Store, segment: str
) -> None:
    location = _upload(client, segment).headers["location"]
    ref = JobRef("import", PRODUCTION, location.rpartition("/")[2])
    seen: list[tuple[str, float]] = []

    def look() -> None:
        progress = client.get(location).json()["progress"]
        seen.append((progress["phase"], progress["percent"]))
        if progress["percent"]:
            assert progress["etaSeconds"] >= 0

    for stage, following, units in (
        ("plan", "scatter", 2),
        ("scatter", "size", 1),
        ("size", "gather", 4),
        ("gather", "publish", 1),
    ):
        unit = store.jobs.take(ref, lease_ms=60_000, most_tries=3)
        assert isinstance(unit, Unit)
        share = share_entry(stage, unit.number, 0.5)
        store.jobs.renew(ref, unit, lease_ms=60_000, rows=1, size_bytes=3, share=share)
        look()
        assert store.jobs.advance(ref, stage, following, units)
    store.jobs.end(ref, "stopped", reason="list changed", keep_s=600)
    look()

    assert seen == [
        ("reading", 0.5),
        ("reading", 8.5),
        ("reading", 31.5),
        ("building", 39.5),
        ("ended", 92.0),
    ]


def test_list__imports_of_a_segment__come_newest_first_and_page_by_page(
    client: httpx.Client, store: Store, segment: str
) -> None:
    path = f"{SEGMENTS}/{segment}/imports"
    assert client.get(path).json() == {
        "items": [],
        "_links": {"self": {"href": f"{path}?limit=20&offset=0", "type": "application/json"}},
        "totalCount": 0,
    }
    locations: list[str] = []
    for _ in range(3):
        locations.insert(0, _upload(client, segment).headers["location"])
        ref = JobRef("import", PRODUCTION, locations[0].rpartition("/")[2])
        store.builds.cancel(store.segments.get(PRODUCTION, segment).ref, ref.job_id)
        store.jobs.end(ref, "stopped", reason="list changed", keep_s=600)

    whole = client.get(path).json()
    page = client.get(path, params={"limit": 2, "offset": 1}).json()

    assert [item["_links"]["self"]["href"] for item in whole["items"]] == locations
    assert whole["items"][0] == client.get(locations[0]).json()
    assert page["items"] == whole["items"][1:]
    assert (whole["totalCount"], page["totalCount"]) == (3, 3)
    assert set(page["_links"]) == {"self", "first", "prev"}
    assert_refused(client.get(path, params={"limit": 101}), 400, "invalid_request")
    assert_refused(client.get(f"{SEGMENTS}/no-such/imports"), 404, "not_found")


def test_list__of_a_deleted_and_recreated_segment__starts_empty(client: httpx.Client) -> None:
    key = create_segment(client)
    _upload(client, key)
    client.delete(f"{SEGMENTS}/{key}")
    client.post(SEGMENTS, json={"key": key, "name": key, "unbounded": True})

    assert client.get(f"{SEGMENTS}/{key}/imports").json()["totalCount"] == 0


def test_upload__parts_in_another_order_without_a_name__is_accepted(
    client: httpx.Client, store: Store, segment: str
) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + _LIST + b"\r\n"
        b'--x\r\nContent-Disposition: form-data; name="mode"\r\n\r\nreplace\r\n--x--\r\n'
    )

    reply = client.post(
        f"{SEGMENTS}/{segment}/imports",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert reply.status_code == 204
    request = _request_of(store, reply.headers["location"].rpartition("/")[2])
    assert (request.mode, request.sources[0].filename) == ("replace", "file")


def test_upload__in_chunks__is_accepted(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    rows = b"".join(b"key-%d\n" % n for n in range(20_000))

    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="l"\r\n\r\n'
        for start in range(0, len(rows), 1_000):
            yield rows[start : start + 1_000]
        yield b"\r\n--x--\r\n"

    reply = client.post(
        f"{SEGMENTS}/{segment}/imports",
        content=body(),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert reply.status_code == 204
    request = _request_of(store, reply.headers["location"].rpartition("/")[2])
    assert _read(objects, request.sources[0].key) == rows


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"other": ("list.csv", _LIST)}},
        {"files": [("file", ("a", _LIST)), ("file", ("b", _LIST))]},
        {"data": {"mode": "append"}},
        {"data": {"waitOnApprovals": "maybe"}},
        {"data": {"allowEmpty": "maybe"}},
        {"data": {"allowRejected": "maybe"}},
        {"data": {"allowShrink": "maybe"}},
    ],
)
def test_upload__bad_form__is_an_invalid_request_and_leaves_nothing(
    client: httpx.Client, objects: ObjectStore, segment: str, form: dict[str, Any]
) -> None:
    assert_refused(_upload(client, segment, **form), 400, "invalid_request")

    assert _uploads(objects, segment) == []
    assert client.get(f"{SEGMENTS}/{segment}").json()["_importInProgress"] is False


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", None),
        (b"", "application/x-www-form-urlencoded"),
        (b"", "multipart/form-data"),
        (b"--x--", "multipart/form-data; boundary=x"),
        (b"no form", "multipart/form-data; boundary=x"),
        (_HEAD + b"cut short", "multipart/form-data; boundary=x"),
        (b"null", "application/json"),
        (b"{}", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"source":"s3://elsewhere/lists/a.csv"}', "application/json"),
        (b'{"source":"http://example.org/a.csv"}', "application/json"),
        (b'{"source":"a.csv"}', "application/json"),
        (b'{"source":1}', "application/json"),
    ],
)
def test_import__no_list_to_be_had__is_an_invalid_request(
    client: httpx.Client, segment: str, content: bytes, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}

    reply = client.post(f"{SEGMENTS}/{segment}/imports", content=content, headers=headers)

    assert_refused(reply, 400, "invalid_request")


def test_import__body_of_another_type__is_an_unsupported_media_type(
    client: httpx.Client, segment: str
) -> None:
    reply = client.post(
        f"{SEGMENTS}/{segment}/imports", content=_LIST, headers={"Content-Type": "text/csv"}
    )

    assert_refused(reply, 415, "unsupported_media_type")


def test_upload__longer_than_allowed__is_too_large_and_leaves_nothing(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    just_over = {"file": ("list.csv", b"a" * (UPLOAD_LIMIT_BYTES + 1))}
    far_over = {"file": ("list.csv", b"a" * UPLOAD_LIMIT_BYTES * 20)}

    for files in (just_over, far_over):
        reply = _upload(client, segment, files=files)
        assert f"{UPLOAD_LIMIT_BYTES:,}" in assert_refused(reply, 413, "request_too_large")

    assert _uploads(objects, segment) == []
    as_long_as_allowed = {"file": ("list.csv", b"a" * UPLOAD_LIMIT_BYTES)}
    assert _upload(client, segment, files=as_long_as_allowed).status_code == 204


def test_upload__while_an_import_runs__conflicts_and_leaves_nothing(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    first = _upload(client, segment).headers["location"].rpartition("/")[2]

    message = assert_refused(_upload(client, segment), 409, "optimistic_locking_error")

    assert first in message
    assert len(_uploads(objects, segment)) == 1


def test_upload__another_import_claims_meanwhile__conflicts_and_leaves_nothing(
    api: Api, client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    with _half_sent(api, segment, _HEAD + _LIST) as connection:
        other = {"source": f"s3://{objects.bucket}/lists/a.csv"}
        assert client.post(f"{SEGMENTS}/{segment}/imports", json=other).status_code == 202

        connection.sendall(b"9\r\n\r\n--x--\r\n\r\n0\r\n\r\n")
        reply = connection.recv(65_536)

    assert reply.startswith(b"HTTP/1.1 409 ")
    assert _uploads(objects, segment) == []
    assert store.memberships.state(store.segments.get(PRODUCTION, segment).ref).building is not None


def test_upload__client_goes_away__leaves_nothing(
    api: Api, client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    with _half_sent(api, segment, _HEAD + b"a" * 100_000):
        pass

    wait_until(lambda: '"status": 0' in api.log, "the disconnect is noticed", 10)
    assert _uploads(objects, segment) == []
    assert client.get(f"{SEGMENTS}/{segment}").json()["_importInProgress"] is False


@pytest.mark.parametrize("path", ["imports/from-source", "imports"])
def test_source__allowed_list_in_s3__is_accepted_with_its_representation(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str, path: str
) -> None:
    body = {
        "source": f"s3://{objects.bucket}/lists/2026/a b.csv",
        "mode": "replace",
        "allowEmpty": True,
    }

    reply = client.post(f"{SEGMENTS}/{segment}/{path}", json=body)

    assert reply.status_code == 202
    shown = reply.json()
    assert reply.headers["location"] == shown["_links"]["self"]["href"]
    assert (shown["mode"], shown["status"]) == ("replace", "ready")
    assert shown["files"] == [{"filename": "a b.csv", "status": "ready"}]
    request = _request_of(store, shown["id"])
    assert request.allow_empty
    (source,) = request.sources
    assert (source.bucket, source.key, source.uploaded) == (
        objects.bucket,
        "lists/2026/a b.csv",
        False,
    )


@pytest.mark.parametrize("as_form", [True, False])
@pytest.mark.parametrize("flag", [None, "allowRejected", "allowShrink", "allowEmpty"])
def test_import__flag_that_overrides_a_guard__is_part_of_the_request(
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    segment: str,
    flag: str | None,
    *,
    as_form: bool,
) -> None:
    if as_form:
        reply = _upload(client, segment, data={flag: "true"} if flag else {})
    else:
        body = {"source": f"s3://{objects.bucket}/lists/a"} | ({flag: True} if flag else {})
        reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    request = _request_of(store, reply.headers["location"].rpartition("/")[2])
    flags = (request.allow_rejected, request.allow_shrink, request.allow_empty)
    assert flags == tuple(flag == name for name in ("allowRejected", "allowShrink", "allowEmpty"))


def test_source__without_one_or_with_a_file__is_refused_in_a_sentence(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    path = f"{SEGMENTS}/{segment}/imports/from-source"

    empty = assert_refused(client.post(path), 400, "invalid_request")
    nowhere = assert_refused(client.post(path, json={"mode": "merge"}), 400, "invalid_request")
    form = client.post(path, files={"file": ("list.csv", _LIST)})

    assert "send JSON" in empty
    assert "source" in nowhere
    assert "application/json" in assert_refused(form, 415, "unsupported_media_type")
    assert _uploads(objects, segment) == []


def test_source__while_an_import_runs__conflicts(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    running = _upload(client, segment).headers["location"].rpartition("/")[2]
    body = {"source": f"s3://{objects.bucket}/lists/a.csv"}

    reply = client.post(f"{SEGMENTS}/{segment}/imports/from-source", json=body)

    assert running in assert_refused(reply, 409, "optimistic_locking_error")


def test_import__standard_or_unknown_segment__is_refused(client: httpx.Client) -> None:
    standard = create_segment(client, big=False)

    assert_refused(_upload(client, standard), 400, "invalid_request")
    assert_refused(_upload(client, "no-such"), 404, "not_found")


@pytest.mark.parametrize(
    "import_id", ["x", "11111111-1111-4111-8111-111111111111", "a:b", "%7B%7D", "..%2e"]
)
def test_get__unknown_import__is_not_found(
    client: httpx.Client, segment: str, import_id: str
) -> None:
    assert_refused(client.get(f"{SEGMENTS}/{segment}/imports/{import_id}"), 404, "not_found")


def test_get__import_of_another_segment__is_not_found(client: httpx.Client, segment: str) -> None:
    import_id = _upload(client, segment).headers["location"].rpartition("/")[2]
    other = create_segment(client)

    assert_refused(client.get(f"{SEGMENTS}/{other}/imports/{import_id}"), 404, "not_found")


def test_get__rebuild_of_the_stores_own__is_not_found(
    client: httpx.Client, store: Store, segment: str
) -> None:
    ref = store.segments.get(PRODUCTION, segment).ref
    own = "11111111-2222-4333-8444-555555555555"
    store.jobs.create(
        ImportRequest(own, ref, "reshard", (), allow_empty=True, created_ms=1),
        stage="plan",
        units=1,
    )

    assert_refused(client.get(f"{SEGMENTS}/{segment}/imports/{own}"), 404, "not_found")


def test_delete_segment__while_an_import_runs__stops_it_with_the_reason(
    client: httpx.Client, segment: str
) -> None:
    location = _upload(client, segment).headers["location"]

    client.delete(f"{SEGMENTS}/{segment}")

    shown = client.get(location).json()
    assert (shown["status"], shown["reason"]) == ("stopped", "segment deleted")


def _half_sent(api: Api, segment: str, content: bytes) -> socket.socket:
    """Start an upload in chunks, and send its beginning once the API reads it."""
    host, _, port = api.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    head = (
        f"POST {SEGMENTS}/{segment}/imports HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    connection.sendall(head.encode())
    assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")
    connection.sendall(b"%x\r\n" % len(content) + content + b"\r\n")
    return connection
