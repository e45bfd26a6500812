"""Lists that go straight to the bucket in parts, and through real workers to the members."""

import gzip
import random
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from api.cli.application import build_app
from tests.support.systems.driving import PRODUCTION, csv_of, new_segment, random_keys
from tests.support.systems.system import TOKEN, System

#: The least length of a part that S3 takes.
_PART: Final = 5 * 1024 * 1024


def test_files__of_several_parts_and_forms__are_one_import(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGSEG_URL", str(system.http.base_url))
    monkeypatch.setenv("BIGSEG_TOKEN", TOKEN)
    segment, keys = new_segment(system), random_keys(3_000)
    rows = random.Random(5)
    # Long keys fill a part with few rows.
    long = [f"{number}-{rows.randbytes(500).hex()}" for number in range(6_000)]
    plain, packed = tmp_path / "plain.csv", tmp_path / "packed.csv.gz"
    plain.write_bytes(csv_of([*keys, long[0]]))
    # Not made smaller: one chunk of two parts.
    packed.write_bytes(gzip.compress(csv_of(long), 0))
    assert packed.stat().st_size > _PART

    words = ("import", str(plain), str(packed), "-s", segment.ref.segment, "--json")
    result = CliRunner().invoke(build_app(), words)

    assert result.exit_code == 0, result.output
    assert segment.members() == {*keys, *long}
    assert system.store.uploads.read_all(PRODUCTION) == []
