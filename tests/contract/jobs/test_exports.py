"""Exports over the wire: eight fields at every stage, and a download that streams."""

import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    TOKEN,
    Api,
    assert_refused,
    create_segment,
    new_key,
    wait_for_message,
)
from worker.objects import ObjectStore, export_key
from worker.store import EnvironmentRef, ExportRequest, JobRef, Store

_FIELDS = {
    "id",
    "segmentKey",
    "creationTime",
    "status",
    "sizeBytes",
    "size",
    "initiator",
    "_links",
}


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


def _export(location: str) -> JobRef:
    """The export at this address in the usual environment."""
    return JobRef("export", PRODUCTION, location.rpartition("/")[2])


def _complete(store: Store, objects: ObjectStore, ref: JobRef, content: bytes) -> str:
    """Do what the worker does at the end of an export; give the object's key."""
    request = store.jobs.get(ref).request
    assert isinstance(request, ExportRequest)
    owner = (ref.env.project, ref.env.environment, request.list_ref.segment)
    key = export_key(owner, ref.job_id, "included.csv")
    with objects.open_writer(key) as writer:
        writer.write(content)
    info = writer.close()
    report = {
        "sizeBytes": info.size_bytes,
        "rows": content.count(b"\n"),
        "bucket": info.bucket,
        "key": info.key,
        "etag": info.etag,
    }
    store.jobs.end(ref, "complete", report=report, keep_s=600)
    return key


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", None),
        (b"null", "application/json"),
        (b"", "application/json"),
        (b"", "application/x-www-form-urlencoded"),
    ],
)
def test_create__whatever_clients_send__starts_a_csv_export(
    client: httpx.Client, store: Store, segment: str, content: bytes, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}

    reply = client.post(f"{SEGMENTS}/{segment}/exports", content=content, headers=headers)

    assert reply.status_code == 200
    shown = reply.json()
    assert set(shown) >= _FIELDS
    assert all(shown[name] is not None for name in _FIELDS)
    assert (shown["sizeBytes"], shown["size"], shown["format"]) == (0, "0 B", "csv")
    assert set(shown["_links"]) == {"self", "parent"}
    assert reply.headers["location"] == shown["_links"]["self"]["href"]
    assert client.get(reply.headers["location"]).json() == shown
    wait_for_message(store, "bigseg.work", f"export:default:production:{shown['id']}")


def test_create__parquet__is_asked_for(client: httpx.Client, segment: str) -> None:
    reply = client.post(f"{SEGMENTS}/{segment}/exports", json={"format": "parquet"})

    assert reply.json()["format"] == "parquet"


def test_create__unknown_format__is_an_invalid_request(client: httpx.Client, segment: str) -> None:
    reply = client.post(f"{SEGMENTS}/{segment}/exports", json={"format": "xml"})

    assert_refused(reply, 400, "invalid_request")


def test_create__standard_or_unknown_segment__is_refused(client: httpx.Client) -> None:
    standard = create_segment(client, big=False)

    assert_refused(client.post(f"{SEGMENTS}/{standard}/exports"), 400, "invalid_request")
    assert_refused(client.post(f"{SEGMENTS}/no-such/exports"), 404, "not_found")


def test_download__complete_export__streams_the_file(
    api: Api, client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    location = client.post(f"{SEGMENTS}/{segment}/exports").headers["location"]
    content = b"".join(b"key-%d\n" % n for n in range(300_000))
    _complete(store, objects, _export(location), content)

    shown = client.get(location).json()
    link = shown["_links"]["download"]
    reply = client.get(link["href"])

    assert shown["status"] == "complete"
    assert (shown["sizeBytes"], shown["size"]) == (len(content), "3.2 MB")
    assert shown["rows"] == 300_000
    assert link["type"] == "text/csv"
    assert reply.status_code == 200
    assert reply.content == content
    assert reply.headers["content-length"] == str(len(content))
    assert reply.headers["content-disposition"] == f'attachment; filename="{segment}.csv"'
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert_refused(httpx.get(api.url + link["href"]), 401, "unauthorized")


def test_download__empty_export__is_an_empty_file(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    location = client.post(f"{SEGMENTS}/{segment}/exports").headers["location"]
    _complete(store, objects, _export(location), b"")

    for headers in ({}, {"Range": "bytes=0-"}, {"Range": "bytes=-5"}):
        reply = client.get(f"{location}/download", headers=headers)

        assert (reply.status_code, reply.content) == (200, b"")


@pytest.fixture(scope="module")
def download(client: httpx.Client, store: Store, objects: ObjectStore) -> tuple[str, bytes]:
    """A complete export's link, and the file: more than two pieces of it."""
    segment = create_segment(client)
    location = client.post(f"{SEGMENTS}/{segment}/exports").headers["location"]
    content = b"".join(b"key-%08d\n" % n for n in range(200_000))
    _complete(store, objects, _export(location), content)
    return f"{location}/download", content


def test_download__asked_for_its_headers__gives_those_of_the_file(
    client: httpx.Client, download: tuple[str, bytes]
) -> None:
    path, content = download

    whole, head = client.get(path), client.head(path)

    names = ("content-length", "content-type", "content-disposition", "etag", "accept-ranges")
    assert (head.status_code, head.content) == (200, b"")
    assert [head.headers[name] for name in names] == [whole.headers[name] for name in names]
    assert head.headers["content-length"] == str(len(content))
    assert head.headers["accept-ranges"] == "bytes"
    assert client.head(path, headers={"Range": "bytes=0-9"}).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=1000-1999", 1_000, 2_000),
        ("bytes=1200000-", 1_200_000, 2_600_000),
        ("bytes=-1300000", 1_300_000, 2_600_000),
        ("bytes=0-2599999", 0, 2_600_000),
        ("bytes=2599999-9999999", 2_599_999, 2_600_000),
    ],
)
def test_download__range__is_these_bytes(
    client: httpx.Client, download: tuple[str, bytes], wanted: str, start: int, end: int
) -> None:
    path, content = download

    reply = client.get(path, headers={"Range": wanted})

    assert reply.status_code == 206
    assert reply.content == content[start:end]
    assert reply.headers["content-length"] == str(end - start)
    assert reply.headers["content-range"] == f"bytes {start}-{end - 1}/{len(content)}"


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-9", "bytes=9-1", "bytes=x-", "rows=0-1"])
def test_download__what_is_not_one_range__is_the_whole(
    client: httpx.Client, download: tuple[str, bytes], wanted: str
) -> None:
    path, content = download

    reply = client.get(path, headers={"Range": wanted})

    assert (reply.status_code, reply.content) == (200, content)
    assert "content-range" not in reply.headers


