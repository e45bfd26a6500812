"""What the pages say is true: settings, commands, scripts and links."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.application import build_app
from api.http.refusals import CODES
from tests.support.documents.settings_table import settings_table

_ROOT = Path(__file__).parents[3]
_PAGES = sorted(
    page.relative_to(_ROOT).as_posix()
    for folder in ("", "api", "worker", "deploy", "scripts", "tests")
    for page in (_ROOT / folder).glob("**/*.md" if folder else "*.md")
)
_COMMANDS = (_ROOT / "api/cli/README.md").read_text()


def test_readme__of_the_root__is_read_in_minutes() -> None:
    assert len((_ROOT / "README.md").read_text().splitlines()) <= 150


def test_settings_table__of_deploy__is_the_code_s() -> None:
    page = (_ROOT / "deploy/README.md").read_text()
    table = page.partition("<!-- settings -->\n")[2].partition("\n\n")[0]

    assert table == settings_table()


def test_refusals_table__of_the_api__is_the_code_s() -> None:
    page = (_ROOT / "api/README.md").read_text()
    rows = page.partition("<!-- refusals -->\n")[2].partition("\n\n")[0].splitlines()[2:]

    assert [row.rsplit("|", 2)[0] for row in rows] == [
        f"| {error.status} | `{code}` "
        for error, code in sorted(CODES.items(), key=lambda item: (item[0].status, item[1]))
    ]


def test_every_setting__description__says_why() -> None:
    for row in settings_table().splitlines()[2:]:
        assert not row.endswith("| None |"), row


@pytest.mark.parametrize(
    "command", [name for name in build_app().registered_commands if name.name], ids=lambda c: c.name
)
def test_command__of_the_command_line__is_in_its_readme(command: object) -> None:
    assert f"bigseg {getattr(command, 'name', '')}" in _COMMANDS


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`bigseg (\w+)", _COMMANDS))))
def test_command__named_in_the_readme__has_help(command: str) -> None:
    result = CliRunner().invoke(build_app(), [command, "--help"])

    assert result.exit_code == 0, result.output
    assert "--help" in result.output


@pytest.mark.parametrize(
    ("group", "command"),
    [
        (group, command)
        for group, commands in re.findall(r"`bigseg (\w+) ([\w\\|]+\|[\w\\|]+)`", _COMMANDS)
        for command in commands.replace("\\", "").split("|")
    ],
)
def test_subcommand__named_in_the_readme__has_help(group: str, command: str) -> None:
    result = CliRunner().invoke(build_app(), [group, command, "--help"])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("page", _PAGES)
def test_link__in_a_page__leads_somewhere(page: str) -> None:
    text = (_ROOT / page).read_text()

    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]+)?\)", text):
        there = (_ROOT / page).parent / target if target else _ROOT / page
        assert there.exists(), target
        if anchor:
            assert anchor[1:] in _anchors(there.read_text()), anchor


@pytest.mark.parametrize("page", _PAGES)
def test_module__named_in_a_page__is_there(page: str) -> None:
    folder = (_ROOT / page).parent
    below = "\n".join(f"/{path.relative_to(_ROOT)}" for path in sorted(_ROOT.glob("[!.]*/**/*.py")))

    for name in re.findall(
        r"(?<!Save this as )`([\w/]+\.py)(?::\w+)?`", (_ROOT / page).read_text()
    ):
        assert (folder / name).exists() or re.search(
            rf"/{re.escape(name)}$", below, re.MULTILINE
        ), name


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as hosts of Git repositories make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_figures__readme__name_their_command() -> None:
    assert "scripts/bench" in (_ROOT / "README.md").read_text().partition("## Speed and size")[2]


def test_ci__runs__the_readme_s_test_command_only() -> None:
    lines = (_ROOT / ".ci/run").read_text().splitlines()

    commands = [line for line in lines if line.strip() and not line.startswith("#")]
    assert "./scripts/test" in (_ROOT / "README.md").read_text()
    assert [line for line in commands if "scripts/" in line] == [commands[-1]]
    assert "scripts/test" in commands[-1]
