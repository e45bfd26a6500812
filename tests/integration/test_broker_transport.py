"""The transport that sender and worker share: primaries only, and nothing that is no message."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery

from api.work import WorkSender
from tests.cutting_proxy import running_cutting_proxy
from tests.servers import Server, free_port, running_server, wait_until
from worker.store import JobRef, Scope, StoreSettings
from worker.store.messages import QUEUE_WORK, broker_options
from worker.tasks.polling import PolledChannel, is_deaf

_QUEUE = f"bigseg:broker:{QUEUE_WORK}"


def _settings(url: str) -> StoreSettings:
    return StoreSettings.model_validate({"redis_url": url})


def _waiting(server: Server) -> int:
    return int(server.command_reply("LLEN", _QUEUE))


@contextmanager
def _reading(url: str) -> Iterator[Any]:
    """A connection as a worker has it."""
    with Celery("tests", set_as_current=False, fixups=[]) as app:
        app.conf.update(broker_options(_settings(url)))
        app.conf.broker_transport = "worker.tasks.polling:PolledTransport"
        with app.connection_for_read() as connection:
            yield connection


def test_sender__its_broker_is_demoted_and_the_name_moves__follows_the_name() -> None:
    with (
        running_server("valkey") as old,
        running_server("valkey") as new,
        running_cutting_proxy(old.port) as proxy,
    ):
        sender = WorkSender(_settings(proxy.url))
        sender.work(JobRef("import", Scope("p", "e"), "1"))
        wait_until(lambda: _waiting(old) == 1, "the first is sent")
        old.command_reply("REPLICAOF", "127.0.0.1", free_port())
        proxy.upstream_port = new.port

        def sent() -> bool:
            sender.work(JobRef("import", Scope("p", "e"), "2"))
            return _waiting(new) > 0

        wait_until(sent, "the new one gets messages", 10)
        sender.close()
        assert _waiting(old) == 1


def test_channel__broker_is_a_replica__is_no_connection() -> None:
    with running_server("valkey") as server, _reading(server.url) as connection:
        server.command_reply("REPLICAOF", "127.0.0.1", free_port())
        PolledChannel.last_poll_s = float("-inf")
        with pytest.raises(connection.connection_errors, match="is a replica"):
            connection.transport.establish_connection()
        assert not is_deaf(time.monotonic(), PolledChannel.last_poll_s, busy=False)


def test_channel__taken_message_that_is_none__is_forgotten(valkey_server: Server) -> None:
    with _reading(valkey_server.url) as connection, valkey_server.client() as client:
        channel = connection.channel()
        for number, entry in enumerate((b"{", b"[]", b'["x","y","z"]', b"[" * 20_000)):
            client.hset("bigseg:broker:unacked", str(number), entry)
            client.zadd("bigseg:broker:unacked_index", {str(number): 1})
        channel.qos.restore_visible()
        assert client.hlen("bigseg:broker:unacked") == 0
        assert client.zcard("bigseg:broker:unacked_index") == 0
