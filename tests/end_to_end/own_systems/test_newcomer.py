"""What a newcomer runs: the demo, and a first hour in a real terminal, as it was recorded.

Both use the default ports, so one process of the tests runs them.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.newcomer.story import TRANSCRIPT, play
from tests.support.newcomer.transcript import mask_transcript
from tests.support.systems.up import default_ports

_ROOT = Path(__file__).parents[3]
_LIMIT_S = 150


def test_newcomer__readme_mistakes_and_interruptions__look_as_recorded() -> None:
    played = play()

    assert mask_transcript(played) == mask_transcript(TRANSCRIPT.read_text()), (
        f"if it is right: ./scripts/transcript --record\n{played}"
    )


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
