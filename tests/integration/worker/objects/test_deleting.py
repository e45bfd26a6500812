"""Deleting below a prefix, where the service refuses or half refuses to do it in one request."""

from collections.abc import Iterator

import pytest

from tests.support.proxies.hostile import Fault, HostileProxy, Request, running_hostile_proxy
from tests.support.servers.objects import ObjectServer, ensure_bucket, list_objects
from worker.objects import (
    ObjectAccessDenied,
    ObjectSettings,
    ObjectStore,
    ObjectStoreUnavailable,
)

_PREFIX = "spills/an-import/"
_PARTLY = """<DeleteResult>
<Error><Key>{key}</Key><Code>{code}</Code><Message>said</Message></Error></DeleteResult>"""


@pytest.fixture(scope="module")
def shared_proxy(s3_server: ObjectServer) -> Iterator[HostileProxy]:
    with running_hostile_proxy(s3_server.port) as proxy:
        yield proxy


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def proxy(shared_proxy: HostileProxy) -> Iterator[HostileProxy]:
    shared_proxy.faults.clear()
    yield shared_proxy
    shared_proxy.faults.clear()
    shared_proxy.rule = lambda _: None


@pytest.fixture
def store(proxy: HostileProxy, pauses: list[float]) -> Iterator[ObjectStore]:
    """A store with five objects below the prefix, and one beside it."""
    settings = ObjectSettings(s3_endpoint=proxy.endpoint, s3_bucket="deleting", s3_timeout_s=0.5)
    with ObjectStore.open(settings, sleep=pauses.append) as store:
        ensure_bucket(store)
        for key in (*(f"{_PREFIX}{n}" for n in range(5)), "spills/another/0"):
            with store.open_writer(key) as writer:
                writer.write(b"x")
        proxy.requests.clear()
        yield store


def _left(store: ObjectStore) -> list[str]:
    return [info.key for info in list_objects(store, "spills/")]


def _asks_for_many(request: Request) -> bool:
    return request.line.startswith("POST ") and "?delete" in request.line


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidRequest"),
        (400, "MissingContentMD5"),
        (400, None),
        (403, "AccessDenied"),
        (405, "MethodNotAllowed"),
        (411, "MissingContentLength"),
        (501, "NotImplemented"),
        (501, None),
    ],
)
def test_delete_prefix__service_that_refuses_many_at_once__is_asked_for_each(
    store: ObjectStore, proxy: HostileProxy, status: int, code: str | None
) -> None:
    refusal = Fault(status=status, code=code)
    proxy.rule = lambda request: refusal if _asks_for_many(request) else None

    assert store.delete_prefix(_PREFIX) == 5

    assert _left(store) == ["spills/another/0"]
    assert len(proxy.of_method("POST")) == 1
    assert len(proxy.of_method("DELETE")) == 5


def test_delete_prefix__asked_to_slow_down__backs_off_and_goes_on(
    store: ObjectStore, proxy: HostileProxy, pauses: list[float]
) -> None:
    proxy.rule = lambda request: Fault(status=501) if _asks_for_many(request) else None
    # As often as the driver asks by itself.
    proxy.faults += [Fault("DELETE", status=503, code="SlowDown")] * 3

    assert store.delete_prefix(_PREFIX) == 5

    assert _left(store) == ["spills/another/0"]
    assert len(pauses) == 1
    assert 0.1 <= pauses[0] <= 0.2


def test_delete_prefix__each_refused_too__says_why_and_has_not_gone_on(
    store: ObjectStore, proxy: HostileProxy
) -> None:
    def refuses(request: Request) -> Fault | None:
        if _asks_for_many(request):
            return Fault(status=501)
        return Fault(status=403, code="AccessDenied") if "DELETE " in request.line else None

    proxy.rule = refuses
    with pytest.raises(ObjectAccessDenied, match=f"cannot delete s3://deleting/{_PREFIX}0"):
        store.delete_prefix(_PREFIX)

    proxy.rule = lambda _: None
    assert len(_left(store)) == 6


def test_delete_prefix__one_key_refused_in_a_good_reply__is_deleted_by_itself(
    store: ObjectStore, proxy: HostileProxy
) -> None:
    body = _PARTLY.format(key=f"{_PREFIX}3", code="NotImplemented")
    proxy.faults.append(Fault("POST", status=200, body=body))

    assert store.delete_prefix(_PREFIX) == 5

    assert [request.line.split()[1] for request in proxy.of_method("DELETE")] == [
        f"/deleting/{_PREFIX}3"
    ]


def test_delete_prefix__one_key_not_deleted_for_now__is_another_try_s(
    store: ObjectStore, proxy: HostileProxy
) -> None:
    body = _PARTLY.format(key=f"{_PREFIX}3", code="InternalError")
    proxy.faults.append(Fault("POST", status=200, body=body))

    with pytest.raises(ObjectStoreUnavailable, match=f"{_PREFIX}3"):
        store.delete_prefix(_PREFIX)


def test_delete__missing_at_a_service_that_says_so__is_no_error(
    store: ObjectStore, proxy: HostileProxy
) -> None:
    proxy.faults.append(Fault("DELETE", status=404, code="NoSuchKey"))

    store.delete("spills/never-there")


def test_delete__nobody_answers__ends_after_the_driver_s_tries(
    store: ObjectStore, proxy: HostileProxy, pauses: list[float]
) -> None:
    proxy.faults += [Fault("DELETE", drop_reply=True)] * 3

    with pytest.raises(ObjectStoreUnavailable):
        store.delete(f"{_PREFIX}0")

    assert not pauses
