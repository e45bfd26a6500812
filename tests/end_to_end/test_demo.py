"""The demo, small: what a new user runs first ends well, and says so."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.systems.up import default_ports

_ROOT = Path(__file__).parents[2]
_LIMIT_S = 150


def _run_demo(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A setting of the test run's own must not reach the demo's system.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("BIGSEG_")
    }
    with default_ports():
        return subprocess.run(
            (
                *(sys.executable, "-m", "api.local.demo.run"),
                *("--data-dir", str(data_dir), "--exit", *arguments),
            ),
            env=environment | {"COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )


def test_demo__made_up_list__every_comparison_holds(tmp_path: Path) -> None:
    result = _run_demo(tmp_path, "--members", "20000")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "the export is the accepted list" in result.stdout
    assert "NO" not in result.stdout
    assert result.stdout.rstrip().endswith("stopped")


def test_demo__the_user_s_own_file__is_compared_with_what_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    cells = ["alice", "bob", "alice", "", " ", "k" * 1_025, 'with "quotes", and comma', "ключ"]
    path.write_text("".join(f'"{cell.replace(chr(34), chr(34) * 2)}",x\n' for cell in cells))

    result = _run_demo(tmp_path / "data", "--file", str(path))

    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 / 1 / 3" in result.stdout
    assert "NO" not in result.stdout
