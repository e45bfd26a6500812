"""The README's program with LaunchDarkly's Python client, run as a reader would."""

import os
import subprocess
import sys
from pathlib import Path

from tests.systems import TOKEN, System

_README = (Path(__file__).parents[2] / "README.md").read_text()
_LIMIT_S = 60


def _block(marker: str) -> str:
    """The text of the fenced block that follows a marker."""
    return _README.partition(f"<!-- {marker} -->\n```")[2].partition("\n")[2].partition("```\n")[0]


def test_program__of_the_readme__prints_what_the_readme_says(
    system: System, tmp_path: Path
) -> None:
    program = tmp_path / "vip.py"
    program.write_text(_block("client"))

    ended = subprocess.run(
        [sys.executable, "-W", "error", program],
        env=os.environ | {"BIGSEG_URL": system.url, "BIGSEG_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )

    assert (ended.stderr, ended.stdout) == ("", _block("client-output"))
    assert ended.stdout
