"""Streams into new objects, on a real S3 server behind a hostile proxy."""

import random
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.support.proxies.hostile import Fault, HostileProxy, Request, running_hostile_proxy
from tests.support.servers.objects import PAGE, ObjectServer, ensure_bucket, list_objects
from worker.objects import (
    ObjectAccessDenied,
    ObjectInfo,
    ObjectNotFound,
    ObjectSettings,
    ObjectStore,
    ObjectStoreUnavailable,
    ObjectWriter,
    UploadLost,
)

_MIB = 1024 * 1024
_PART = 8 * _MIB
_KEY = "uploads/a"
_CONTENT = random.Random(2).randbytes(2 * _PART + 12_345)


@pytest.fixture(scope="module")
def shared_proxy(s3_server: ObjectServer) -> Iterator[HostileProxy]:
    with running_hostile_proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shared_store(shared_proxy: HostileProxy) -> Iterator[ObjectStore]:
    settings = ObjectSettings(s3_endpoint=shared_proxy.endpoint, s3_bucket="writing")
    with ObjectStore.open(settings) as store:
        ensure_bucket(store)
        yield store


@pytest.fixture
def store(shared_store: ObjectStore) -> ObjectStore:
    """A store whose bucket is empty."""
    shared_store.delete_prefix("uploads/")
    return shared_store


@pytest.fixture
def proxy(shared_proxy: HostileProxy, store: ObjectStore) -> Iterator[HostileProxy]:
    """A proxy that has seen nothing yet; at the end no upload is left unfinished."""
    shared_proxy.faults.clear()
    shared_proxy.requests.clear()
    yield shared_proxy
    shared_proxy.faults.clear()
    assert store.abort_uploads("uploads/") == 0


def write(store: ObjectStore, content: bytes) -> ObjectInfo:
    with store.open_writer(_KEY, content_type="text/csv") as writer:
        writer.write(content)
    return writer.close()


def write_and_fail(store: ObjectStore, content: bytes) -> ObjectWriter:
    with suppress(LookupError), store.open_writer(_KEY) as writer:
        writer.write(content)
        raise LookupError
    return writer


def stored(store: ObjectStore) -> bytes:
    obj = store.head(_KEY)
    return b"".join(store.read_range(obj, 0, obj.size_bytes))


@pytest.mark.parametrize("size", [0, 1, _PART])
def test_writer__fits_one_part__one_request(
    store: ObjectStore, proxy: HostileProxy, size: int
) -> None:
    info = write(store, _CONTENT[:size])
    assert [request.line.split("?")[0] for request in proxy.requests] == [
        f"PUT /writing/{_KEY} HTTP/1.1"
    ]
    assert info == store.head(_KEY)
    assert stored(store) == _CONTENT[:size]


@pytest.mark.parametrize("size", [_PART + 1, len(_CONTENT)])
def test_writer__over_one_part__whole_object_and_its_etag(
    store: ObjectStore, proxy: HostileProxy, size: int
) -> None:
    info = write(store, _CONTENT[:size])
    assert info == store.head(_KEY)
    assert info.etag.endswith(f'-{-(-size // _PART)}"')
    assert stored(store) == _CONTENT[:size]
    assert len(proxy.of_method("PUT")) == -(-size // _PART)


def test_writer__any_buffers_of_any_size__joined_in_order(store: ObjectStore) -> None:
    sizes = random.Random(3)
    with store.open_writer(_KEY, size_hint=len(_CONTENT)) as writer:
        at = 0
        while at < len(_CONTENT):
            piece = _CONTENT[at : at + sizes.choice((0, 1, 999, 70_000, 3 * _MIB))]
            at += writer.write(sizes.choice((bytes, bytearray, memoryview))(piece))
        assert writer.size_bytes == len(_CONTENT)
    assert stored(store) == _CONTENT


def test_writer__buffer_reused_after_write__what_was_written_stays(store: ObjectStore) -> None:
    with store.open_writer(_KEY) as writer:
        buffer = bytearray(b"first ")
        writer.write(buffer)
        buffer[:] = b"second"
        writer.write(buffer)
    assert stored(store) == b"first second"


@pytest.mark.parametrize("size", [10, len(_CONTENT)])
def test_writer__error_in_the_block__nothing_appears_and_old_object_stays(
    store: ObjectStore, proxy: HostileProxy, size: int
) -> None:
    write(store, b"old")
    proxy.requests.clear()
    writer = write_and_fail(store, _CONTENT[:size])
    writer.abort()
    assert stored(store) == b"old"
    with pytest.raises(ValueError, match="after its end"):
        writer.write(b"more")
    with pytest.raises(ValueError, match="after its abort"):
        writer.close()


def test_writer__aborted_inside_the_block__leaves_quietly(store: ObjectStore) -> None:
    with store.open_writer(_KEY) as writer:
        writer.write(b"x")
        writer.abort()
    with pytest.raises(ObjectNotFound):
        store.head(_KEY)


def test_writer__abort_after_close__object_stays(store: ObjectStore) -> None:
    info = write(store, b"x")
    with store.open_writer(_KEY) as writer:
        writer.write(b"x")
        assert writer.close() == info
        writer.abort()
    assert writer.close() == info
    assert stored(store) == b"x"


def test_writer__part_fails_once__driver_retries(store: ObjectStore, proxy: HostileProxy) -> None:
    proxy.faults.append(Fault(method="PUT", path_part="partNumber", status=503))
    write(store, _CONTENT)
    assert stored(store) == _CONTENT


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(method="PUT", path_part="partNumber=1", status=403), ObjectAccessDenied),
        (Fault(method="PUT", path_part="partNumber=3", status=403), ObjectAccessDenied),
        (Fault(method="POST", path_part="uploads", status=403), ObjectAccessDenied),
        (Fault(method="POST", path_part="uploadId", status=403), ObjectAccessDenied),
        (Fault(method="PUT", path_part="partNumber=2", status=500), ObjectStoreUnavailable),
    ],
)
def test_writer__service_refuses_midway__error_and_nothing_left(
    store: ObjectStore, proxy: HostileProxy, fault: Fault, error: type[Exception]
) -> None:
    proxy.faults.extend([fault] * 3)
    with pytest.raises(error, match=_KEY):
        write(store, _CONTENT)
    with pytest.raises(ObjectNotFound):
        store.head(_KEY)


