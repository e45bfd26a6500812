"""Sources in S3: accepted, or refused at once with what to do if no import can read them."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import httpx
import pytest

from tests.support.clients.imports import LIST, post_list, stored_request, uploaded_keys
from tests.support.servers.api import PRODUCTION, SEGMENTS, assert_refused, create_segment
from tests.support.servers.objects import ObjectServer
from worker.objects import INTERNAL_PREFIX, ObjectStore
from worker.store import Store


@pytest.fixture(scope="module")
def s3(s3_stand_in: ObjectServer, objects: ObjectStore) -> Iterator[Any]:
    """A client of the bucket, which puts what a writer of ours would not."""
    assert objects.bucket
    client = boto3.client("s3", endpoint_url=s3_stand_in.endpoint, region_name="us-east-1")
    with closing(client):
        yield client


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


def _import(client: httpx.Client, segment: str, bucket: str, key: str) -> httpx.Response:
    body = {"source": f"s3://{bucket}/{key}", "mode": "merge"}
    return client.post(f"{SEGMENTS}/{segment}/imports", json=body)


def _refused(reply: httpx.Response, store: Store, segment: str) -> str:
    """The refusal's message; nothing was started."""
    message = assert_refused(reply, 400, "invalid_request")
    listed = store.imports.newest(store.segments.get(PRODUCTION, segment).ref)
    assert listed == []
    return message


def test_source__archived__says_restore_it_first(
    client: httpx.Client, store: Store, segment: str, bucket: str, s3: Any
) -> None:
    key = "lists/archived.csv"
    s3.put_object(Bucket=bucket, Key=key, Body=b"a\n", StorageClass="GLACIER")

    message = _refused(_import(client, segment, bucket, key), store, segment)

    assert message == f"cannot read s3://{bucket}/{key}: it is archived (GLACIER); restore it first"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("lists/my+list+%281%29.csv", "lists/my list (1).csv"),
        ("lists/a%2Bb.csv", "lists/a+b.csv"),
        ("lists/a+b%20c.csv", "lists/a+b c.csv"),
        ("lists/caf%C3%A9.csv", "lists/café.csv"),
    ],
)
def test_source__key_of_an_event__names_the_decoded_one_that_exists(
    client: httpx.Client, store: Store, segment: str, bucket: str, s3: Any, sent: str, stored: str
) -> None:
    s3.put_object(Bucket=bucket, Key=stored, Body=b"a\n")

    message = _refused(_import(client, segment, bucket, sent), store, segment)

    assert f"but there is s3://{bucket}/{stored}: keys in S3 event notifications" in message


