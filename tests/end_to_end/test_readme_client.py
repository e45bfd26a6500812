"""The README's program with LaunchDarkly's Python client, run against a whole system."""

import runpy
from pathlib import Path

import pytest

from tests.support.systems.system import TOKEN, System

_README = (Path(__file__).parents[2] / "README.md").read_text()


def _block(marker: str) -> str:
    """The text of the fenced block that follows a marker."""
    return _README.partition(f"<!-- {marker} -->\n```")[2].partition("\n")[2].partition("```\n")[0]


def test_program__of_the_readme__prints_what_the_readme_says(
    system: System,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program, output = tmp_path / "vip.py", _block("client-output")
    program.write_text(_block("client"))
    monkeypatch.setenv("BIGSEG_URL", system.url)
    monkeypatch.setenv("BIGSEG_TOKEN", TOKEN)

    # Not as a process of its own: importing the client takes seconds.
    runpy.run_path(str(program), run_name="__main__")

    assert output
    assert capsys.readouterr().out == output
