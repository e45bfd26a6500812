"""The programs of the READMEs, run against a whole system: they print what the pages say."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.systems.system import TOKEN, System

_ROOT = Path(__file__).parents[2]


def _block(page: str, marker: str) -> str:
    """The text of the fenced block that follows a marker."""
    text = (_ROOT / page).read_text()
    return text.partition(f"<!-- {marker} -->\n```")[2].partition("\n")[2].partition("```\n")[0]


def test_client__of_the_api_s_readme__prints_what_the_page_says(
    system: System,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program, output = tmp_path / "vip.py", _block("api/README.md", "client-output")
    program.write_text(_block("api/README.md", "client"))
    monkeypatch.setenv("BIGSEG_URL", system.url)
    monkeypatch.setenv("BIGSEG_TOKEN", TOKEN)

    # Not as a process of its own: importing the client takes seconds.
    runpy.run_path(str(program), run_name="__main__")

    assert output
    assert capsys.readouterr().out == output


def test_tour__of_the_readme__prints_what_the_page_says(system: System, tmp_path: Path) -> None:
    # A segment of its own: the client's program has one of the same name.
    tour = _block("README.md", "tour").replace("--segment vip", "--segment tour")
    wanted = _block("README.md", "tour-output").replace("Segment vip", "Segment tour")

    result = subprocess.run(
        ("/bin/sh", "-e", "-c", tour.replace(".venv/bin/bigseg", '"$PYTHON" -m api.cli')),
        cwd=tmp_path,
        env=os.environ
        | {
            "BIGSEG_URL": system.url,
            "BIGSEG_TOKEN": TOKEN,
            "COLUMNS": "80",
            "BIGSEG_OUTPUT": "table",
        }
        | {"PYTHON": sys.executable, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert _without_reports(result.stdout) == wanted.strip()


def _without_reports(output: str) -> str:
    """The output without the imports' lines and tables, which hold ids and times."""
    text = re.sub(r"^import .*\n *Report *\n(?:[^\w\s].*\n)+", "", output, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
