"""Importing a list compressed, or as Parquet, against the same list as plain CSV."""

import gzip
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa

from tests.benchmarks.bench import Bench, middle, tell
from tests.benchmarks.lists import ListFile, write_uuid_parquet, write_uuids
from tests.benchmarks.system import Job

_LEVEL: Final = 6
_PIECE_BYTES: Final = 1024 * 1024


def _write_gzip(folder: Path, rows: int) -> ListFile:
    plain = write_uuids(folder, rows)
    path = folder / f"{plain.name}.gz"
    with plain.path.open("rb") as source, gzip.open(path, "wb", _LEVEL) as packed:
        shutil.copyfileobj(source, packed, _PIECE_BYTES)
    plain.path.unlink()
    return ListFile(path, path.name, rows)


def _write_zstd(folder: Path, rows: int) -> ListFile:
    plain = write_uuids(folder, rows)
    path = folder / f"{plain.name}.zst"
    with plain.path.open("rb") as source, pa.CompressedOutputStream(str(path), "zstd") as packed:
        shutil.copyfileobj(source, packed, _PIECE_BYTES)
    plain.path.unlink()
    return ListFile(path, path.name, rows)


_SOURCES: Mapping[str, Callable[[Path, int], ListFile]] = {
    "gzip": _write_gzip,
    "zstd": _write_zstd,
    "parquet": write_uuid_parquet,
}


def measure(bench: Bench) -> None:
    """Import the same keys in each form, in turn with plain CSV."""
    rows = bench.members
    for name, write in _SOURCES.items():
        plain = write_uuids(bench.system.folder, rows)
        other = write(bench.system.folder, rows)
        for file in (plain, other):
            bench.system.source(file)
        pairs = [
            _import_both(bench, plain, name, other, other_first=bool(number % 2))
            for number in range(bench.effort.long_runs)
        ]
        _put(bench, name, pairs)
        for file in (plain, other):
            file.path.unlink(missing_ok=True)


def _import_both(
    bench: Bench, plain: ListFile, name: str, other: ListFile, *, other_first: bool
) -> tuple[Job, Job]:
    """Import both, each as often first as second: the second finds memory that the first used."""
    if other_first:
        job = _import(bench, name, other)
        return _import(bench, "csv", plain), job
    job = _import(bench, "csv", plain)
    return job, _import(bench, name, other)


def _import(bench: Bench, name: str, file: ListFile) -> Job:
    tell(f"import of {name}")
    segment = f"from-{name}"
    bench.system.create(segment)
    job = bench.system.import_list(segment, file)
    bench.note_memory()
    bench.system.delete(segment)
    bench.system.used_bytes()  # comes to rest
    return job


def _put(bench: Bench, name: str, pairs: list[tuple[Job, Job]]) -> None:
    value, spread = middle([plain.seconds / other.seconds for plain, other in pairs])
    bench.figures.put(
        f"import_{name}_vs_csv",
        value,
        spread=spread,
        csv_s=middle([plain.seconds for plain, _ in pairs])[0],
        other_s=middle([other.seconds for _, other in pairs])[0],
        csv_scatter_s=middle([plain.stage_seconds["scatter"] for plain, _ in pairs])[0],
        other_scatter_s=middle([other.stage_seconds["scatter"] for _, other in pairs])[0],
        runs=len(pairs),
    )
