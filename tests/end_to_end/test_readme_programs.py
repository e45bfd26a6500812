"""The programs of the READMEs, run against a whole system: they print what the pages say."""

import os
import re
import runpy
from pathlib import Path

import pytest

from tests.support.commands.pages import Page
from tests.support.commands.path import install_commands
from tests.support.commands.shell import running_shell
from tests.support.systems.system import TOKEN, System

_ROOT = Path(__file__).parents[2]
#: A refusal ends the shell.
_STRICT_CURL = 'curl() { command curl --fail-with-body --silent --show-error "$@"; }\n'


def test_client__of_the_api_s_readme__prints_what_the_page_says(
    system: System,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page, program = Page(_ROOT / "api/README.md"), tmp_path / "vip.py"
    program.write_text(page.block("client"))
    monkeypatch.setenv("BIGSEG_URL", system.url)
    monkeypatch.setenv("BIGSEG_TOKEN", TOKEN)

    # Not as a process of its own: importing the client takes seconds.
    runpy.run_path(str(program), run_name="__main__")

    assert capsys.readouterr().out == page.block("client-output")


def test_tour__of_the_readme__prints_what_the_page_says(system: System, tmp_path: Path) -> None:
    # A segment of its own: the client's program has one of the same name.
    words = {"egment vip": "egment tour", ".venv/bin/bigseg": "bigseg"}
    page, scripts = Page(_ROOT / "README.md", words), tmp_path / "scripts"
    scripts.mkdir()
    environment = {"BIGSEG_URL": system.url, "BIGSEG_TOKEN": TOKEN}
    environment |= {"PATH": install_commands(tmp_path / "bin", {})}

    with running_shell(tmp_path, scripts, os.environ | environment) as shell:
        printed = shell.run(page.for_run(page.block("tour")))

    assert _without_reports(printed) == page.for_run(page.block("tour-output")).strip()


def test_page__of_vercel_s_dialect__its_commands_and_programs_do_what_it_says(
    system: System, tmp_path: Path, node_home: Path
) -> None:
    page = Page(_ROOT / "api/vercel/README.md", {"http://127.0.0.1:8000": system.url})
    here, scripts = tmp_path / "here", tmp_path / "scripts"
    for folder in (here / ".bigseg", scripts):
        folder.mkdir(parents=True)
    (here / ".bigseg/admin-token").write_text(TOKEN)
    (here / "customers.csv").write_text("u3\nu4\n")
    (here / "node_modules").symlink_to(node_home / "node_modules")
    environment = {"BIGSEG_TOKEN": TOKEN, "HOME": str(tmp_path)}
    environment["PATH"] = install_commands(tmp_path / "bin", {"node": str(node_home / "node")})

    with running_shell(here, scripts, environment) as shell:
        shell.run(_STRICT_CURL)
        for block in page.blocks:
            if block.language == "sh":
                shell.run(page.for_run(block.text))
            elif block.language == "ts":
                (here / block.marker).write_text(page.for_run(block.text))
                printed = shell.run(f"node {block.marker}")
                assert printed == page.block(f"{block.marker}-output"), shell.errors()


def _without_reports(output: str) -> str:
    """The output without the imports' lines and tables, which hold ids and times."""
    text = re.sub(r"^import .*\n *Report *\n(?:[^\w\s].*\n)+", "", output, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
