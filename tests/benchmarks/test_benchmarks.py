"""A small run of everything that scripts/bench measures: that it works, not how fast it is."""

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.budgets import BUDGETS

_ROOT = Path(__file__).parents[2]
#: One server is enough: the run on the other takes the same steps.
_COMMAND = (
    *(sys.executable, "-m", "tests.benchmarks", "--json", "--quick"),
    *("--members", "20000", "--server", "valkey"),
)


def test_benchmarks__small_run__every_figure_is_there_and_sane() -> None:
    ran = subprocess.run(_COMMAND, cwd=_ROOT, capture_output=True, check=False, text=True)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    for key in BUDGETS:
        assert found["valkey"][key] > 0, key
        assert found["valkey"]["raw"][key], key
        assert isinstance(found["valkey"]["met"][key], bool)
    assert found["run"]["members"] == 20_000
    assert found["valkey"]["raw"]["merge_1k_into_10m_s"]["added"] == 1_000
    assert found["valkey"]["bytes_vs_plain_set"] < 1
    assert any("e-mail" in name for name in found["valkey"]["raw"])
