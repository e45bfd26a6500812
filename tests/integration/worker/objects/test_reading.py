"""Ranged reads through cuts, stalls and changes, on a real S3 server behind a hostile proxy."""

import random
from collections.abc import Iterator

import pytest

from tests.support.proxies.hostile import Fault, HostileProxy, running_hostile_proxy
from tests.support.servers.objects import ObjectServer, ensure_bucket
from worker.errors import TerminalError, TransientError
from worker.objects import (
    ObjectAccessDenied,
    ObjectChanged,
    ObjectInfo,
    ObjectNotFound,
    ObjectSettings,
    ObjectStore,
    ObjectStoreRefused,
    ObjectStoreUnavailable,
)

_MIB = 1024 * 1024
_KEY = "lists/a.csv"
_CONTENT = random.Random(1).randbytes(3 * _MIB + 17)


# Clients take a third of a second to make, so the module shares them.
@pytest.fixture(scope="module")
def shared_proxy(s3_server: ObjectServer) -> Iterator[HostileProxy]:
    with running_hostile_proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shared_pauses() -> list[float]:
    return []


@pytest.fixture(scope="module")
def store(shared_proxy: HostileProxy, shared_pauses: list[float]) -> Iterator[ObjectStore]:
    settings = ObjectSettings(
        s3_endpoint=shared_proxy.endpoint, s3_bucket="reading", s3_timeout_s=0.5
    )
    with ObjectStore.open(settings, sleep=shared_pauses.append) as store:
        ensure_bucket(store)
        yield store


@pytest.fixture
def obj(store: ObjectStore) -> ObjectInfo:
    with store.open_writer(_KEY) as writer:
        writer.write(_CONTENT)
    return store.head(_KEY)


@pytest.fixture
def proxy(shared_proxy: HostileProxy, obj: ObjectInfo) -> HostileProxy:
    """A proxy that has seen nothing yet, in front of the object."""
    assert obj.size_bytes == len(_CONTENT)
    shared_proxy.faults.clear()
    shared_proxy.requests.clear()
    return shared_proxy


@pytest.fixture
def pauses(shared_pauses: list[float]) -> list[float]:
    shared_pauses.clear()
    return shared_pauses


def whole(store: ObjectStore, obj: ObjectInfo) -> bytes:
    return b"".join(store.read_range(obj, 0, obj.size_bytes))


def test_head__missing_object__not_found(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFound, match="s3://reading/no/such") as caught:
        store.head("no/such")
    assert isinstance(caught.value, TerminalError)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, len(_CONTENT)),
        (0, 1),
        (5, 5),
        (_MIB - 1, _MIB + 1),
        (7, 2 * _MIB + 9),
        (1, len(_CONTENT)),
    ],
)
def test_read_range__any_range__exactly_its_bytes_in_pieces(
    store: ObjectStore, obj: ObjectInfo, start: int, end: int
) -> None:
    arrived: list[int] = []
    pieces = list(store.read_range(obj, start, end, on_progress=arrived.append))
    assert b"".join(pieces) == _CONTENT[start:end]
    assert all(len(piece) == _MIB for piece in pieces[:-1])
    assert sum(arrived) == end - start


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (0, len(_CONTENT) + 1)])
def test_read_range__outside_the_object__refused_at_once(
    store: ObjectStore, obj: ObjectInfo, start: int, end: int
) -> None:
    with pytest.raises(ValueError, match="is not inside"):
        store.read_range(obj, start, end)


@pytest.mark.parametrize("ending", ["close", "reset", "stall"])
@pytest.mark.parametrize("cut_at", [1, 262_144, _MIB - 1, _MIB, 2 * _MIB + 99_999])
def test_read_range__stream_cut__resumed_where_it_stopped(
    store: ObjectStore, obj: ObjectInfo, proxy: HostileProxy, cut_at: int, ending: str
) -> None:
    proxy.faults.append(Fault(body_bytes=cut_at, ending=ending))  # type: ignore[arg-type]  # one of the three
    assert whole(store, obj) == _CONTENT
    first, second = proxy.of_method("GET")
    assert first.first_byte == 0
    assert second.headers["if-match"] == obj.etag
    # A reset may overtake what was sent before it.
    least = 0 if ending == "reset" else cut_at - 262_144
    assert least <= second.first_byte <= cut_at


