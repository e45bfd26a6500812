"""Options, lists, files and ends of exports, over the wire."""

import hashlib
import json
from typing import Any, Final

import httpx
import pytest

from tests.support.servers.api import PRODUCTION, SEGMENTS, assert_refused, create_segment
from worker.objects import ObjectStore, export_key
from worker.store import JobRef, Store

ENVIRONMENT: Final = "/api/v2/projects/default/environments/production/exports"
PARTS: Final = (b"a\nb\n", b"c\n")


def _start(client: httpx.Client, segment: str, **options: Any) -> str:
    """Start an export; its path."""
    reply = client.post(f"{SEGMENTS}/{segment}/exports", json=options)
    assert reply.status_code == 200, reply.text
    location: str = reply.headers["location"]
    return location


def _complete(store: Store, objects: ObjectStore, location: str, segment: str) -> None:
    """Do what a worker does at the end of an export of two parts."""
    ref = _ref(location)
    owner = (PRODUCTION.project, PRODUCTION.environment, segment)
    entries = []
    for number, content in enumerate(PARTS, 1):
        key = export_key(owner, ref.job_id, f"try-{number:05d}.csv")
        with objects.open_writer(key) as writer:
            writer.write(content)
        info = writer.close()
        entries.append(
            {
                "url": f"s3://{info.bucket}/{key}",
                "meta": {"content_length": len(content), "record_count": content.count(b"\n")},
                "etag": info.etag,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    key = export_key(owner, ref.job_id, "try-manifest.json")
    document = json.dumps({"entries": entries}).encode()
    objects.put(objects.bucket, key, document, "application/json")
    etag = objects.head(key).etag
    manifest = {"bucket": objects.bucket, "key": key, "sizeBytes": len(document), "etag": etag}
    report = {"rows": 3, "sizeBytes": 6, "files": 2, "revision": 7, "asOf": 5, "manifest": manifest}
    store.jobs.end(ref, "complete", report=report, keep_s=600)


def _ref(location: str) -> JobRef:
    return JobRef("export", PRODUCTION, location.rpartition("/")[2])


@pytest.fixture(scope="module")
def segment(client: httpx.Client) -> str:
    return create_segment(client)


def test_create__with_all_options__shows_them(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    options = {
        "compression": "zstd",
        "side": "both",
        "header": True,
        "profile": "spreadsheet",
        "partRows": 5_000,
        "destination": f"s3://{objects.bucket}/exports/nightly",
    }

    shown = client.get(_start(client, segment, format="csv", **options)).json()

    assert (shown["format"], shown["options"], shown["result"]) == ("csv", options, None)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"format": "parquet", "compression": "gzip"}, "compressed inside"),
        ({"format": "jsonl", "header": True}, "always names its columns"),
        ({"format": "jsonl", "profile": "spreadsheet"}, "no spreadsheet"),
        ({"partRows": 999}, "partRows"),
        ({"side": "neither"}, "side"),
        ({"destination": "s3://elsewhere/exports/"}, "BIGSEG_S3_DESTINATIONS"),
        ({"destination": "s3://BUCKET/exports-of-others/"}, "BIGSEG_S3_DESTINATIONS"),
        ({"destination": "s3://BUCKET/exports/../lists"}, "'..'"),
        ({"destination": "file:///etc"}, "s3://bucket/key"),
        ({"destination": "s3://BUCKET/exports/{date}"}, "for schedules"),
        ({"patrRows": 5_000}, "partRows"),
    ],
    ids=str,
)
def test_create__options_that_cannot_be_meant__are_refused_with_the_reason(
    client: httpx.Client, objects: ObjectStore, segment: str, options: dict[str, Any], fault: str
) -> None:
    body = json.loads(json.dumps(options).replace("BUCKET", objects.bucket))

    reply = client.post(f"{SEGMENTS}/{segment}/exports", json=body)

    assert fault in assert_refused(reply, 400, "invalid_request")


