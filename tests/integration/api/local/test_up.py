"""The real `bigseg up`: every process of a system, and what a user reads of it."""

import json
import signal
import stat
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api.cli.access.access import find_access
from api.cli.connection.connection import Connection
from api.cli.errors import UnreachableError
from tests.support.servers.ports import free_port
from tests.support.servers.redis import wait_until
from tests.support.systems.up import BIGSEG, arguments_of, is_running, up

_CHILDREN = ["store", "objects", "upkeep", "worker", "beat", "api"]


def test_up__real_system__answers_keeps_its_token_and_leaves_nothing(tmp_path: Path) -> None:
    port = free_port()
    with up(tmp_path, "--port", str(port), "--concurrency", "1", command=BIGSEG) as running:
        url = running.event("ready")["details"]["url"]
        assert url == f"http://127.0.0.1:{port}"
        pids = running.child_pids()
        assert list(pids) == _CHILDREN
        token = (tmp_path / "admin-token").read_text().strip()
        assert httpx.get(f"{url}/readyz").status_code == 200
        assert httpx.get(f"{url}/metrics").status_code == 401
        headers = {"Authorization": token}
        assert httpx.get(f"{url}/metrics", headers=headers).status_code == 200
        # A command below the directory finds the system, which proves that it is the one.
        (tmp_path / ".bigseg").symlink_to(tmp_path)
        access = find_access({}, folder=tmp_path / "logs")
        assert (access.url, access.token) == (url, token)
        key = access.key
        with Connection(access, environment={}) as connection:
            assert connection.get_all("/api/v2/projects")
        with (
            Connection(replace(access, key="0" * 64), environment={}) as connection,
            pytest.raises(UnreachableError, match="is not the bigseg of"),
        ):
            connection.get_all("/api/v2/projects")
        sdk_key = (tmp_path / "sdk-key").read_text().strip()
        assert stat.S_IMODE((tmp_path / "sdk-key").stat().st_mode) == 0o600
        reply = httpx.get(f"{url}/sdk/latest-all", headers={"Authorization": sdk_key})
        assert reply.status_code == 200
        worker_log = tmp_path / "logs/worker.log"
        wait_until(lambda: "ready." in worker_log.read_text(), "the worker is ready", 60)
        arguments = [arguments_of(pid) for pid in pids.values()]
        assert all(arguments)
        running.send(signal.SIGTERM)
        assert running.end() == 0
    wait_until(lambda: not any(map(is_running, pids.values())), "no process is left")
    names = [event["name"] for event in running.events if event["name"] != "port"]
    assert names == ["token", "store", "objects", "sdk", "ready", "stopping", "stopped"]
    assert str(tmp_path / "objects") in running.event("objects")["text"]
    store = running.event("store")
    assert store["details"]["version"] in store["text"]
    # The server here is the wheel's, and what it allocates with is in the line about it.
    assert store["details"]["allocator"] in store["text"]
    # Quiet, also as root: nothing but events is printed, and no log scolds.
    assert running.errors == []
    assert "superuser" not in worker_log.read_text()
    for service in ("upkeep", "worker", "beat", "api"):
        lines = (tmp_path / f"logs/{service}.log").read_text().splitlines()
        assert lines
        assert all(json.loads(line)["event"] for line in lines)
    # The token is in no log, no event and no argument, and nobody else may read its file.
    logs = [log.read_text(errors="replace") for log in (tmp_path / "logs").iterdir()]
    assert key is not None
    for secret in (token, key, sdk_key):
        assert not any(secret in text for text in [*map(str, running.events), *arguments, *logs])
    with pytest.raises(UnreachableError, match="is not running"):
        find_access({}, folder=tmp_path / "logs")
    assert stat.S_IMODE(tmp_path.stat().st_mode) & 0o077 == 0