def test_read_range__cut_often_with_progress__goes_on(
    store: ObjectStore, obj: ObjectInfo, proxy: HostileProxy, pauses: list[float]
) -> None:
    proxy.faults.extend([Fault(body_bytes=300_000)] * 10)
    assert whole(store, obj) == _CONTENT
    assert len(proxy.of_method("GET")) == 11
    assert pauses == []


def test_read_range__cuts_without_progress__gives_up_after_four(
    store: ObjectStore, obj: ObjectInfo, proxy: HostileProxy, pauses: list[float]
) -> None:
    proxy.faults.append(Fault(body_bytes=_MIB))
    proxy.faults.extend([Fault(body_bytes=0)] * 4)
    received: list[bytes] = []
    with pytest.raises(ObjectStoreUnavailable, match=f"after offset {_MIB} in 4 tries") as caught:
        received.extend(store.read_range(obj, 0, obj.size_bytes))
    assert isinstance(caught.value, TransientError)
    assert received == [_CONTENT[:_MIB]]
    assert len(proxy.of_method("GET")) == 5
    assert [round(pause / 0.1 / 2**n, 1) <= 1 for n, pause in enumerate(pauses)] == [True] * 3


def test_read_range__service_busy_for_a_moment__driver_retries(
    store: ObjectStore, obj: ObjectInfo, proxy: HostileProxy
) -> None:
    proxy.faults.extend([Fault(status=503), Fault(body_bytes=700_000)])
    assert whole(store, obj) == _CONTENT


def test_read_range__object_replaced_between_pieces__changed(
    store: ObjectStore, obj: ObjectInfo, proxy: HostileProxy
) -> None:
    proxy.faults.append(Fault(body_bytes=_MIB))
    pieces = store.read_range(obj, 0, obj.size_bytes)
    assert next(pieces) == _CONTENT[:_MIB]
    with store.open_writer(_KEY) as writer:
        writer.write(_CONTENT[::-1])
    with pytest.raises(ObjectChanged, match="the list changed") as caught:
        list(pieces)
    assert isinstance(caught.value, TerminalError)


def test_read_range__service_ignores_if_match__changed_all_the_same(
    store: ObjectStore, obj: ObjectInfo, proxy: HostileProxy
) -> None:
    proxy.faults.append(Fault(etag=b'"another"'))
    with pytest.raises(ObjectChanged, match="another"):
        whole(store, obj)


def test_read_range__object_shrank_unseen__changed(store: ObjectStore, obj: ObjectInfo) -> None:
    larger = ObjectInfo(obj.bucket, obj.key, obj.size_bytes + 10, obj.etag)
    with pytest.raises(ObjectChanged):
        whole(store, larger)
    with pytest.raises(ObjectChanged):
        list(store.read_range(larger, obj.size_bytes + 1, obj.size_bytes + 2))


def test_read_range__object_deleted__not_found(store: ObjectStore, obj: ObjectInfo) -> None:
    store.delete(_KEY)
    with pytest.raises(ObjectNotFound):
        whole(store, obj)


def test_read_range__service_ignores_ranges__refused_unless_whole(
    store: ObjectStore, obj: ObjectInfo, proxy: HostileProxy
) -> None:
    proxy.faults.extend([Fault(ignore_range=True)] * 2)
    assert whole(store, obj) == _CONTENT
    with pytest.raises(ObjectStoreRefused, match="ignored the range"):
        list(store.read_range(obj, 1, obj.size_bytes))


def test_read_range__left_early__connection_dropped(
    store: ObjectStore, obj: ObjectInfo, proxy: HostileProxy
) -> None:
    pieces = store.read_range(obj, 0, obj.size_bytes)
    next(pieces)
    pieces.close()
    assert whole(store, obj) == _CONTENT
    assert len(proxy.of_method("GET")) == 2


def test_read_range__forbidden__access_denied(
    store: ObjectStore, obj: ObjectInfo, proxy: HostileProxy
) -> None:
    proxy.faults.append(Fault(status=403))
    with pytest.raises(ObjectAccessDenied, match="403"):
        whole(store, obj)
