"""Direct uploads over the wire: parts to the bucket, one file, one import, and what is refused."""

import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.contract.conftest import DIRECT_LIMIT_BYTES, OPEN_UPLOADS, PART_BYTES
from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    Api,
    assert_refused,
    create_segment,
)
from tests.support.servers.objects import list_objects
from tests.support.servers.vercel import SEGMENTS as FLAG_SEGMENTS
from tests.support.vercel.lists import list_path
from tests.support.vercel.segments import create as create_flag_segment
from worker.objects import ObjectStore
from worker.store import ImportRequest, JobRef, Store

_LIST = b"ada\nbob\n"
_CONFLICT = "optimistic_locking_error"


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


@pytest.fixture
def uploads(client: httpx.Client, segment: str) -> Iterator[str]:
    """The path of a new segment's uploads; what is left of them is deleted."""
    path = f"{SEGMENTS}/{segment}/uploads"
    yield path
    reply = client.get(path)
    for item in reply.json()["items"] if reply.is_success else ():
        client.delete(f"{path}/{item['id']}")


def _start(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    reply = client.post(path, json={"filename": "list.csv", **body})
    assert reply.status_code == 201, reply.text
    started: dict[str, Any] = reply.json()
    assert reply.headers["location"] == f"{path}/{started['id']}"
    return started


def _put(started: dict[str, Any], number: int, content: bytes) -> None:
    (url,) = [part["url"] for part in started["urls"]["parts"] if part["number"] == number]
    assert httpx.put(url, content=content).status_code == 200


def _completed(client: httpx.Client, path: str, content: bytes = _LIST) -> str:
    started = _start(client, path, sizeBytes=len(content))
    _put(started, 1, content)
    reply = client.post(f"{path}/{started['id']}/complete")
    assert reply.status_code == 200, reply.text
    assert reply.json()["status"] == "complete"
    return str(started["id"])


def _import(client: httpx.Client, segment: str, *ids: str, **fields: Any) -> httpx.Response:
    return client.post(f"{SEGMENTS}/{segment}/imports", json={"uploads": ids, **fields})


def test_upload__in_two_parts__becomes_one_import(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str, uploads: str
) -> None:
    size = PART_BYTES + len(_LIST)
    started = _start(client, uploads, sizeBytes=size, fingerprint="f1")
    path = f"{uploads}/{started['id']}"
    assert (started["partBytes"], started["partCount"], started["maxBytes"]) == (
        PART_BYTES,
        2,
        size,
    )
    sizes = [(part["number"], part["sizeBytes"]) for part in started["urls"]["parts"]]
    assert sizes == [(1, PART_BYTES), (2, len(_LIST))]

    _put(started, 2, _LIST)
    assert client.get(path).json()["received"] == [{"first": 2, "last": 2}]
    said = assert_refused(client.post(f"{path}/complete"), 409, _CONFLICT)
    assert said.endswith("is not complete: part 1 has not arrived")
    assert_refused(_import(client, segment, started["id"]), 409, _CONFLICT)
    _put(started, 1, b"k\n" * (PART_BYTES // 2))
    shown = client.get(path).json()
    assert (shown["received"], shown["receivedBytes"]) == ([{"first": 1, "last": 2}], size)

    first, again = (client.post(f"{path}/complete") for _ in range(2))

    assert first.status_code == 200, first.text
    assert first.json() == again.json()
    assert_refused(client.get(f"{path}/parts"), 409, _CONFLICT)
    assert client.get(uploads, params={"fingerprint": "f1"}).json()["items"] == [first.json()]
    assert client.get(uploads, params={"fingerprint": "f2"}).json()["items"] == []

    reply = _import(client, segment, started["id"], mode="replace")

    assert reply.status_code == 202, reply.text
    request = store.jobs.request(JobRef("import", PRODUCTION, reply.json()["id"]))
    assert isinstance(request, ImportRequest)
    (source,) = request.sources
    assert (source.filename, source.uploaded, source.size_bytes) == ("list.csv", True, size)
    assert objects.head(source.key).etag == source.etag
    assert_refused(client.get(path), 404, "not_found")
    assert_refused(_import(client, segment, started["id"]), 409, _CONFLICT)


def test_url__of_a_part__names_this_part_and_its_length_only(
    client: httpx.Client, objects: ObjectStore, segment: str, uploads: str
) -> None:
    started = _start(client, uploads, sizeBytes=7 * PART_BYTES)

    reply = client.get(f"{uploads}/{started['id']}/parts", params={"from": 3, "count": 2})

    assert [part["number"] for part in reply.json()["parts"]] == [3, 4]
    for part in reply.json()["parts"]:
        address = urlsplit(part["url"])
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        key = f"bigseg-internal/uploads/default/production/{segment}/{started['id']}"
        assert address.path == f"/{objects.bucket}/{key}"
        assert (query["partNumber"], query["X-Amz-Expires"]) == (str(part["number"]), "3600")
        assert query["X-Amz-SignedHeaders"] == "content-length;host"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"from": 3}, "has no part 3: it has 2 at most"),
        ({"from": 0}, "from"),
        ({"count": 101}, "count"),
        ({"from": 10_001}, "from"),
        ({"bytes": 1, "count": 1}, "bytes is for uploads without sizeBytes"),
    ],
)
def test_parts__that_there_are_not__are_refused(
    client: httpx.Client, uploads: str, query: dict[str, int], said: str
) -> None:
    started = _start(client, uploads, sizeBytes=PART_BYTES + 1)

    reply = client.get(f"{uploads}/{started['id']}/parts", params=query)

    assert said in assert_refused(reply, 400, "invalid_request")


