"""Imports of an upload, which is streamed into the bucket, and what ends or refuses them."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.conftest import UPLOAD_LIMIT_BYTES
from tests.support.clients.imports import LIST, post_list, stored_request, uploaded_keys
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    TOKEN,
    Api,
    assert_refused,
    create_segment,
    wait_for_message,
)
from tests.support.servers.redis import wait_until
from worker.objects import ObjectStore
from worker.store import Store

_HEAD = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


def _read(objects: ObjectStore, key: str) -> bytes:
    info = objects.head(key)
    return b"".join(objects.read_range(info, 0, info.size_bytes))


def test_upload__list_and_mode__is_accepted_with_a_location(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    reply = post_list(client, segment, data={"mode": "replace", "waitOnApprovals": "False"})

    assert reply.status_code == 204
    assert reply.content == b""
    location = reply.headers["location"]
    path, _, import_id = location.rpartition("/")
    assert path == f"{SEGMENTS}/{segment}/imports"
    request = stored_request(store, import_id)
    (source,) = request.sources
    assert (request.mode, source.filename, source.uploaded) == ("replace", "list.csv", True)
    assert source.size_bytes == len(LIST)
    assert _read(objects, source.key) == LIST
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
        reply = post_list(client, segment, data=options)
    else:
        body = {"source": f"s3://{objects.bucket}/lists/a.csv", **options}
        reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    found = client.get(reply.headers["location"]).json()
    assert (found["mode"], found["target"]) == shown
    request = stored_request(store, found["id"])
    assert (request.mode, request.side) == shown


def test_upload__parts_in_another_order_without_a_name__is_accepted(
    client: httpx.Client, store: Store, segment: str
) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + LIST + b"\r\n"
        b'--x\r\nContent-Disposition: form-data; name="mode"\r\n\r\nreplace\r\n--x--\r\n'
    )

    reply = client.post(
        f"{SEGMENTS}/{segment}/imports",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert reply.status_code == 204
    request = stored_request(store, reply.headers["location"].rpartition("/")[2])
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
    request = stored_request(store, reply.headers["location"].rpartition("/")[2])
    assert _read(objects, request.sources[0].key) == rows


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"other": ("list.csv", LIST)}},
        {"files": [("file", ("a", LIST)), ("file", ("b", LIST))]},
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
    assert_refused(post_list(client, segment, **form), 400, "invalid_request")

    assert uploaded_keys(objects, segment) == []
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
        f"{SEGMENTS}/{segment}/imports", content=LIST, headers={"Content-Type": "text/csv"}
    )

    assert_refused(reply, 415, "unsupported_media_type")


def test_upload__longer_than_allowed__is_too_large_and_leaves_nothing(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    just_over = {"file": ("list.csv", b"a" * (UPLOAD_LIMIT_BYTES + 1))}
    far_over = {"file": ("list.csv", b"a" * UPLOAD_LIMIT_BYTES * 20)}

    for files in (just_over, far_over):
        reply = post_list(client, segment, files=files)
        assert f"{UPLOAD_LIMIT_BYTES:,}" in assert_refused(reply, 413, "request_too_large")

    assert uploaded_keys(objects, segment) == []
    as_long_as_allowed = {"file": ("list.csv", b"a" * UPLOAD_LIMIT_BYTES)}
    assert post_list(client, segment, files=as_long_as_allowed).status_code == 204


def test_upload__while_an_import_runs__conflicts_and_leaves_nothing(
    client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    first = post_list(client, segment).headers["location"].rpartition("/")[2]

    message = assert_refused(post_list(client, segment), 409, "optimistic_locking_error")

    assert first in message
    assert len(uploaded_keys(objects, segment)) == 1


def test_upload__another_import_claims_meanwhile__conflicts_and_leaves_nothing(
    api: Api, client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    with _half_sent(api, segment, _HEAD + LIST) as connection:
        other = {"source": f"s3://{objects.bucket}/lists/a.csv"}
        assert client.post(f"{SEGMENTS}/{segment}/imports", json=other).status_code == 202

        connection.sendall(b"9\r\n\r\n--x--\r\n\r\n0\r\n\r\n")
        reply = connection.recv(65_536)

    assert reply.startswith(b"HTTP/1.1 409 ")
    assert uploaded_keys(objects, segment) == []
    assert store.memberships.state(store.segments.get(PRODUCTION, segment).ref).building is not None


def test_upload__client_goes_away__leaves_nothing(
    api: Api, client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    with _half_sent(api, segment, _HEAD + b"a" * 100_000):
        pass

    wait_until(lambda: '"status": 0' in api.log, "the disconnect is noticed")
    assert uploaded_keys(objects, segment) == []
    assert client.get(f"{SEGMENTS}/{segment}").json()["_importInProgress"] is False


def test_import__standard_or_unknown_segment__is_refused(client: httpx.Client) -> None:
    standard = create_segment(client, big=False)

    assert_refused(post_list(client, standard), 400, "invalid_request")
    assert_refused(post_list(client, "no-such"), 404, "not_found")


def test_delete_segment__while_an_import_runs__stops_it_with_the_reason(
    client: httpx.Client, segment: str
) -> None:
    location = post_list(client, segment).headers["location"]

    client.delete(f"{SEGMENTS}/{segment}")

    shown = client.get(location).json()
    assert (shown["status"], shown["reason"]) == ("stopped", "segment deleted")


def _half_sent(api: Api, segment: str, content: bytes) -> socket.socket:
    """Start an upload in chunks, and send its beginning once the API reads it."""
    host, _, port = api.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    head = (
        f"POST {SEGMENTS}/{segment}/imports HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    connection.sendall(head.encode())
    assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")
    connection.sendall(b"%x\r\n" % len(content) + content + b"\r\n")
    return connection
