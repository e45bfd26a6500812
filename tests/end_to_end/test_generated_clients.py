"""Clients generated from the served document compile strictly and take a list all the way."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from tests.support.systems.driving import put_list
from tests.support.systems.system import TOKEN, System

_ROUNDS: Final = Path(__file__).parent / "generated_clients"
_LIST: Final = "é/?\nbob\n"


def test_openapi_python_client__generated_and_strictly_checked__takes_a_list_all_the_way(
    system: System, tmp_path: Path
) -> None:
    document = _served(system, tmp_path)
    (tmp_path / "options.yaml").write_text("post_hooks: []\n")
    shutil.copy(_ROUNDS / "round.py", tmp_path)

    _run(
        tmp_path,
        *(sys.executable, "-m", "openapi_python_client", "generate", "--path", document),
        *("--output-path", "bigseg_client", "--meta", "none", "--config", "options.yaml"),
        "--fail-on-warning",
    )
    _run(
        tmp_path,
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir=/dev/null",
        "bigseg_client",
        "round.py",
    )

    _assert_taken_all_the_way(system, tmp_path, sys.executable, "-W", "error", "round.py")


def test_hey_api_openapi_ts__generated_and_strictly_checked__takes_a_list_all_the_way(
    system: System, tmp_path: Path, node_home: Path
) -> None:
    document = _served(system, tmp_path)
    for name in ("round.ts", "tsconfig.json"):
        shutil.copy(_ROUNDS / name, tmp_path)
    node, packages = node_home / "node", node_home / "node_modules"

    _run(
        tmp_path,
        *(node, packages / "@hey-api/openapi-ts/bin/run.js", "--no-log-file"),
        *("--input", document, "--output", "client", "--client", "@hey-api/client-fetch"),
    )
    _run(tmp_path, node, packages / "typescript/bin/tsc", "--project", ".")

    _assert_taken_all_the_way(system, tmp_path, node, "built/round.js")


def _served(system: System, directory: Path) -> Path:
    path = directory / "openapi.json"
    path.write_bytes(system.http.get("/openapi.json").content)
    return path


def _assert_taken_all_the_way(system: System, directory: Path, *program: str | Path) -> None:
    """Run a round; hold what it has seen against what it did."""
    source = f"s3://{system.bucket}/{put_list(system, _LIST.encode())}"

    outcome: dict[str, Any] = json.loads(
        _run(directory, *program, system.url, TOKEN, "generated", source)
    )

    exported = outcome.pop("exported").splitlines()
    assert abs(outcome.pop("created") / 1_000 - time.time()) < 120
    assert outcome == {
        "accepted": [2, 2],
        "matched": [True],
        "included": {"alice": True, "é/?": True, "zoe": False},
        "sizeBytes": len("alice\nbob\né/?\n".encode()),
    }
    assert sorted(exported) == ["alice", "bob", "é/?"]


def _run(directory: Path, *command: str | Path) -> str:
    """Run a program; give what it prints. What it complains of is in the failure."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}  # no proxy settings
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4_000:]}\n{done.stderr[-4_000:]}"
    return done.stdout
