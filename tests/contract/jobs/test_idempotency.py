"""Starts that are sent again: with an idempotency key they get the first answer, once."""

import socket
from typing import Any

import httpx
import pytest

from tests.support.servers.api import (
    PRODUCTION,
    SEGMENTS,
    TOKEN,
    Api,
    assert_refused,
    create_segment,
)
from tests.support.servers.objects import list_objects
from tests.support.servers.redis import wait_until
from tests.support.store.building import build, publish
from tests.support.store.jobs import jobs_of
from worker.objects import INTERNAL_PREFIX, ObjectStore
from worker.store import JobRef, Store
from worker.store.jobs.requests import KEPT_MS, RequestRecord, digest_of

_TWO = b"k-one\nk-two\n"
_KEY = {"Idempotency-Key": "k1"}
_HEAD = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
_TAIL = b"\r\n--x--\r\n"


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


def _import(
    client: httpx.Client,
    segment: str,
    content: bytes = _TWO,
    headers: dict[str, str] | None = None,
    **data: Any,
) -> httpx.Response:
    return client.post(
        f"{SEGMENTS}/{segment}/imports",
        data={"mode": "replace"} | data,
        files={"file": ("two.csv", content)},
        headers=_KEY if headers is None else headers,
    )


def _accepted(reply: httpx.Response) -> JobRef:
    assert reply.status_code == 204, reply.text
    return JobRef("import", PRODUCTION, reply.headers["location"].rpartition("/")[2])


def _jobs(store: Store, segment: str) -> set[str]:
    """The imports and exports of a segment that have not been tidied up."""
    return {one.request.ref.job_id for one in jobs_of(store, segment)}


def _uploads(objects: ObjectStore, segment: str) -> list[str]:
    prefix = f"{INTERNAL_PREFIX}uploads/default/production/{segment}/"
    return [info.key for info in list_objects(objects, prefix)]


def _publish(store: Store, ref: JobRef, keys: list[str]) -> None:
    """Do a worker's part of an import."""
    lists = store.jobs.get(ref).request.list_ref
    publish(store, lists, ref.job_id, build(store, lists, ref.job_id, keys))
    store.jobs.end(ref, "complete", keep_s=600)
    store.jobs.forget(ref)


def _name(store: Store, segment: str, kind: str = "import", caller: str = "admin") -> str:
    ref = store.segments.get(PRODUCTION, segment).ref
    return digest_of(kind, ref.project, ref.environment, ref.name, caller, "k1")


