"""``bigseg flag-data``, against a real API."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clients.command_line import Run, json_of
from tests.support.sdks.flags import flags_of
from tests.support.sdks.own_environment import own_environment
from tests.support.servers.api import Api


@pytest.fixture
def options(api: Api) -> Iterator[tuple[str, ...]]:
    """Name an environment of the test's own."""
    with own_environment(api) as environment:
        yield "--environment", environment.key


def test_flag_data__put_and_got__is_the_same_flags(
    run: Run, options: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "flags.json"
    file.write_text(json.dumps(flags_of(["beta"])))
    put = run("flag-data", "put", str(file), *options)
    assert put.stdout.strip() == f"flags in {options[1]}: 1; new, changed or gone: 1"
    assert put.stderr.strip() == "rules name segments that do not exist: beta"
    got = run("flag-data", "get", *options)
    assert [*json.loads(got.stdout)["flags"]] == ["in-beta"]
    again = json_of(run("flag-data", "put", "-", *options, "--json", typed=got.stdout_bytes))
    assert (again["flagCount"], again["changedCount"]) == (1, 0)


def test_flag_data__that_cannot_be_used__says_why(
    run: Run, options: tuple[str, ...], tmp_path: Path
) -> None:
    wrong = run("flag-data", "put", "-", *options, typed=b'{"flags":{},"flags":{}}')
    assert (wrong.exit_code, "two members" in wrong.stderr) == (1, True)
    missing = run("flag-data", "put", str(tmp_path / "none"), *options)
    assert (missing.exit_code, "No such file" in missing.stderr) == (1, True)
