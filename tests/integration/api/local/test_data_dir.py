"""What a data directory keeps, and whom it refuses."""

import json
import os
import signal
import stat
from pathlib import Path

import redis

from tests.support.servers.redis import server_binary
from tests.support.systems.up import UpProcess, up


def _store(running: UpProcess) -> redis.Redis:
    return redis.Redis(port=running.event("store")["details"]["port"])


def test_up__restart__keeps_members_and_token(tmp_path: Path) -> None:
    with up(tmp_path) as first:
        first.event("ready")
        with _store(first) as store:
            store.sadd("some:set", "a", "b")
        token = (tmp_path / "admin-token").read_text()
    with up(tmp_path) as second:
        second.event("ready")
        with _store(second) as store:
            assert store.scard("some:set") == 2
    assert (tmp_path / "admin-token").read_text() == token
    assert len(token.strip()) >= 32
    assert stat.S_IMODE((tmp_path / "admin-token").stat().st_mode) == 0o600


def test_up__held_directory__says_who_holds_it(tmp_path: Path) -> None:
    with up(tmp_path) as first:
        url = first.event("ready")["details"]["url"]
        with up(tmp_path) as second:
            assert second.end() == 1
        message = json.loads(second.errors[0])["text"]
        assert f"is held by process {first.process.pid} ({url})" in message
        assert first.process.poll() is None


def test_up__data_of_newer_server__names_both_versions(tmp_path: Path) -> None:
    (tmp_path / "server-version").write_text("valkey 99.1.0\n")
    named = {"BIGSEG_SERVER_BINARY": server_binary("valkey")}
    with up(tmp_path, environment=named) as running:
        assert running.end() == 1
    message = json.loads(running.errors[0])["text"]
    assert "was written by valkey 99.1.0 and valkey 9." in message


def test_up__data_of_other_kind__is_refused(tmp_path: Path) -> None:
    (tmp_path / "server-version").write_text("redis 7.2.4\n")
    named = {"BIGSEG_SERVER_BINARY": server_binary("valkey")}
    with up(tmp_path, environment=named) as running:
        assert running.end() == 1
    assert "was written by redis 7.2.4 and valkey 9." in running.errors[0]


def test_up__store_killed__loses_at_most_a_second_of_writes(tmp_path: Path) -> None:
    with up(tmp_path) as first:
        first.event("ready")
        with _store(first) as store:
            store.sadd("some:set", "a")
            store.waitaof(1, 0, 5_000)
        os.kill(first.child_pids()["store"], signal.SIGKILL)
        assert first.end() == 1
    with up(tmp_path) as second:
        second.event("ready")
        with _store(second) as store:
            assert store.scard("some:set") == 1
