"""The lists of the demo: one made up, or the user's own, and what should come back."""

import csv
import io
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeAlias, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from worker.byte_columns import as_list
from worker.context_keys import fault_of
from worker.store import pack_keys, unpack_members

Keys: TypeAlias = "pa.StringArray"

_UUID_BYTES: Final = 16
_KEYS_PER_WRITE: Final = 100_000
_PARQUET: Final = b"PAR1"


def make_keys(count: int) -> Keys:
    """Random version-less UUIDs in text, made column-wise."""
    one = as_list(pack_keys(pa.array(["00000000-0000-0000-0000-000000000000"])))[0]
    tag = one[: len(one) - _UUID_BYTES]
    noise = secrets.token_bytes(count * _UUID_BYTES)
    members = (tag + noise[at : at + _UUID_BYTES] for at in range(0, len(noise), _UUID_BYTES))
    return cast("Keys", unpack_members(pa.array(members, pa.binary())).cast(pa.string()))


def write_csv(keys: Keys, path: Path, on_written: Callable[[int], None]) -> None:
    """Write one key a line; says how many now and then."""
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(keys), _KEYS_PER_WRITE):
            part = keys.slice(start, _KEYS_PER_WRITE).to_pylist()
            file.writelines(f"{key}\n" for key in part)
            on_written(start + len(part))


def expected_keys(path: Path) -> Keys:
    """The keys that an import of this file should accept, read the plain way."""
    with path.open("rb") as file:
        is_parquet = file.read(len(_PARQUET)) == _PARQUET
    cells = _parquet_cells(path) if is_parquet else _csv_cells(path)
    return canonical(pa.array([cell for cell in cells if _is_key(cell)], pa.string()))


def canonical(keys: Keys) -> Keys:
    """Each key once, in order, so that two lists can be compared."""
    return pc.unique(keys).sort()


def read_export(content: bytes) -> Keys:
    """The first cells of a CSV export, in canonical order; repeated ones stay."""
    rows = csv.reader(io.StringIO(content.decode(), newline=""))
    return pa.array([row[0] for row in rows], pa.string()).sort()


def _csv_cells(path: Path) -> Iterable[str | None]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        for row in csv.reader(file):
            yield row[0] if row else None


def _parquet_cells(path: Path) -> Iterable[str | None]:
    column = pq.ParquetFile(path).read().column(0)
    for value in column.to_pylist():
        match value:
            case None:
                yield None
            case bytes():
                yield value.decode(errors="surrogateescape")
            case _:
                yield str(value)


def _is_key(cell: str | None) -> bool:
    return cell is not None and fault_of(cell) is None
