"""The pages of deploy/howto, as a reader follows them: every command works and prints what is said.

`./scripts/record-examples` writes what the commands print into the pages.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands.pages import Page
from tests.support.commands.path import install_commands
from tests.support.commands.shell import Shell, running_shell
from tests.support.commands.variable_text import are_same, mask
from tests.support.sdks.connected_system import connected_system
from tests.support.servers.ports import free_port
from tests.support.systems.system import TOKEN, System
from worker.settings import StoreSettings

_HOWTO: Final = Path(__file__).parents[2] / "deploy/howto"
#: `backup.md` is run by tests/integration/worker/store/server/test_backup.py.
_ELSEWHERE: Final = {"README", "backup"}
#: Pages that need a system which keeps revisions; others are tidied at once.
_KEEPING: Final = {"preview-and-undo"}
#: The page that needs Node.
_SDKS: Final = "sdks"
_OWN: Final = _ELSEWHERE | _KEEPING | {_SDKS}
_PAGES: Final = sorted({path.stem for path in _HOWTO.glob("*.md")} - _OWN)
#: What a process of the API inherits, and what is nobody's own.
_INHERITED: Final = ("BIGSEG_", "AWS_EC2", "AWS_CONFIG", "AWS_SHARED", "HOME", "LANG")


@contextmanager
def _shell_of(system: System, tmp_path: Path, programs: dict[str, str]) -> Iterator[Shell]:
    """A shell on a host of the API, in a directory to which it adds a token."""
    here, scripts = tmp_path / "here", tmp_path / "scripts"
    for folder in (here / ".bigseg", scripts):
        folder.mkdir(parents=True, exist_ok=True)
    (here / ".bigseg/admin-token").write_text(TOKEN)
    variables = os.environ | system.api.environment
    environment = {name: variables[name] for name in variables if name.startswith(_INHERITED)}
    environment["PATH"] = install_commands(tmp_path / "bin", programs)
    try:
        with running_shell(here, scripts, environment) as shell:
            yield shell
    finally:
        system.http.delete("/api/v2/projects/shop")


@pytest.mark.parametrize("name", _PAGES)
def test_howto__its_commands_recorded_again__print_what_the_page_says(
    name: str, system: System, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    _follow(name, system, tmp_path, record=pytestconfig.getoption("record_examples"))


@pytest.mark.parametrize("name", sorted(_KEEPING))
def test_howto_about_revisions__its_commands_recorded_again__print_what_the_page_says(
    name: str, keeping_system: System, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    _follow(name, keeping_system, tmp_path, record=pytestconfig.getoption("record_examples"))


def test_howto_about_sdks__its_commands_recorded_again__print_what_the_page_says(
    system: System, tmp_path: Path, node_home: Path, pytestconfig: pytest.Config
) -> None:
    here = tmp_path / "here"
    (here / ".bigseg").mkdir(parents=True)
    (here / "node_modules").symlink_to(node_home / "node_modules")
    with connected_system(system, StoreSettings.model_fields["sdk_store_prefix"].default) as found:
        (here / ".bigseg/sdk-key").write_text(found.sdk_key)
        record = pytestconfig.getoption("record_examples")
        words = {"redis://127.0.0.1:16379": system.server.url}
        node = {"node": str(node_home / "node")}
        _follow(_SDKS, system, tmp_path, record=record, words=words, programs=node)


def _write_files(page: Page, here: Path) -> None:
    """Write what a reader is told to put into files."""
    for block in page.blocks:
        if block.marker:
            (here / block.marker).write_text(page.for_run(block.text))


def _follow(
    name: str,
    system: System,
    tmp_path: Path,
    *,
    record: bool,
    words: dict[str, str] | None = None,
    programs: dict[str, str] | None = None,
) -> None:
    words = {
        **(words or {}),
        "http://127.0.0.1:8000": system.url,
        "http://127.0.0.1:19000": system.s3_endpoint,
        "s3://bigseg/": f"s3://{system.bucket}/",
        "8443": str(free_port()),
    }
    page, index = Page(_HOWTO / f"{name}.md", words), Page(_HOWTO / "README.md", words)
    with _shell_of(system, tmp_path, programs or {}) as shell:
        _write_files(page, tmp_path / "here")
        shell.run(index.for_run(index.block("variables")))
        printed = [page.as_said(shell.run(page.for_run(step.commands.text))) for step in page.steps]

    if record:
        page.record(printed, are_same)
    assert printed
    for step, output in zip(page.steps, printed, strict=True):
        if step.output:
            said = mask(step.output.text)
            assert mask(output) == said, "if it is right: ./scripts/record-examples"
