"""The transport that sender and worker share: primaries only, and nothing that is no message."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from api.services.work_sender import WorkSender
from tests.support.proxies.tls import issue_files, running_tls_proxy
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server, running_server
from worker.broker.transport import PolledChannel
from worker.store import StoreSettings, StoreUnavailable
from worker.store.jobs.messages import broker_options
from worker.tasks.poll_watch import is_deaf

_REPLICA = "not a primary but replica"


def _settings(url: str) -> StoreSettings:
    return StoreSettings.model_validate({"redis_url": url})


@contextmanager
def _reading(url: str) -> Iterator[Any]:
    """A connection as a worker has it."""
    with Celery("tests", set_as_current=False, fixups=[]) as app:
        app.conf.update(broker_options(_settings(url)))
        app.conf.broker_transport = "worker.broker.transport:PolledTransport"
        with app.connection_for_read() as connection:
            yield connection


def test_broker__a_replica_over_tcp_tls_or_a_socket__is_no_connection(tmp_path: Path) -> None:
    files, socket = issue_files(tmp_path), tmp_path / "r.sock"
    with (
        running_server("valkey", options={"unixsocket": str(socket)}) as server,
        running_tls_proxy(server.port, files.server) as tls,
    ):
        server.command_reply("REPLICAOF", "127.0.0.1", free_port())
        secure = f"rediss://127.0.0.1:{tls}/0?ssl_ca_certs={files.authority}"
        for url in (server.url, secure, f"unix://{socket}"):
            PolledChannel.last_poll_s = float("-inf")
            with (
                _reading(url) as connection,
                pytest.raises(connection.connection_errors, match=_REPLICA),
            ):
                connection.transport.establish_connection()
            assert not is_deaf(time.monotonic(), PolledChannel.last_poll_s, busy=False)
            sender = WorkSender(_settings(url))
            with pytest.raises(StoreUnavailable, match=_REPLICA):
                sender.check()
            sender.close()


def test_channel__taken_message_that_is_none__is_forgotten(valkey_server: Server) -> None:
    with _reading(valkey_server.url) as connection, valkey_server.client() as client:
        channel = connection.channel()
        for number, entry in enumerate((b"{", b"[]", b'["x","y","z"]', b"[" * 20_000)):
            client.hset("bigseg:broker:unacked", str(number), entry)
            client.zadd("bigseg:broker:unacked_index", {str(number): 1})
        channel.qos.restore_visible()
        assert client.hlen("bigseg:broker:unacked") == 0
        assert client.zcard("bigseg:broker:unacked_index") == 0
