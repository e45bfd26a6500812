"""Imports over the wire: uploads streamed into S3, lists already there, and their state."""

import socket
from collections.abc import Iterator
from typing import Any, Final

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
from worker.guard_options import GuardOptions
from worker.list_options import ListOptions
from worker.objects import INTERNAL_PREFIX, ObjectStore
from worker.store import ImportRequest, JobRef, Store

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


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, ("merge", "included")),
        ({"mode": "", "target": ""}, ("merge", "included")),
        ({"mode": "remove", "target": "included"}, ("remove", "included")),
        ({"mode": "replace", "target": "excluded"}, ("replace", "excluded")),
    ],
)
@pytest.mark.parametrize("as_form", [True, False])
def test_import__mode_and_target__are_of_the_request_and_shown(
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    segment: str,
    options: dict[str, str],
    shown: tuple[str, str],
    *,
    as_form: bool,
) -> None:
    if as_form:
        reply = _upload(client, segment, data=options)
    else:
        body = {"source": f"s3://{objects.bucket}/lists/a.csv", **options}
        reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    found = client.get(reply.headers["location"]).json()
    assert (found["mode"], found["target"]) == shown
    request = _request_of(store, found["id"])
    assert (request.mode, request.side) == shown


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
        {"data": {"target": "both"}},
        {"data": {"waitOnApprovals": "maybe"}},
        {"data": {"allowEmpty": "maybe"}},
        {"data": {"allowRejected": "maybe"}},
        {"data": {"allowShrink": "maybe"}},
        {"data": {"dryRun": "maybe"}},
        {"data": {"dryRun": "true", "waitOnApprovals": "true"}},
        {"data": {"onGuard": "accept"}},
        {"data": {"onWarning": "ignore"}},
        {"data": {"maxRejectedShare": "1.1"}},
        {"data": {"maxShrinkShare": "-0.1"}},
        {"data": {"maxGrowthShare": "inf"}},
        {"data": {"maxWarningShare": "nan"}},
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
    assert [file["filename"] for file in shown["files"]] == ["a b.csv"]
    request = _request_of(store, shown["id"])
    assert request.allow_empty
    (source,) = request.sources
    assert (source.bucket, source.key, source.uploaded) == (
        objects.bucket,
        "lists/2026/a b.csv",
        False,
    )


_FLAGS: Final = {
    "allowRejected": "allow_rejected",
    "allowShrink": "allow_shrink",
    "allowEmpty": "allow_empty",
    "allowErased": "allow_erased",
}


@pytest.mark.parametrize("as_form", [True, False])
@pytest.mark.parametrize("flag", [None, *_FLAGS])
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
    overridden = [name for name, of in _FLAGS.items() if getattr(request, of)]
    assert overridden == ([flag] if flag else [])


_GUARDS: Final = {
    "onGuard": "stop",
    "onWarning": "pend",
    "maxRejectedShare": 0,
    "maxWarningShare": 0.5,
    "maxShrinkShare": 1,
    "maxGrowthShare": 2.5,
}


@pytest.mark.parametrize("as_form", [True, False])
@pytest.mark.parametrize("given", [True, False])
def test_import__what_is_said_of_the_guards__is_part_of_the_request(
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    segment: str,
    *,
    given: bool,
    as_form: bool,
) -> None:
    if as_form:
        text = {name: str(value) if given else "" for name, value in _GUARDS.items()}
        reply = _upload(client, segment, data={**text, "dryRun": str(given)})
    else:
        said = {**_GUARDS, "dryRun": True} if given else dict.fromkeys(_GUARDS)
        body = {"source": f"s3://{objects.bucket}/lists/a", **said}
        reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    import_id = reply.headers["location"].rpartition("/")[2]
    request = _request_of(store, import_id)
    expected = GuardOptions("stop", "pend", 0, 0.5, 1, 2.5) if given else GuardOptions()
    assert (request.guards, request.dry_run) == (expected, given)
    no_preview = client.get(f"{SEGMENTS}/{segment}/imports/{import_id}/preview")
    assert "has no preview: it is ready" in assert_refused(no_preview, 404, "not_found")
    entries = client.get(
        "/api/v2/auditlog", params={"limit": 1, "spec": f"proj/*:env/*:segment/{segment}"}
    ).json()["items"]
    assert ("import" in entries[0]["titleVerb"]) is not given, "a dry run changes nothing"


_READING: Final = {
    "format": "csv",
    "delimiter": ";",
    "header": True,
    "column": 2,
    "compression": "gzip",
    "encoding": "windows-1252",
    "trim": True,
    "lowercase": True,
    "nullText": "NULL",
}


@pytest.mark.parametrize("as_form", [True, False])
def test_import__how_its_list_is_read__is_part_of_the_request(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str, *, as_form: bool
) -> None:
    if as_form:
        fields = {name: str(value) for name, value in _READING.items()}
        reply = _upload(client, segment, data=fields)
    else:
        body = {"source": f"s3://{objects.bucket}/lists/a"} | _READING
        reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    request = _request_of(store, reply.headers["location"].rpartition("/")[2])
    assert request.reading == ListOptions(
        format="csv",
        delimiter="semicolon",
        header=True,
        column="2",
        compression="gzip",
        encoding="windows-1252",
        trim=True,
        lowercase=True,
        null_text="NULL",
    )


def test_import__null_or_empty_options__are_left_out(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    body = {"source": f"s3://{objects.bucket}/lists/a"} | dict.fromkeys(_READING)

    reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    request = _request_of(store, reply.headers["location"].rpartition("/")[2])
    assert request.reading == ListOptions()
    other = create_segment(client)
    reply = _upload(client, other, data=dict.fromkeys(_READING, ""))
    request = _request_of(store, reply.headers["location"].rpartition("/")[2])
    assert request.reading == ListOptions()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"format": "orc"}, "format"),
        ({"delimiter": "#"}, "delimiter"),
        ({"column": "0"}, "columns are counted from 1"),
        ({"column": "x" * 201}, "column"),
        ({"column": "id", "header": "false"}, "found by its name in the header"),
        ({"format": "parquet", "encoding": "latin-1"}, "format parquet has none"),
        ({"format": "tsv", "delimiter": "comma"}, "separated by tabs"),
        ({"trim": "perhaps"}, "use true or false"),
    ],
)
def test_import__how_no_list_is_read__refused_and_nothing_is_left(
    client: httpx.Client, objects: ObjectStore, segment: str, fields: dict[str, str], said: str
) -> None:
    body = {"source": f"s3://{objects.bucket}/lists/a"} | fields

    from_form = assert_refused(_upload(client, segment, data=fields), 400, "invalid_request")
    reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)
    from_json = assert_refused(reply, 400, "invalid_request")

    assert said in from_form
    assert said in from_json
    assert _uploads(objects, segment) == []


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