def test_upload__of_unknown_size__ends_with_the_part_that_says_so(
    client: httpx.Client, segment: str, uploads: str
) -> None:
    started = _start(client, uploads)
    assert (started["sizeBytes"], started["partCount"]) == (None, None)
    assert started["maxBytes"] == 10_000 * PART_BYTES
    path = f"{uploads}/{started['id']}"
    said = assert_refused(client.post(f"{path}/complete"), 409, _CONFLICT)
    assert said.startswith("no part of upload")
    too_long = {"count": 1, "bytes": PART_BYTES + 1}
    assert_refused(client.get(f"{path}/parts", params=too_long), 400, "invalid_request")
    (part,) = client.get(f"{path}/parts", params={"count": 1, "bytes": 8}).json()["parts"]
    assert part["sizeBytes"] == 8
    assert httpx.put(part["url"], content=_LIST).is_success

    reply = client.post(f"{path}/complete")

    assert (reply.status_code, reply.json()["sizeBytes"]) == (200, 8), reply.text
    assert _import(client, segment, started["id"]).status_code == 202


@pytest.mark.parametrize(
    ("size", "sent", "said"),
    [
        (9, {1: 8}, "part 1 has the wrong length"),
        (7, {1: 8}, "part 1 has the wrong length"),
        (PART_BYTES + 9, {1: 8, 2: 9}, "part 1 has the wrong length"),
        (3 * PART_BYTES, {2: 8}, "parts 1, 3 have not arrived"),
        (None, {1: 8, 2: 8}, "part 1 has the wrong length"),
        (None, {2: 8}, "part 1 has not arrived"),
    ],
)
def test_complete__what_was_sent_is_not_what_was_announced__is_refused(
    client: httpx.Client, uploads: str, size: int | None, sent: dict[int, int], said: str
) -> None:
    started = _start(client, uploads, **({} if size is None else {"sizeBytes": size}))
    for number, count in sent.items():
        _put(started, number, b"k" * count)

    reply = client.post(f"{uploads}/{started['id']}/complete")

    assert said in assert_refused(reply, 409, _CONFLICT)
    wrong = client.get(f"{uploads}/{started['id']}").json()["received"]
    assert size is None or {"first": 1, "last": 1} not in wrong


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"filename": "../../etc/passwd"}, "filename"),
        ({"filename": "a\\b"}, "filename"),
        ({"filename": "a\nb"}, "filename"),
        ({"filename": ""}, "filename"),
        ({"filename": "f" * 256}, "filename"),
        ({"sizeBytes": 8}, "filename"),
        ({"filename": "f", "sizeBytes": -1}, "sizeBytes"),
        ({"filename": "f", "sizeBytes": "8"}, "sizeBytes"),
        ({"filename": "f", "sizeBytes": 8.5}, "sizeBytes"),
        ({"filename": "f", "sha256": "0"}, "sha256"),
        ({"filename": "f", "key": "lists/a.csv"}, "key"),
    ],
)
def test_start__of_what_is_no_file__is_refused(
    client: httpx.Client, uploads: str, body: dict[str, Any], said: str
) -> None:
    assert said in assert_refused(client.post(uploads, json=body), 400, "invalid_request")
    assert client.get(uploads).json()["items"] == []