def test_parts__complete_export__are_listed_downloaded_and_linked(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    location = _start(client, segment, partRows=1_000)
    assert_refused(client.get(f"{location}/files"), 404, "not_found")
    _complete(store, objects, location, segment)

    shown = client.get(location).json()
    page = client.get(f"{location}/files", params={"limit": 1, "expiresIn": 60}).json()
    first = page["items"][0]
    rest = client.get(page["_links"]["next"]["href"]).json()["items"]

    assert (shown["result"]["files"], shown["result"]["revision"], shown["rows"]) == (2, 7, 3)
    assert page["totalCount"] == 2
    assert [item["rows"] for item in (first, *rest)] == [2, 1]
    assert first["filename"] == f"{segment}-00001.csv"
    assert first["sha256"] == hashlib.sha256(PARTS[0]).hexdigest()
    unsigned = httpx.get(first["url"])
    assert (unsigned.status_code, unsigned.content) == (200, PARTS[0])
    assert segment in unsigned.headers["content-disposition"]
    assert client.get(rest[0]["download"]).content == PARTS[1]
    assert len(client.get(shown["_links"]["download"]["href"]).json()["entries"]) == 2
    assert "no part 3; it has 2" in assert_refused(
        client.get(f"{location}/download", params={"part": 3}), 404, "not_found"
    )
    for seconds in (0, 604_801):
        reply = client.get(f"{location}/files", params={"expiresIn": seconds})
        assert_refused(reply, 400, "invalid_request")


def test_files__segment_deleted_and_created_again__are_not_shown(
    client: httpx.Client, store: Store, objects: ObjectStore
) -> None:
    segment = create_segment(client)
    location = _start(client, segment, partRows=1_000)
    _complete(store, objects, location, segment)
    shown = [f"{location}/{path}" for path in ("files", "download", "download?part=1")]
    assert [client.get(path).status_code for path in shown] == [200] * 3

    assert client.delete(f"{SEGMENTS}/{segment}").status_code == 204
    body = {"key": segment, "name": "again", "unbounded": True}
    assert client.post(SEGMENTS, json=body).status_code == 201

    for path in shown:
        assert "is deleted" in assert_refused(client.get(path), 404, "not_found")


def test_files__manifest_replaced_by_somebody_else__nothing_that_it_names_is_sent(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    location = _start(client, segment, partRows=1_000)
    _complete(store, objects, location, segment)
    state = store.jobs.get(_ref(location))
    assert state.report is not None
    key = state.report["manifest"]["key"]
    own = objects.read_small(key, bucket=objects.bucket, limit=10_000)
    assert own is not None
    objects.put(objects.bucket, "secret.csv", PARTS[0], "text/csv")
    document = json.loads(own)
    document["entries"][0]["url"] = f"s3://{objects.bucket}/secret.csv"
    objects.put(objects.bucket, key, json.dumps(document).encode(), "application/json")

    for path in ("files?expiresIn=60", "download?part=1", "download"):
        reply = client.get(f"{location}/{path}")
        assert "replaced" in assert_refused(reply, 404, "not_found")


def test_delete__export_that_runs__is_stopped_for_good(client: httpx.Client, segment: str) -> None:
    location = _start(client, segment)

    first, second = client.delete(location), client.delete(location)

    assert (first.status_code, second.status_code) == (200, 200)
    assert (first.json()["status"], first.json()["reason"]) == (
        "stopped",
        "cancelled by admin token",
    )
    assert second.json()["reason"] == first.json()["reason"]
    assert_refused(client.delete(f"{location[:-1]}x"), 404, "not_found")


def test_delete__export_that_is_complete__stays_on_record_without_files(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    location = _start(client, segment, partRows=1_000)
    _complete(store, objects, location, segment)

    replies = [client.delete(location).json() for _ in range(2)]

    assert [(reply["status"], reply["result"]["deleted"]) for reply in replies] == [
        ("complete", True)
    ] * 2
    for path in ("files", "download"):
        assert "export again" in assert_refused(client.get(f"{location}/{path}"), 404, "not_found")
    assert _ref(location) in store.export_files.expired(1)


def test_list__of_a_segment_and_of_its_environment__has_what_matches(
    client: httpx.Client,
) -> None:
    one, other = create_segment(client), create_segment(client)
    csv, parquet = _start(client, one), _start(client, one, format="parquet")
    elsewhere = _start(client, other)
    client.delete(csv)

    def listed(path: str, **query: Any) -> list[str]:
        page = client.get(path, params=query).json()
        return [item["_links"]["self"]["href"] for item in page["items"]]

    own = f"{SEGMENTS}/{one}/exports"
    assert listed(own) == [parquet, csv]
    assert listed(own, limit=1, offset=1) == [csv]
    assert listed(own, filter='status equals "stopped"') == [csv]
    assert listed(own, filter='format anyOf ["parquet"]') == [parquet]
    assert listed(own, filter='initiator equals "nobody"') == []
    for term, meant in (('status equals "done"', "statuses"), ('format anyOf ["xml"]', "formats")):
        wrong = client.get(own, params={"filter": term})
        assert meant in assert_refused(wrong, 400, "invalid_request")
    assert listed(own, before=client.get(csv).json()["creationTime"]) == []
    assert listed(ENVIRONMENT, limit=3) == [elsewhere, parquet, csv]
    assert client.get(own).json()["items"][0] == client.get(parquet).json()
