"""Announcing work: at once, in order, and never in the way of a request."""

import threading
from collections.abc import Iterator

import pytest

from api.services.work_sender import WorkSender
from tests.support.servers.api import wait_for_message
from tests.support.servers.redis import Server
from tests.support.store.stores import opened
from worker.store import EnvironmentRef, JobRef, ListRef, Store, StoreError, StoreSettings

_SCOPE = EnvironmentRef("p", "e")


@pytest.fixture
def store(valkey_server: Server) -> Iterator[Store]:
    with opened(valkey_server) as store:
        yield store


def _settings(server: Server, store: Store, **more: str) -> StoreSettings:
    fields = {"redis_url": server.url, "key_prefix": store.keyspace.prefix}
    return StoreSettings.model_validate(fields | more)


def test_work__announced__is_in_the_workers_queue(valkey_server: Server, store: Store) -> None:
    sender = WorkSender(_settings(valkey_server, store))

    sender.work(JobRef("import", _SCOPE, "an-id"))
    sender.reshard(ListRef("p", "e", "s", 3))
    sender.close()

    wait_for_message(store, "bigseg.work", "import:p:e:an-id")
    wait_for_message(store, "bigseg.reshard", "p:e:s:3")


def test_free__announced__is_in_the_queues_of_workers_and_of_upkeep(
    valkey_server: Server, store: Store
) -> None:
    sender = WorkSender(_settings(valkey_server, store))

    sender.free(JobRef("import", _SCOPE, "an-id"))
    sender.close()

    for queue in ("bigseg.work", "bigseg.upkeep"):
        key = f"{store.keyspace.prefix}:broker:{queue}"
        assert store.client.llen(key) == 1, queue  # type: ignore[attr-defined]  # redis-py's


def test_reshard__announced_often__is_sent_once_a_second(
    valkey_server: Server, store: Store
) -> None:
    now = 100.0
    sender = WorkSender(_settings(valkey_server, store), monotonic=lambda: now)

    for _ in range(10):
        sender.reshard(ListRef("p", "e", "s", 1))
    sender.reshard(ListRef("p", "e", "other", 1))
    now = 101.0
    sender.reshard(ListRef("p", "e", "s", 1))
    sender.close()

    queue = f"{store.keyspace.prefix}:broker:bigseg.work"
    assert store.client.llen(queue) == 3  # type: ignore[attr-defined]  # redis-py's


def test_work__broker_down__returns_at_once(valkey_server: Server, store: Store) -> None:
    settings = _settings(valkey_server, store, broker_url="redis://127.0.0.1:9/0")
    sender = WorkSender(settings)

    def announce() -> None:
        for number in range(2_000):
            sender.work(JobRef("import", _SCOPE, f"{number}"))

    announced = threading.Thread(target=announce)
    announced.start()
    announced.join(30)

    assert not announced.is_alive()
    sender.close()
    with pytest.raises(StoreError):
        sender.check()


def test_check__broker_there__is_silent(valkey_server: Server, store: Store) -> None:
    sender = WorkSender(_settings(valkey_server, store))

    sender.check()
    sender.close()
