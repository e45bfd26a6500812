"""The pages of deploy/howto, as a reader follows them: every command works and prints what is said.

`./scripts/record-examples` writes what the commands print into the pages.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands.pages import Page
from tests.support.commands.path import install_commands
from tests.support.commands.shell import Shell, running_shell
from tests.support.commands.variable_text import are_same, mask
from tests.support.servers.redis import free_port
from tests.support.systems.system import TOKEN, System

_HOWTO = Path(__file__).parents[2] / "deploy/howto"
#: `backup.md` has a server of its own: tests/integration/project/test_backup.py.
_PAGES = sorted(path.stem for path in _HOWTO.glob("*.md") if path.stem not in {"README", "backup"})


@pytest.fixture
def shell(system: System, tmp_path: Path) -> Iterator[Shell]:
    """A shell in an empty directory but for a token, on a host where the API runs too."""
    here, scripts = tmp_path / "here", tmp_path / "scripts"
    for folder in (here / ".bigseg", scripts):
        folder.mkdir(parents=True)
    (here / ".bigseg/admin-token").write_text(TOKEN)
    settings = {
        name: value
        for name, value in system.api.environment.items()
        if name.startswith(("BIGSEG_", "AWS_EC2", "AWS_CONFIG", "AWS_SHARED"))
    }
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    path = {"PATH": install_commands(tmp_path / "bin", {})}
    with running_shell(here, scripts, kept | settings | path) as shell:
        yield shell
    system.http.delete("/api/v2/projects/shop")


@pytest.mark.parametrize("name", _PAGES)
def test_howto__its_commands_recorded_again__print_what_the_page_says(
    name: str, system: System, shell: Shell, pytestconfig: pytest.Config
) -> None:
    words = {
        "http://127.0.0.1:8000": system.url,
        "http://127.0.0.1:19000": system.s3_endpoint,
        "s3://bigseg/": f"s3://{system.bucket}/",
        "8443": str(free_port()),
    }
    page = Page(_HOWTO / f"{name}.md", words)
    variables = Page(_HOWTO / "README.md", words)
    shell.run(variables.for_run(variables.block("variables")))

    printed: dict[int, str] = {}
    for step in page.steps:
        output = page.as_said(shell.run(page.for_run(step.commands.text)))
        if step.output is not None:
            printed[step.output.start] = "".join(f"{line.rstrip()}\n" for line in output.splitlines())
    if pytestconfig.getoption("record_examples"):
        page.record(printed, are_same)

    said = {block.start: block.text for block in Page(page.path).blocks}
    assert page.steps
    for start, output in printed.items():
        if not pytestconfig.getoption("record_examples"):
            assert mask(output) == mask(said[start]), "if this is right: ./scripts/record-examples"