def test_writer__service_gone_also_for_the_abort__first_error_says_so(
    store: ObjectStore, proxy: HostileProxy
) -> None:
    proxy.faults.append(Fault(method="PUT", path_part="partNumber=3", status=403))
    proxy.faults.append(Fault(method="DELETE", status=403))
    with pytest.raises(ObjectAccessDenied, match="write part 3") as caught:
        write(store, _CONTENT)
    assert "left behind" in caught.value.__notes__[0]
    assert store.abort_uploads("uploads/") == 1


def test_writer__completed_but_reply_lost__object_is_there(
    store: ObjectStore, proxy: HostileProxy
) -> None:
    proxy.faults.append(Fault(method="POST", path_part="uploadId", drop_reply=True))
    info = write(store, _CONTENT)
    assert len([r for r in proxy.of_method("POST") if "uploadId" in r.line]) == 2
    assert info == store.head(_KEY)
    assert stored(store) == _CONTENT


@pytest.mark.parametrize("path_part", ["partNumber=2", "uploadId"])
def test_writer__upload_ended_by_somebody_else__lost(
    store: ObjectStore, proxy: HostileProxy, path_part: str
) -> None:
    method = "PUT" if "part" in path_part else "POST"
    proxy.faults.append(Fault(method=method, path_part=path_part, status=404, code="NoSuchUpload"))
    with pytest.raises(UploadLost, match=_KEY):
        write(store, _CONTENT)


def test_writer__upload_ended_and_older_object_there__lost(
    store: ObjectStore, proxy: HostileProxy
) -> None:
    write(store, b"old")
    proxy.faults.append(Fault(method="POST", path_part="uploadId", status=404, code="NoSuchUpload"))
    with pytest.raises(UploadLost, match="another object"):
        write(store, _CONTENT)


def test_writer__file_of_many_parts__memory_of_three(
    store: ObjectStore, proxy: HostileProxy
) -> None:
    sending: list[int] = []
    peaks: list[int] = []

    def note(request: Request) -> None:
        if request.line.startswith("PUT"):
            sending.append(len(request.body))
            # The proxy is in this process: what it holds is not the writer's.
            proxy.requests.clear()

    proxy.before_reply = note
    piece = bytes(_MIB)
    try:
        with store.open_writer(_KEY) as writer:
            tracemalloc.start()
            for _ in range(12 * 8):
                writer.write(piece)
                held = tracemalloc.take_snapshot().filter_traces(
                    [tracemalloc.Filter(inclusive=True, filename_pattern="*/objects/writer.py")]
                )
                peaks.append(sum(trace.size for trace in held.traces))
    finally:
        tracemalloc.stop()
        proxy.before_reply = lambda _: None
    assert sum(sending) == 12 * _PART
    assert max(peaks) < 3.5 * _PART


def test_list_prefix__several_pages__all_in_order(s3_server: ObjectServer) -> None:
    settings = ObjectSettings(s3_endpoint=s3_server.endpoint, s3_bucket="listing")
    with ObjectStore.open(settings) as store:
        ensure_bucket(store)
        keys = [f"uploads/many/{n:04d}" for n in range(2 * PAGE + 1)]
        for key in keys:
            with store.open_writer(key) as writer:
                writer.write(key.encode())
        with store.open_writer("uploads/many-not") as writer:
            writer.write(b"stays")
        listed = list_objects(store, "uploads/many/")
        assert [obj.key for obj in listed] == keys
        assert listed[0] == store.head(keys[0])
        assert store.delete_prefix("uploads/many/") == len(keys)
        assert [obj.key for obj in list_objects(store, "uploads/")] == ["uploads/many-not"]
        assert store.delete_prefix("uploads/many/") == 0


def test_delete_prefix__empty__refused(store: ObjectStore) -> None:
    with pytest.raises(ValueError, match="all of s3://writing"):
        store.delete_prefix("")


def test_delete__missing_object__no_error(store: ObjectStore) -> None:
    store.delete("uploads/never")
