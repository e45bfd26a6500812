"""What the README says is true: its settings, commands, scripts and links."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import build_app
from tests.support.documents.settings_table import settings_table

_ROOT = Path(__file__).parents[3]
_README = (_ROOT / "README.md").read_text()


def test_settings_table__readme__is_the_code_s() -> None:
    table = _README.partition("<!-- settings -->\n")[2].partition("\n\n")[0]

    assert table == settings_table()


def test_every_setting__description__says_why() -> None:
    for row in settings_table().splitlines()[2:]:
        assert not row.endswith("| None |"), row


@pytest.mark.parametrize(
    "command",
    sorted(set(re.findall(r"bigseg (up|api|worker|beat|import|lookup|export)\b", _README))),
)
def test_command__named_in_readme__has_help(command: str) -> None:
    result = CliRunner().invoke(build_app(), [command, "--help"])

    assert result.exit_code == 0, result.output
    assert "--help" in result.output


@pytest.mark.parametrize("command", ["list", "show", "create", "delete"])
def test_segments_command__named_in_readme__has_help(command: str) -> None:
    result = CliRunner().invoke(build_app(), ["segments", command, "--help"])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_tokens_command__named_in_readme__has_help(command: str) -> None:
    result = CliRunner().invoke(build_app(), ["tokens", command, "--help"])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "readme", ["README.md", "worker/README.md", "scripts/README.md", "deploy/README.md"]
)
def test_link__in_readme__leads_somewhere(readme: str) -> None:
    page = _ROOT / readme

    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_scripts_readme__each_script__has_its_line() -> None:
    text = (_ROOT / "scripts/README.md").read_text()

    for script in (_ROOT / "scripts").iterdir():
        if script.suffix != ".md":
            assert f"`{script.name}" in text, script.name


def test_figures__readme__name_their_command() -> None:
    assert "scripts/bench" in _README.partition("<!-- bench -->")[2]


def test_ci__runs__the_readme_s_test_command_only() -> None:
    lines = (_ROOT / ".ci/run").read_text().splitlines()

    commands = [line for line in lines if line.strip() and not line.startswith("#")]
    assert "./scripts/test" in _README
    assert [line for line in commands if "scripts/" in line] == [commands[-1]]
    assert "scripts/test" in commands[-1]