def test_source__key_that_looks_encoded_and_exists__is_imported(
    client: httpx.Client, segment: str, bucket: str, s3: Any
) -> None:
    for key in ("lists/100%25+1.csv", "lists/100%+1.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"a\n")

    assert _import(client, segment, bucket, "lists/100%25+1.csv").status_code == 202


def test_source__decoded_key_out_of_the_allowed_prefix__is_not_told_of(
    client: httpx.Client, segment: str, bucket: str, s3: Any
) -> None:
    for key in ("secret/a b.csv", "lists/../secret/a b.csv", "bigseg-internal/a b.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"a\n")

    reply = _import(client, segment, bucket, "lists/%2E%2E/secret/a+b.csv")

    assert reply.status_code == 202  # as for any list that is not there yet


def test_source__mark_of_a_folder__is_none(
    client: httpx.Client, store: Store, segment: str, bucket: str, s3: Any
) -> None:
    key = "lists/run8_$folder$"
    s3.put_object(Bucket=bucket, Key=key)

    message = _refused(_import(client, segment, bucket, key), store, segment)

    assert message == f"s3://{bucket}/{key} is a folder, not a list: name a file in it"


@pytest.mark.parametrize(
    ("content", "options", "fault"),
    [
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", {}, "export the sheet as CSV"),
        (b"%PDF-1.7\n", {}, "a PDF document, not a list; write the keys as text"),
        (b"%PDF-1.7\n", {"format": "csv"}, None),
        (b"\x89PNG\r\n\x1a\n", {"format": "csv"}, "an image"),
        (b'["a","b"]', {}, "the file is JSON, not a list"),
        (b'{"a":1}\n', {}, None),
        (b"\x1f\x8b\x08\x00", {}, None),
        (b"PK\n{\n<\n", {}, None),
    ],
)
def test_source__no_list__is_refused_by_name_before_anything_starts(
    client: httpx.Client,
    segment: str,
    bucket: str,
    s3: Any,
    content: bytes,
    options: dict[str, str],
    fault: str | None,
) -> None:
    s3.put_object(Bucket=bucket, Key="lists/no-list", Body=content)
    body = {"source": f"s3://{bucket}/lists/no-list", **options}
    imports = f"{SEGMENTS}/{segment}/imports"

    sent = client.post(imports, json=body)
    uploaded = client.post(
        f"{SEGMENTS}/{create_segment(client)}/imports", files={"file": content}, data=options
    )

    for reply in (sent, uploaded):
        if fault is None:
            assert reply.is_success
        else:
            assert fault in assert_refused(reply, 400, "invalid_request")


def test_source__missing_or_empty_list__is_the_import_s_to_tell(
    client: httpx.Client, bucket: str, s3: Any
) -> None:
    s3.put_object(Bucket=bucket, Key="lists/empty.csv")
    for key in ("lists/not-there.csv", "lists/empty.csv"):
        assert _import(client, create_segment(client), bucket, key).status_code == 202


@pytest.mark.parametrize("path", ["uploads/x", "exports/x"])
def test_source__inside_our_own_prefix__is_an_invalid_request(
    client: httpx.Client, objects: ObjectStore, segment: str, path: str
) -> None:
    body = {"source": f"s3://{objects.bucket}/{INTERNAL_PREFIX}{path}"}

    reply = client.post(f"{SEGMENTS}/{segment}/imports/from-source", json=body)

    assert_refused(reply, 400, "invalid_request")


def _start(client: httpx.Client, segment: str, **body: Any) -> httpx.Response:
    return client.post(f"{SEGMENTS}/{segment}/imports/from-source", json=body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"source": "lists/empty/"}, "names no object that could be a list"),
        ({"source": "lists/p/*.parquet"}, "names no object that could be a list"),
        ({"source": "lists/p/_*"}, "names no object that could be a list"),
        ({"source": "lists/p"}, "to import all of it, write the / behind it"),
        ({"source": "list*"}, "is not below an allowed prefix"),
        ({"source": "**"}, "is not below an allowed prefix"),
        ({"source": "bigseg-internal/"}, "is inside bigseg's own prefix"),
        ({"source": "lists/../*"}, "'..' in it"),
        ({"sources": ["lists/p/", "lists/none/"]}, "lists/none/ names no object"),
        ({"sources": ["lists/p/**"] * 2 + ["lists/many/"]}, "over 20 objects are named"),
        ({"manifest": "lists/m/none"}, "there is no manifest"),
        ({"manifest": "lists/m/outside"}, "is not below an allowed prefix"),
        ({"manifest": "lists/m/no-json"}, "is not of Redshift's form"),
        ({"manifest": "lists/m/no-address"}, "entry 2 of the manifest .* is no s3:// address"),
        ({"manifest": "lists/m/empty"}, "names no object"),
        ({"manifest": "lists/m/both"}, "export each side"),
        ({"manifest": "lists/m/long"}, "over 20 objects are named"),
        ({"sources": []}, "sources"),
        ({"source": "lists/a", "manifest": "lists/m"}, "exactly one of"),
        ({}, "exactly one of"),
    ],
)
def test_sources__that_can_be_no_import__are_refused_at_the_request(
    client: httpx.Client,
    store: Store,
    segment: str,
    bucket: str,
    s3: Any,
    body: dict[str, Any],
    reason: str,
) -> None:
    lists = f"s3://{bucket}/lists"
    contents = {
        **{f"lists/many/{number}": "a" for number in range(20)},
        "lists/empty/_SUCCESS": "x",
        "lists/p/a.csv": "a",
        "lists/p/_SUCCESS": "",
        "lists/m/outside": f"{lists}/p/a.csv\ns3://{bucket}/secret/a.csv",
        "lists/m/no-json": '{"entry": []}',
        "lists/m/no-address": f"{lists}/p/a.csv\np/a.csv",
        "lists/m/empty": "\n",
        "lists/m/both": '{"entries": [], "export": {"side": "both"}}',
        "lists/m/long": "".join(f"{lists}/{number}\n" for number in range(21)),
    }
    key = next(iter(body.values()), "")
    for name in (
        contents if isinstance(key, list) else [name for name in contents if key[:8] in name]
    ):
        s3.put_object(Bucket=bucket, Key=name, Body=contents[name].encode())
    named = {
        name: [f"s3://{bucket}/{each}" for each in value]
        if isinstance(value, list)
        else f"s3://{bucket}/{value}"
        for name, value in body.items()
    }

    message = _refused(_start(client, segment, **named), store, segment)

    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(message)


def test_sources__several__are_one_import(
    client: httpx.Client, store: Store, segment: str, bucket: str, s3: Any
) -> None:
    for name in ("lists/one/a*", "lists/one/b"):
        s3.put_object(Bucket=bucket, Key=name, Body=b"a")
    named = [f"s3://{bucket}/lists/one/{name}" for name in ("a*", "b", "")]

    reply = _start(client, segment, sources=named)

    assert reply.status_code == 202, reply.text
    shown = reply.json()
    assert [file["filename"] for file in shown["files"]] == named
    assert shown["filesTotal"] == 3
    request = stored_request(store, shown["id"])
    assert [source.kind for source in request.sources] == ["glob", "object", "prefix"]
    page = client.get(f"{reply.headers['location']}/files", params={"limit": 2, "offset": 1}).json()
    assert [file["filename"] for file in page["items"]] == named[1:]
    assert page["totalCount"] == 3
    assert page["_links"]["first"]["href"].endswith("/files?limit=2")


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
    assert [file["filename"] for file in shown["files"]] == ["a b.csv"]
    request = stored_request(store, shown["id"])
    assert request.allow_empty
    (source,) = request.sources
    assert (source.bucket, source.key, source.uploaded) == (
        objects.bucket,
        "lists/2026/a b.csv",
        False,
    )


def test_source__without_one_or_with_a_file__is_refused_in_a_sentence(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    path = f"{SEGMENTS}/{segment}/imports/from-source"

    empty = assert_refused(client.post(path), 400, "invalid_request")
    nowhere = assert_refused(client.post(path, json={"mode": "merge"}), 400, "invalid_request")
    form = client.post(path, files={"file": ("list.csv", LIST)})

    assert "send JSON" in empty
    assert "source" in nowhere
    assert "application/json" in assert_refused(form, 415, "unsupported_media_type")
    assert uploaded_keys(objects, segment) == []


def test_source__while_an_import_runs__conflicts(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    running = post_list(client, segment).headers["location"].rpartition("/")[2]
    body = {"source": f"s3://{objects.bucket}/lists/a.csv"}

    reply = client.post(f"{SEGMENTS}/{segment}/imports/from-source", json=body)

    assert running in assert_refused(reply, 409, "optimistic_locking_error")