def test_download__range_behind_the_file__says_how_long_it_is(
    client: httpx.Client, download: tuple[str, bytes]
) -> None:
    path, content = download

    for wanted in (f"bytes={len(content)}-", "bytes=-0"):
        reply = client.get(path, headers={"Range": wanted})

        assert "2,600,000 bytes" in assert_refused(reply, 416, "range_not_satisfiable")
        assert reply.headers["content-range"] == f"bytes */{len(content)}"


def test_download__on_condition__is_sent_only_where_it_has_to_be(
    client: httpx.Client, download: tuple[str, bytes]
) -> None:
    path, content = download
    tag = client.head(path).headers["etag"]

    def ask(**headers: str) -> tuple[int, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = client.get(path, headers=named)
        return reply.status_code, reply.content

    assert ask(If_None_Match=tag) == (304, b"")
    assert ask(If_None_Match=f'"x", W/{tag}', Range="bytes=0-3") == (304, b"")
    assert ask(If_None_Match='"x"', Range="bytes=0-3") == (206, content[:4])
    assert ask(If_Range=tag, Range="bytes=0-3") == (206, content[:4])
    for other in ('"x"', f"W/{tag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert ask(If_Range=other, Range="bytes=0-3") == (200, content)
    assert client.head(path, headers={"If-None-Match": tag}).status_code == 304


def test_download__cut__goes_on_with_curl(
    api: Api, download: tuple[str, bytes], tmp_path: Path
) -> None:
    path, content = download
    file = tmp_path / "list.csv"
    file.write_bytes(content[:1_234_567])
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl")

    command = [curl, "-sS", "-f", "-C", "-", "-o", str(file), "-H", f"Authorization: {TOKEN}"]
    subprocess.run([*command, api.url + path], check=True, timeout=30)

    assert file.read_bytes() == content


def test_download__not_yet_complete__is_not_found(client: httpx.Client, segment: str) -> None:
    location = client.post(f"{SEGMENTS}/{segment}/exports").headers["location"]

    assert_refused(client.get(f"{location}/download"), 404, "not_found")


def test_download__file_replaced_or_deleted_since__is_not_found(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    location = client.post(f"{SEGMENTS}/{segment}/exports").headers["location"]
    key = _complete(store, objects, _export(location), b"a\n")
    tag = client.head(f"{location}/download").headers["etag"]
    for replaced in (True, False):
        if replaced:
            objects.put(objects.bucket, key, b"b\n", "text/csv")
        else:
            objects.delete(key)
        for headers in ({}, {"Range": "bytes=0-0"}, {"If-None-Match": tag}):
            reply = client.get(f"{location}/download", headers=headers)
            assert "export again" in assert_refused(reply, 404, "not_found")
        assert client.head(f"{location}/download").status_code == 404


def test_download__environment_deleted_since__is_not_found(
    client: httpx.Client, store: Store, objects: ObjectStore
) -> None:
    environments, key = "/api/v2/projects/default/environments", new_key("gone")
    assert client.post(environments, json={"key": key, "name": key}).status_code == 201
    segments = f"/api/v2/segments/default/{key}"
    body = {"key": "list", "name": "list", "unbounded": True}
    assert client.post(segments, json=body).status_code == 201
    location = client.post(f"{segments}/list/exports").headers["location"]
    ref = JobRef("export", EnvironmentRef("default", key), location.rpartition("/")[2])
    _complete(store, objects, ref, b"a\n")
    assert client.get(f"{location}/download").content == b"a\n"

    assert client.delete(f"{environments}/{key}").status_code == 204

    for path in (location, f"{location}/download"):
        assert_refused(client.get(path), 404, "not_found")


@pytest.mark.parametrize("export_id", ["x", "11111111-1111-4111-8111-111111111111"])
def test_get__unknown_export__is_not_found(
    client: httpx.Client, segment: str, export_id: str
) -> None:
    path = f"{SEGMENTS}/{segment}/exports/{export_id}"

    assert_refused(client.get(path), 404, "not_found")
    assert_refused(client.get(f"{path}/download"), 404, "not_found")
