"""Which server a command talks to, and with which token."""

import os
from pathlib import Path

import pytest

from api.cli.access.access import Access, find_access
from api.cli.access.contexts import Contexts, NamedServer
from api.cli.errors import CommandError, ExitStatus
from api.identity.connection_file import ConnectionFile

_URL, _TOKEN = {"BIGSEG_URL": "named:1"}, {"BIGSEG_TOKEN": "named-token"}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """A user with two contexts, of which one is in use."""
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    contexts = Contexts.read(environment).add("first", NamedServer("http://first", "t1"))
    contexts.add("second", NamedServer("http://second", "t2"))
    return environment


@pytest.fixture
def below(tmp_path: Path) -> Path:
    """A folder deep below one where `bigseg up` runs."""
    directory, folder = tmp_path / "work" / ".bigseg", tmp_path / "work" / "a" / "b"
    directory.mkdir(parents=True)
    folder.mkdir(parents=True)
    ConnectionFile("http://127.0.0.1:8000", "local-token", "key").write(directory)
    return folder


def _refusal(environment: dict[str, str], folder: Path) -> CommandError:
    with pytest.raises(CommandError) as caught:
        find_access(environment, folder=folder)
    return caught.value


def test_access__many_ways__are_used_in_their_order(home: dict[str, str], below: Path) -> None:
    everything = home | _URL | _TOKEN

    def find(environment: dict[str, str], context: str | None = None) -> Access:
        return find_access(environment, context=context, folder=below)

    directory = below.parents[1] / ".bigseg"
    local = Access("http://127.0.0.1:8000", "local-token", str(directory), "key", directory)
    second = Access("http://second", "t2", "context second")
    assert find(everything, "second") == second
    assert find({**everything, "BIGSEG_CONTEXT": "second"}) == second
    assert find(everything) == Access("http://named:1", "named-token", "BIGSEG_URL")
    assert find(home) == local
    assert find_access(home, folder=below.parents[2]).named_by == "context first"


def test_access__address_alone__gets_a_directory_s_token_only_with_a_proof(below: Path) -> None:
    found = find_access(_URL, folder=below)

    assert (found.url, found.token, found.key) == ("http://named:1", "local-token", "key")


def test_access__token_alone__goes_to_the_directory_s_server_with_a_proof(below: Path) -> None:
    found = find_access(_TOKEN, folder=below)

    assert (found.url, found.token, found.key) == ("http://127.0.0.1:8000", "named-token", "key")


def test_access__nothing__says_all_the_ways(tmp_path: Path) -> None:
    error = _refusal({"XDG_CONFIG_HOME": str(tmp_path)}, tmp_path)

    assert error.exit_status is ExitStatus.USAGE
    for way in ("bigseg up", "BIGSEG_URL", "BIGSEG_TOKEN", "bigseg contexts add"):
        assert way in str(error)


@pytest.mark.parametrize(("given", "missing"), [(_URL, "BIGSEG_TOKEN"), (_TOKEN, "BIGSEG_URL")])
def test_access__half_named__is_not_completed_from_a_context(
    home: dict[str, str], tmp_path: Path, given: dict[str, str], missing: str
) -> None:
    assert f"without {missing}" in str(_refusal(home | given, tmp_path))


def test_access__system_that_has_stopped__is_not_replaced_by_a_context(
    home: dict[str, str], below: Path
) -> None:
    ConnectionFile("http://127.0.0.1:8000").write(below.parents[1] / ".bigseg")

    error = _refusal(home, below)

    assert error.exit_status is ExitStatus.UNREACHABLE
    assert "is not running: start `bigseg up` in" in str(error)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": 1}', "{" * 10_000, "\0"])
def test_access__damaged_connection_file__is_one_sentence(below: Path, text: str) -> None:
    (below.parents[1] / ".bigseg" / "connection.json").write_text(text)

    assert "is damaged" in str(_refusal({}, below))


def test_access__named_pipe_as_connection_file__is_not_waited_for(below: Path) -> None:
    path = below.parents[1] / ".bigseg" / "connection.json"
    path.unlink()
    os.mkfifo(path, 0o600)

    assert "is damaged" in str(_refusal({}, below))


def test_access__connection_file_open_to_others__is_not_used(below: Path) -> None:
    (below.parents[1] / ".bigseg" / "connection.json").chmod(0o640)

    assert "closed to others" in str(_refusal({}, below))


def test_connection_file__written__is_its_owner_s_alone(tmp_path: Path) -> None:
    written = ConnectionFile("http://127.0.0.1:1", "secret-token", "secret-key")
    written.write(tmp_path)

    assert (tmp_path / "connection.json").stat().st_mode & 0o777 == 0o600
    assert ConnectionFile.read(tmp_path) == written
    assert "secret" not in repr(written)


def test_contexts__file_open_to_others_or_damaged__is_one_sentence(home: dict[str, str]) -> None:
    path = Contexts.read(home).path
    path.write_text('{"contexts": 1}')
    with pytest.raises(CommandError, match="is damaged"):
        Contexts.read(home)
    path.chmod(0o644)
    with pytest.raises(CommandError, match="can be read by others"):
        Contexts.read(home)