def test_start__of_a_large_file__takes_larger_parts_up_to_the_limit(
    client: httpx.Client, uploads: str
) -> None:
    started = _start(client, uploads, sizeBytes=DIRECT_LIMIT_BYTES)
    assert started["partBytes"] == PART_BYTES + 1024 * 1024
    assert started["partCount"] <= 10_000

    body = {"filename": "f", "sizeBytes": DIRECT_LIMIT_BYTES + 1}
    assert_refused(client.post(uploads, json=body), 413, "request_too_large")


def test_upload__of_another_list__is_not_there(
    client: httpx.Client, vercel: httpx.Client, segment: str, uploads: str
) -> None:
    other = create_segment(client)
    own = _completed(client, uploads)
    path = f"{SEGMENTS}/{other}/uploads/{own}"
    for reply in (
        client.get(path),
        client.get(f"{path}/parts"),
        client.post(f"{path}/complete"),
        client.delete(path),
        _import(client, other, own),
        client.get(f"{uploads}/{uuid.uuid4()}"),
        client.get(f"{uploads}/..%2F{own}"),
        client.get(f"{uploads}/none"),
    ):
        assert_refused(reply, 404, "not_found")
    listed = vercel.put(
        f"{list_path(create_flag_segment(vercel)['slug'])}/imports", json={"uploads": [own]}
    )
    assert listed.status_code == 404, listed.text

    assert client.delete(f"{SEGMENTS}/{segment}").status_code == 204
    create_segment(client, segment)  # the same key, and another segment
    assert_refused(client.get(f"{uploads}/{own}"), 404, "not_found")


def test_upload__by_a_token_that_may_not_import__is_refused(
    api: Api, client: httpx.Client, segment: str, uploads: str
) -> None:
    own = _start(client, uploads)["id"]
    body = {"name": "reads", "role": "reader"}
    with api.client(client.post("/api/v2/tokens", json=body).json()["token"]) as reader:
        assert reader.get(f"{uploads}/{own}").status_code == 200
        for reply in (
            reader.post(uploads, json={"filename": "f"}),
            reader.get(f"{uploads}/{own}/parts"),
            reader.post(f"{uploads}/{own}/complete"),
            reader.delete(f"{uploads}/{own}"),
            _import(reader, segment, own),
        ):
            assert_refused(reply, 403, "forbidden")


@pytest.mark.parametrize("ids", [[], ["x"], [str(uuid.UUID(int=1))] * 2, "x", None])
def test_import__of_what_names_no_uploads__is_refused(
    client: httpx.Client, segment: str, ids: object
) -> None:
    for operation in ("imports", "imports/from-uploads"):
        reply = client.post(f"{SEGMENTS}/{segment}/{operation}", json={"uploads": ids})
        assert_refused(reply, 400, "invalid_request")
    both = {"uploads": [str(uuid.UUID(int=1))], "source": "s3://b/k"}
    reply = client.post(f"{SEGMENTS}/{segment}/imports", json=both)
    assert_refused(reply, 400, "invalid_request")


