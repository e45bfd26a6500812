"""Several processes on one port: one dies under load, all end in peace, none is left behind."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from api.local.commands import api_command
from tests.support.servers.api import (
    SEGMENTS,
    TOKEN,
    Api,
    create_segment,
    include,
    running_api,
)
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server, wait_until
from tests.support.servers.several_apis import (
    connections_of,
    has_ended,
    process_ids,
    read_metrics,
    running_load,
)
from tests.support.systems.up import is_running

_PROCESSES = 2
_CONNECTIONS = 12


@contextmanager
def _all_serve(store: Server) -> Iterator[Api]:
    with running_api(store.url, processes=_PROCESSES) as running:
        wait_until(lambda: _starts(running) == _PROCESSES, "all serve")
        yield running


@pytest.fixture(scope="module")
def api(valkey_server: Server) -> Iterator[Api]:
    """For tests after which it serves on as before, and the last one, which ends it."""
    with _all_serve(valkey_server) as running:
        yield running


@pytest.fixture(scope="module")
def path(api: Api) -> str:
    """Of a look-up."""
    with api.client() as client:
        key = create_segment(client)
        include(client, key, "alice")
    return f"{SEGMENTS}/{key}/contexts/alice"


def _starts(api: Api) -> float:
    return read_metrics(api.url)["bigseg_api_starts_total"]


def _lookups(api: Api) -> float:
    return read_metrics(api.url).get('bigseg_lookups_total{status="200"}', 0)


def test_load__over_many_connections__is_shared_by_all_and_counted_as_one(
    api: Api, path: str
) -> None:
    port = int(httpx.URL(api.url).port or 0)
    earlier = _lookups(api)
    with running_load(api, path, 30) as load:
        wait_until(lambda: load.answered > 300, "the load is on")
        shares = [connections_of(pid, port) for pid in process_ids(api)]
    assert sum(shares) == 30
    assert all(shares)
    assert {_lookups(api) - earlier for _ in range(12)} == {load.answered}


def test_process__killed_under_load__harms_no_other_connection_and_is_replaced(
    api: Api, path: str
) -> None:
    port = int(httpx.URL(api.url).port or 0)
    earlier, starts = _lookups(api), _starts(api)
    with running_load(api, path, _CONNECTIONS) as load:
        wait_until(lambda: load.answered > 500, "the load is on")
        before = _lookups(api)
        victim = max(process_ids(api), key=lambda pid: connections_of(pid, port))
        held = connections_of(victim, port)
        os.kill(victim, signal.SIGKILL)
        # Until then its listening socket may take a connection, also one of this test's own.
        wait_until(lambda: not psutil.pid_exists(victim), "it is gone")
        wait_until(lambda: len(process_ids(api)) == _PROCESSES, "it is replaced")
        load.pause_s = 0.02
        wait_until(lambda: _starts(api) == starts + 1, "it serves")
        load.pause_s = 0
        since = load.answered
        wait_until(lambda: load.answered > since + 500, "the load goes on")
        after = _lookups(api)
    assert held > 0
    # By client: one that lost its connection may lose the next one, too, for the system closes the
    # connections of a killed process before it closes its listening socket.
    assert 0 < len(load.broken) <= held
    assert load.refused == []
    assert before <= after
    # The last answers of a killed process may not have arrived: one for each of its connections.
    # An answer is sent before it is counted, and it was killed at some moment: perhaps in between.
    counted = _lookups(api) - earlier
    assert load.answered - 1 <= counted <= load.answered + held
    [ended] = [line for line in _log(api) if line["event"] == "process.ended"]
    assert (ended["pid"], ended["how"]) == (victim, "was killed by SIGKILL")


def test_sigterm__during_a_request__is_answered_and_everything_ends(api: Api) -> None:
    pids = process_ids(api)
    body = b'{"key":"slow","name":"slow"}'
    url = httpx.URL(api.url)
    with socket.create_connection((url.host, url.port or 0), timeout=60) as connection:
        head = f"POST {SEGMENTS} HTTP/1.1\r\nHost: t\r\nAuthorization: {TOKEN}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:5])
        wait_until(lambda: sum(connections_of(pid, url.port or 0) for pid in pids) > 0, "is taken")
        api.process.terminate()
        wait_until(lambda: _refuses(url), "the port is closed")
        connection.sendall(body[5:])
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 201")
    assert has_ended(api.process, 60)
    assert api.process.returncode == 0
    assert not any(map(is_running, pids))


def test_supervisor__killed__leaves_no_process_and_a_free_port(valkey_server: Server) -> None:
    with _all_serve(valkey_server) as api:
        pids, url = process_ids(api), httpx.URL(api.url)
        api.process.kill()

        wait_until(lambda: not any(map(is_running, pids)), "they end")
        # Their other threads may hold it for a moment.
        wait_until(lambda: _is_free(url), "the port is free")


def test_setting__that_is_refused__is_said_once_and_ends_it() -> None:
    environment = {**os.environ, "BIGSEG_CONNECTIONS": "none"}
    done = subprocess.run(
        api_command("127.0.0.1", free_port(), processes=2),
        env=environment,
        cwd=Path(__file__).parents[4],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.count("BIGSEG_CONNECTIONS") == 1


def test_port__that_is_taken__is_said_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            api_command("127.0.0.1", taken.getsockname()[1], processes=2),
            cwd=Path(__file__).parents[4],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.startswith("cannot listen on 127.0.0.1 port ")


def _refuses(url: httpx.URL) -> bool:
    try:
        socket.create_connection((url.host, url.port or 0), timeout=60).close()
    except ConnectionRefusedError:
        return True
    return False


def _is_free(url: httpx.URL) -> bool:
    try:
        socket.create_server((url.host, url.port or 0)).close()
    except OSError:
        return False
    return True


def _log(api: Api) -> list[dict[str, object]]:
    return [json.loads(line) for line in api.log.splitlines()]