def test_upload__sent_again__gets_the_first_answer_and_starts_nothing(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    first = _import(client, segment)
    ref = _accepted(first)

    while_it_runs = _import(client, segment)
    _publish(store, ref, ["k-one", "k-two"])
    edit = {"included": {"add": ["k-3"]}}
    assert client.post(f"{SEGMENTS}/{segment}/contexts", json=edit).status_code == 204
    after_it = _import(client, segment)

    assert _accepted(while_it_runs) == _accepted(after_it) == ref
    assert _jobs(store, segment) == set()
    assert len(_uploads(objects, segment)) == 1  # the first one's, which no worker took
    assert client.get(f"{SEGMENTS}/{segment}/contexts/k-3").json()["included"] is True


@pytest.mark.parametrize(
    ("content", "data"), [(b"k-one\nk-2wo\n", {}), (_TWO, {"mode": "merge"}), (_TWO + b"x", {})]
)
def test_upload__other_form_under_the_same_key__is_refused_and_leaves_nothing(
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    segment: str,
    content: bytes,
    data: dict[str, Any],
) -> None:
    ref = _accepted(_import(client, segment))

    reply = _import(client, segment, content, **data)

    message = assert_refused(reply, 422, "idempotency_key_reused")
    assert "new key" in message
    assert _jobs(store, segment) == {ref.job_id}
    assert len(_uploads(objects, segment)) == 1


def test_upload__same_key_of_another_token_or_generation__is_another_request(
    api: Api, client: httpx.Client, store: Store, segment: str
) -> None:
    first = _accepted(_import(client, segment))
    made = client.post("/api/v2/tokens", json={"name": "another", "role": "writer"}).json()

    with api.client(made["token"]) as other:
        assert_refused(_import(other, segment), 409, "optimistic_locking_error")
    assert client.delete(f"{SEGMENTS}/{segment}").status_code == 204
    create_segment(client, segment)

    assert _accepted(_import(client, segment)) != first
    assert store.segments.get(PRODUCTION, segment).generation == 2


def test_upload__quoted_key__is_the_bare_one(client: httpx.Client, segment: str) -> None:
    first = _accepted(_import(client, segment))

    assert _accepted(_import(client, segment, headers={"Idempotency-Key": '"k1"'})) == first


@pytest.mark.parametrize("key", ["", "k 1", "k" * 256, '"k', "k\u00e9".encode(), "a\tb"])
@pytest.mark.parametrize("what", ["imports", "exports"])
def test_start__key_that_is_none__is_an_invalid_request(
    client: httpx.Client, store: Store, segment: str, key: Any, what: str
) -> None:
    reply = client.post(f"{SEGMENTS}/{segment}/{what}", headers={"Idempotency-Key": key})

    assert "Idempotency-Key" in assert_refused(reply, 400, "invalid_request")
    assert _jobs(store, segment) == set()


def test_keys__two_of_them__are_refused(client: httpx.Client, store: Store, segment: str) -> None:
    headers = [("Idempotency-Key", "k1"), ("Idempotency-Key", "k2")]
    reply = client.post(f"{SEGMENTS}/{segment}/exports", headers=headers)

    assert "two Idempotency-Key" in assert_refused(reply, 400, "invalid_request")
    assert _jobs(store, segment) == set()


def test_upload__refused_the_first_time__starts_when_sent_again(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    running = _accepted(_import(client, segment, headers={}))
    message = assert_refused(_import(client, segment), 409, "optimistic_locking_error")
    assert all(one in message for one in (running.job_id, "replace", "two.csv", "started 20"))
    _publish(store, running, [])
    objects.delete(_uploads(objects, segment)[0])
    assert_refused(_import(client, segment, mode="rplace"), 400, "invalid_request")

    assert _accepted(_import(client, segment)) != running
    assert len(_uploads(objects, segment)) == 1


def test_upload__while_the_first_still_comes__conflicts_and_then_gets_its_answer(
    api: Api, client: httpx.Client, objects: ObjectStore, segment: str
) -> None:
    with _half_sent(api, segment) as connection:
        message = assert_refused(_import(client, segment), 409, "optimistic_locking_error")
        assert "in progress" in message
        connection.sendall(b"%x\r\n" % len(_TAIL) + _TAIL + b"\r\n0\r\n\r\n")
        answer = connection.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 204 ")
    again = _import(client, segment, mode="merge")
    assert f"location: {again.headers['location']}".encode() in answer.lower()
    assert len(_uploads(objects, segment)) == 1


def test_upload__client_goes_away__may_be_sent_again_at_once(
    api: Api, client: httpx.Client, store: Store, segment: str
) -> None:
    with _half_sent(api, segment):
        name = _name(store, segment)
        wait_until(lambda: store.requests.read(name) is not None, "its turn is taken")

    wait_until(lambda: store.requests.read(name) is None, "its turn is over")
    _accepted(_import(client, segment))


def _crashed_before_the_job(store: Store, segment: str) -> None:
    record = RequestRecord("starting", "o", "f", "11111111-1111-4111-8111-111111111111")
    assert store.requests.replace(_name(store, segment), None, record)


def test_start__crashed_before_its_job_was_written__conflicts_for_a_minute_then_starts(
    client: httpx.Client, store: Store, segment: str
) -> None:
    _crashed_before_the_job(store, segment)
    assert_refused(_import(client, segment), 409, "optimistic_locking_error")
    key = store.keyspace.request(_name(store, segment))

    store.client.pexpire(key, KEPT_MS - 60_001)  # type: ignore[attr-defined]  # redis-py's

    _accepted(_import(client, segment))


def test_start__crashed_while_its_body_came__starts_after_a_minute(
    client: httpx.Client, store: Store, segment: str
) -> None:
    name = _name(store, segment)
    assert store.requests.replace(name, None, RequestRecord("receiving", "o"))
    assert_refused(_import(client, segment), 409, "optimistic_locking_error")
    key = store.keyspace.request(name)
    assert 50_000 < store.client.pttl(key) <= 60_000  # type: ignore[attr-defined]  # redis-py's

    store.client.pexpire(key, 1)  # type: ignore[attr-defined]  # redis-py's
    wait_until(lambda: store.requests.read(name) is None, "it is over")

    _accepted(_import(client, segment))


def test_start__crashed_after_its_job_was_written__is_answered_with_that_job(
    client: httpx.Client, store: Store, segment: str
) -> None:
    first = _import(client, segment)
    _forget_answer(store, _name(store, segment))

    again = _import(client, segment)

    assert (again.status_code, again.headers["location"]) == (204, first.headers["location"])
    assert _jobs(store, segment) == {_accepted(first).job_id}


def test_start__answered_503_and_its_job_was_stopped__starts_when_sent_again(
    client: httpx.Client, store: Store, segment: str
) -> None:
    first = _accepted(_import(client, segment))
    _forget_answer(store, _name(store, segment))
    store.builds.cancel(store.segments.get(PRODUCTION, segment).ref, first.job_id)
    store.jobs.end(first, "stopped", reason="no answer", keep_s=600)

    assert _accepted(_import(client, segment)) != first


def _forget_answer(store: Store, name: str) -> None:
    """Leave the record as a crash between the start and its end does."""
    found = store.requests.read(name)
    assert found is not None
    done = found.record
    begun = RequestRecord("starting", done.owner, done.fingerprint, done.job_id)
    assert store.requests.replace(name, done, begun)


@pytest.mark.parametrize(
    ("what", "body", "other", "status"),
    [
        ("imports", {"source": "s3://{bucket}/lists/a.csv"}, {"mode": "replace"}, 202),
        ("exports", {"format": "parquet"}, {"format": "csv"}, 200),
    ],
)
@pytest.mark.parametrize("crash", [False, True])
def test_json_start__sent_again__gets_the_first_answer(
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    segment: str,
    what: str,
    body: dict[str, str],
    other: dict[str, str],
    status: int,
    *,
    crash: bool,
) -> None:
    asked = {name: value.format(bucket=objects.bucket) for name, value in body.items()}

    def start(body: dict[str, str]) -> httpx.Response:
        return client.post(f"{SEGMENTS}/{segment}/{what}", json=body, headers=_KEY)

    first = start(asked)
    assert first.status_code == status, first.text
    if crash:
        _forget_answer(store, _name(store, segment, what.removesuffix("s")))
    again = start(asked)

    assert (again.status_code, again.headers["location"]) == (status, first.headers["location"])
    assert again.json() == first.json()
    assert _jobs(store, segment) == {first.json()["id"]}
    assert_refused(start(asked | other), 422, "idempotency_key_reused")


def test_record__of_an_answered_start__is_kept_for_a_day_and_small(
    client: httpx.Client, store: Store, segment: str
) -> None:
    _accepted(_import(client, segment))

    key = store.keyspace.request(_name(store, segment))
    left_ms = store.client.pttl(key)  # type: ignore[attr-defined]  # redis-py's
    assert KEPT_MS - 60_000 < left_ms <= KEPT_MS
    assert store.client.strlen(key) < 1_024  # type: ignore[attr-defined]  # redis-py's


def test_get__import_after_another__tells_what_it_followed_and_the_edits_since(
    client: httpx.Client, store: Store, segment: str
) -> None:
    first = _accepted(_import(client, segment, headers={}))
    _publish(store, first, ["k-one", "k-two"])
    for key in ("k-3", "k-4"):
        edit = {"included": {"add": [key]}}
        assert client.post(f"{SEGMENTS}/{segment}/contexts", json=edit).status_code == 204

    second = _import(client, segment, headers={}).headers["location"]

    previous = client.get(second).json()["previousImport"]
    published_ms = previous.pop("completionTime")
    assert previous == {"id": first.job_id, "editsSince": 2}
    assert published_ms >= client.get(f"{SEGMENTS}/{segment}").json()["creationDate"]


def _half_sent(api: Api, segment: str) -> socket.socket:
    """Start an upload with the key, in chunks, and send all but its end."""
    host, _, port = api.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    head = (
        f"POST {SEGMENTS}/{segment}/imports HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n"
        "Idempotency-Key: k1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    )
    connection.sendall(head.encode())
    assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")
    content = _HEAD + _TWO
    connection.sendall(b"%x\r\n" % len(content) + content + b"\r\n")
    return connection


def test_list__by_key__finds_what_the_request_has_started(
    client: httpx.Client, store: Store, segment: str
) -> None:
    path, by_key = f"{SEGMENTS}/{segment}/imports", {"idempotencyKey": "k1"}
    assert client.get(path, params=by_key).json()["items"] == []
    ref = store.segments.get(PRODUCTION, segment).ref
    receiving = RequestRecord("receiving", "somebody")
    assert store.requests.replace(_name(store, segment), None, receiving)
    assert_refused(client.get(path, params=by_key), 409, "optimistic_locking_error")
    assert store.requests.replace(_name(store, segment), receiving, None)

    started = _accepted(_import(client, segment))
    store.builds.cancel(ref, started.job_id)
    store.jobs.end(started, "stopped", reason="list changed", keep_s=600)
    other = _accepted(_import(client, segment, headers={}))

    found = client.get(path, params=by_key).json()
    assert [item["id"] for item in found["items"]] == [started.job_id]
    assert client.get(path).json()["items"][0]["id"] == other.job_id
