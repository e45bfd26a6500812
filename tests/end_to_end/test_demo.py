"""The demo, small: what a new user runs first ends well, and says so."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.systems.up import default_ports

_ROOT = Path(__file__).parents[2]
_LIMIT_S = 150


def test_demo__made_up_list__every_comparison_holds(tmp_path: Path) -> None:
    # A setting of the test run's own must not reach the demo's system.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("BIGSEG_")
    }
    with default_ports():
        result = subprocess.run(
            (
                *(sys.executable, "-m", "api.local.demo.run"),
                *("--data-dir", str(tmp_path), "--exit", "--members", "20000"),
            ),
            env=environment | {"COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "the export is the accepted list" in result.stdout
    assert "NO" not in result.stdout
    assert result.stdout.rstrip().endswith("stopped")
