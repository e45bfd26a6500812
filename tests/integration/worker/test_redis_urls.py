"""Every form of URL in the runbook's table, dialled by every client of every part."""

import asyncio
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from api.http.limits.counts import RedisCounts
from api.local.commands import api_command, beat_command, worker_command
from api.lookups.pipeline import Endpoint, PipelineConnection, encode_command
from api.services.work_sender import WorkSender
from tests.support.processes.started import start
from tests.support.proxies.tls import TlsFiles, issue_files, running_tls_proxy
from tests.support.servers.redis import Server, running_server
from tests.unit.worker.test_redis_urls import table_forms
from worker.broker.transport import PolledTransport
from worker.store import EnvironmentRef, JobRef, StoreSettings, StoreUnavailable, open_store
from worker.store.jobs.messages import QUEUE_WORK, broker_options

_PASSWORD = "p%40s:s%2Fword"
_REF = JobRef("import", EnvironmentRef("p", "e"), "1")


@dataclass(frozen=True, slots=True)
class Places:
    """One server, and the ways to it."""

    server: Server
    socket: Path
    tls: int
    tls_elsewhere: int
    """Its certificate names another host."""
    tls_mutual: int
    """Asks for a client's certificate."""
    files: TlsFiles

    def url(self, form: str) -> str:
        """A form of the table with what it stands for here."""
        port = self.server.port
        if form.startswith(("rediss", "valkeys")):
            port = self.tls
        if "ssl_certfile" in form:
            port = self.tls_mutual
        if "ssl_check_hostname=false" in form or "ssl_cert_reqs=none" in form:
            port = self.tls_elsewhere
        words = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "PASSWORD": _PASSWORD,
            "USER": "someone",
            "SOCKET": str(self.socket),
            "CA": str(self.files.authority),
            "CERT": str(self.files.client),
            "KEY": str(self.files.client_key),
        }
        for word, value in words.items():
            form = _replaced(form, word, value)
        # Every form is tried by a user who must log in.
        scheme, _, rest = form.partition("://")
        return form if "@" in rest else f"{scheme}://:{_PASSWORD}@{rest}"


def _replaced(form: str, word: str, value: str) -> str:
    parts = [value if part == word else part for part in _words(form)]
    return "".join(parts)


def _words(form: str) -> list[str]:
    words = [""]
    for letter in form:
        if letter.isupper() != words[-1][-1:].isupper():
            words.append("")
        words[-1] += letter
    return words


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("urls")
    files, socket = issue_files(folder), folder / "r.sock"
    with ExitStack() as stack:
        server = stack.enter_context(
            running_server("valkey", options={"unixsocket": str(socket), "unixsocketperm": "700"})
        )
        rules = ("on", ">p@s:s/word", "~*", "&*", "+@all")
        server.command_reply("ACL", "SETUSER", "someone", *rules)
        server.command_reply("CONFIG", "SET", "requirepass", "p@s:s/word")
        tls, elsewhere, mutual = (
            stack.enter_context(running_tls_proxy(server.port, certificate, authority))
            for certificate, authority in (
                (files.server, None),
                (files.elsewhere, None),
                (files.server, files.authority),
            )
        )
        yield Places(server, socket, tls, elsewhere, mutual, files)


def _settings(url: str) -> StoreSettings:
    return StoreSettings.model_validate(
        {"redis_url": url, "key_prefix": f"t-{secrets.token_hex(4)}", "redis_timeout_s": 5}
    )


async def _ask(settings: StoreSettings) -> tuple[list[object], list[int] | None]:
    connection = PipelineConnection(Endpoint.of_address(settings.store_address), timeout_s=5)
    counts = RedisCounts(settings.broker_address, settings.key_prefix)
    try:
        return await connection.request(encode_command("PING"), 1), await counts.add(1, ["name"])
    finally:
        connection.close()
        await counts.close()


@pytest.mark.parametrize("form", table_forms())
def test_url__of_the_table__is_dialled_by_store_look_ups_limits_and_broker(
    form: str, places: Places
) -> None:
    settings = _settings(places.url(form))

    with open_store(settings) as store:
        store.ping()
    assert asyncio.run(_ask(settings)) == ([b"PONG"], [1])
    sender = WorkSender(settings)
    sender.check()
    sender.work(_REF)
    sender.close()
    assert _taken(settings) == str(_REF)


def _taken(settings: StoreSettings) -> str:
    """What the transport of a worker takes from the queue."""
    with _reading(settings) as connection:
        assert isinstance(connection.transport, PolledTransport)
        assert _PASSWORD not in connection.as_uri(include_password=True)
        message = connection.SimpleQueue(QUEUE_WORK).get(timeout=60)
        message.ack()
        return str(message.payload[0][0])


@contextmanager
def _reading(settings: StoreSettings) -> Iterator[Any]:
    """A connection as a worker has it."""
    with Celery("tests", set_as_current=False, fixups=[]) as app:
        app.conf.update(broker_options(settings))
        app.conf.broker_transport = "worker.broker.transport:PolledTransport"
        with app.connection_for_read() as connection:
            yield connection


def test_url__certificate_not_trusted__is_refused_by_all(places: Places) -> None:
    for form in (
        "rediss://HOST:PORT/0",
        f"rediss://HOST:{places.tls_elsewhere}/0?ssl_ca_certs=CA",
        f"rediss://HOST:{places.tls_mutual}/0?ssl_ca_certs=CA",
    ):
        settings = _settings(places.url(form))
        with pytest.raises(StoreUnavailable):
            open_store(settings)
        sender = WorkSender(settings)
        with pytest.raises(StoreUnavailable):
            sender.check()
        sender.close()
        with pytest.raises(StoreUnavailable):
            asyncio.run(_ask(settings))
        with _reading(settings) as connection, pytest.raises(connection.connection_errors):
            connection.transport.establish_connection()  # tries only once


def test_processes__url_that_is_refused__end_with_one_sentence(tmp_path: Path) -> None:
    commands = {
        "api": api_command("127.0.0.1", 1),
        "worker": worker_command((QUEUE_WORK,), 1, "work"),
        "beat": beat_command(tmp_path / "schedule"),
        "up": (sys.executable, "-m", "api.cli", "up", "--data-dir", str(tmp_path / "up")),
    }
    environment = {**os.environ, "BIGSEG_BROKER_URL": "rediss://:s3cr3tQ/x@h/0"}
    running = {}
    for name, command in commands.items():
        with (tmp_path / f"{name}.log").open("wb") as log:
            running[name] = start(command, environment, log)
    for name, process in running.items():
        status = process.wait(60)
        output = (tmp_path / f"{name}.log").read_text()
        assert status == (2 if name == "up" else 1), (name, output)
        assert "Traceback" not in output, (name, output)
        assert "s3cr3tQ" not in output, (name, output)
        assert "BIGSEG_BROKER_URL: a character stands where it cut the URL short" in output
