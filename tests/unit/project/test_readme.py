"""What the pages say is true: settings, commands, scripts and links."""

import re
from collections.abc import Iterator
from itertools import product, takewhile
from pathlib import Path
from typing import cast

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from api.cli.application import build_app
from api.launchdarkly.wire.refusals import CODES
from api.settings import ApiSettings
from api.vercel.wire.refusals import CODES as VERCEL_CODES
from tests.support.documents.settings_table import settings_table

_ROOT = Path(__file__).parents[3]
_PAGES = sorted(
    page.relative_to(_ROOT).as_posix()
    for folder in ("", "api", "worker", "deploy", "scripts", "tests")
    for page in (_ROOT / folder).glob("**/*.md" if folder else "*.md")
)
_VARIABLE = re.compile(r"BIGSEG_[A-Z0-9]+(?:_[A-Z0-9]+)*\b")
_COMMANDS = (_ROOT / "api/cli/README.md").read_text()
_PROGRAM = cast("TyperGroup", typer.main.get_command(build_app()))


def test_readme__of_the_root__is_read_in_minutes() -> None:
    assert len((_ROOT / "README.md").read_text().splitlines()) <= 150


def _table(page: str, marker: str) -> str:
    """The table below a comment of a page."""
    text = (_ROOT / page).read_text()
    return text.partition(f"<!-- {marker} -->\n")[2].partition("\n\n")[0]


def test_settings_table__recorded_again__is_that_of_deploy(pytestconfig: pytest.Config) -> None:
    page, table = _ROOT / "deploy/README.md", _table("deploy/README.md", "settings")
    assert table
    if pytestconfig.getoption("record_examples"):
        page.write_text(page.read_text().replace(table, settings_table()))

    assert _table("deploy/README.md", "settings") == settings_table()


def test_variables__that_the_code_names__are_all_in_the_tables_of_deploy() -> None:
    tables = [_table("deploy/README.md", name) for name in ("settings", "other variables")]
    described = re.findall(r"^\| `(BIGSEG_\w+)`", "\n".join(tables), re.MULTILINE)
    files = [path for folder in ("api", "worker") for path in (_ROOT / folder).rglob("*.py")]
    # A name in a pattern, such as BIGSEG_LIMIT_…, ends with its underscore.
    named = {name for path in files for name in _VARIABLE.findall(path.read_text())}

    assert len(set(described)) == len(described)
    assert named - set(described) == set()
    assert set(described) - named <= {
        row.split("`")[1] for row in settings_table().splitlines()[2:]
    }


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


def _commands(group: TyperGroup, path: str = "bigseg") -> Iterator[tuple[str, TyperCommand]]:
    """Every command that help displays, by what is typed to run it."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", cast("TyperCommand", command)


def _typed(text: str) -> Iterator[str]:
    """The commands of `bigseg projects list\\|show`, without arguments and options."""
    words = takewhile(re.compile(r"[a-z][a-z-]*(\\\|[a-z]+)*").fullmatch, text.split(" "))
    yield from map(" ".join, product(*(word.split("\\|") for word in words)))


def test_commands__in_the_table_of_their_readme__are_all_there_are() -> None:
    cells = re.findall(r"^\| (`bigseg .*?`) \| ", _COMMANDS.partition("\n## ")[0], re.MULTILINE)
    documented = [
        command
        for cell in cells
        for text in re.findall(r"`([^`]+)`", cell)
        for command in _typed(text)
    ]

    assert sorted(documented) == sorted(name for name, _ in _commands(_PROGRAM))


def test_options__named_in_the_readme_of_the_commands__are_there() -> None:
    known = {
        option
        for parameters in [_PROGRAM.params, *(command.params for _, command in _commands(_PROGRAM))]
        for parameter in parameters
        for option in [*parameter.opts, *parameter.secondary_opts]
    }

    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", _COMMANDS)) <= known


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


def test_vercel_refusals__of_the_page__are_those_of_the_dialect() -> None:
    rows = _table("api/vercel/README.md", "refusals").splitlines()[2:]

    assert set(rows) == {f"| {error.status} | `{code}` |" for error, code in VERCEL_CODES.items()}


def test_vercel_limits__of_the_page__are_the_defaults() -> None:
    rows = [row.split("|") for row in _table("api/vercel/README.md", "limits").splitlines()[2:]]
    limits = {row[4].strip(" `"): row[3].strip() for row in rows}

    assert limits == {
        f"BIGSEG_{name.upper()}": f"{field.default:,}"
        for name, field in ApiSettings.model_fields.items()
        if name.startswith("vercel_")
    }