def test_import__refused__gives_the_uploads_back(
    client: httpx.Client, store: Store, segment: str, uploads: str
) -> None:
    running, later = _completed(client, uploads), _completed(client, uploads)
    headers = {"Idempotency-Key": "once"}
    path = f"{SEGMENTS}/{segment}/imports/from-uploads"
    first = client.post(path, json={"uploads": [running]}, headers=headers)
    assert first.status_code == 202, first.text
    assert_refused(_import(client, segment, later), 409, _CONFLICT)
    unknown = str(uuid.uuid4())
    store.builds.cancel(
        store.jobs.request(JobRef("import", PRODUCTION, first.json()["id"])).list_ref,
        first.json()["id"],
    )
    assert_refused(_import(client, segment, later, unknown), 404, "not_found")

    repeated = client.post(path, json={"uploads": [running]}, headers=headers)

    assert repeated.json()["id"] == first.json()["id"]
    assert client.get(f"{uploads}/{later}").json()["status"] == "complete"
    assert _import(client, segment, later).status_code == 202


def test_delete__upload__leaves_nothing(
    client: httpx.Client, objects: ObjectStore, segment: str, uploads: str
) -> None:
    started, complete = _start(client, uploads, sizeBytes=8), _completed(client, uploads)
    _put(started, 1, _LIST)

    for upload_id in (started["id"], complete):
        assert client.delete(f"{uploads}/{upload_id}").status_code == 204
        assert_refused(client.delete(f"{uploads}/{upload_id}"), 404, "not_found")

    prefix = f"bigseg-internal/uploads/default/production/{segment}/"
    assert list_objects(objects, prefix) == []
    assert objects.abort_uploads(prefix) == 0
    late = httpx.put(started["urls"]["parts"][0]["url"], content=_LIST)
    assert not late.is_success


def test_start__over_the_most__is_refused_until_some_are_gone(client: httpx.Client) -> None:
    environment = f"uploads-{uuid.uuid4().hex[:8]}"
    environments = "/api/v2/projects/default/environments"
    body = {"key": environment, "name": "E", "color": "000000"}
    assert client.post(environments, json=body).status_code == 201
    segments = f"/api/v2/segments/default/{environment}"
    created = client.post(segments, json={"key": "s", "name": "S", "unbounded": True})
    assert created.status_code == 201, created.text
    path = f"{segments}/s/uploads"
    ids = [_start(client, path)["id"] for _ in range(OPEN_UPLOADS)]

    said = assert_refused(client.post(path, json={"filename": "f"}), 409, _CONFLICT)

    assert f"{OPEN_UPLOADS} uploads of this environment are open" in said
    assert len(client.get(path).json()["items"]) == OPEN_UPLOADS
    assert client.delete(f"{path}/{ids[0]}").status_code == 204
    assert client.post(path, json={"filename": "f"}).status_code == 201
    assert client.delete(f"{environments}/{environment}").status_code == 204


def test_upload__for_a_list_that_is_not_attached_yet__attaches_it_with_its_import(
    vercel: httpx.Client,
) -> None:
    slug = create_flag_segment(vercel)["slug"]
    path = f"{list_path(slug)}/uploads"
    upload_id = _completed(vercel, path)
    assert vercel.get(f"{FLAG_SEGMENTS}/{slug}/lists").json()["data"] == []
    other = f"{list_path(slug, 'exclude/user/id')}/uploads/{upload_id}"
    assert vercel.get(other).status_code == 404

    reply = vercel.put(f"{list_path(slug)}/imports", json={"uploads": [upload_id]})

    assert reply.status_code == 202, reply.text
    assert reply.json()["files"][0]["filename"] == "list.csv"
    assert vercel.get(f"{path}/{upload_id}").status_code == 404
