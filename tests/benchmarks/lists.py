"""List files to import, made as fast as the disk takes them and always the same."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Matrix = NDArray[np.uint8]

_BLOCK_ROWS = 500_000
_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8)
_LF = ord("\n")
#: Bytes of a UUID and the end of its line.
_UUID_LINE = 37
#: Ids of eight digits, in an order that is not theirs: a step without a factor in common.
_FIRST_ID, _ID_COUNT, _ID_STEP = 10_000_000, 90_000_000, 48_271_811


@dataclass(frozen=True, slots=True)
class ListFile:
    """A CSV or Parquet file of one column.

    Attributes:
        path: where it is on the disk, if it is.
        name: what its object in S3 is called.
        rows: how many keys it holds, all distinct.
    """

    path: Path
    name: str
    rows: int


def write_uuids(folder: Path, rows: int, *, seed: int = 1) -> ListFile:
    """Random UUIDs, 36 characters each."""
    random = np.random.default_rng(seed)
    return _write(folder, f"uuids-{seed}-{rows}.csv", rows, lambda _, n: _uuids(random, n))


def uuid_blocks(rows: int, *, seed: int = 1) -> Iterator[bytes]:
    """The content of what `write_uuids` writes, block by block."""
    random = np.random.default_rng(seed)
    for at in range(0, rows, _BLOCK_ROWS):
        yield _uuids(random, min(_BLOCK_ROWS, rows - at)).tobytes()


def write_overlapping_uuids(folder: Path, rows: int) -> ListFile:
    """The second half of the keys of `write_uuids`, and as many others."""
    half = rows // 2
    path = folder / f"overlapping-{rows}.csv"
    with path.open("wb") as file:
        passed = 0
        for block in uuid_blocks(half + rows):
            keys = len(block) // _UUID_LINE
            file.write(block[max(0, half - passed) * _UUID_LINE :])
            passed += keys
    return ListFile(path, path.name, rows)


def write_uuid_parquet(folder: Path, rows: int) -> ListFile:
    """The keys of `write_uuids`, as text in a Parquet file with pyarrow's defaults."""
    random = np.random.default_rng(1)
    path = folder / f"uuids-{rows}.parquet"
    schema = pa.schema([("key", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for at in range(0, rows, _BLOCK_ROWS):
            count = min(_BLOCK_ROWS, rows - at)
            keys = np.ascontiguousarray(_uuids(random, count)[:, :-1])
            texts = pa.array(keys.view("S36").reshape(-1)).cast(pa.string())
            writer.write_table(pa.Table.from_arrays([texts], schema=schema))
    return ListFile(path, path.name, rows)


def write_ids(folder: Path, rows: int) -> ListFile:
    """Decimal ids of eight digits, in no order."""
    return _write(folder, f"ids-{rows}.csv", rows, lambda at, n: _lines(_digits(at, n)))


def write_emails(folder: Path, rows: int) -> ListFile:
    """Addresses of exactly 30 characters."""
    return _write(folder, f"emails-{rows}.csv", rows, lambda at, n: _lines(_emails(at, n)))


def write_uneven_emails(folder: Path, rows: int) -> ListFile:
    """Addresses of 24 to 36 characters, 30 on average."""
    random = np.random.default_rng(3)

    def block(at: int, count: int) -> Matrix:
        # Letters before the address make it longer; the mask leaves out the ones too many.
        letters = random.integers(ord("a"), ord("z") + 1, (count, 12), np.uint8)
        start = 12 - random.integers(0, 13, count)
        rows = np.hstack([letters, _lines(_emails(at, count)[:, 6:])])
        shown: Matrix = rows[np.arange(rows.shape[1]) >= start[:, None]]
        return shown

    return _write(folder, f"uneven-emails-{rows}.csv", rows, block)


def first_keys(file: ListFile, count: int) -> list[str]:
    """Keys from all over a list, ``count`` of them at most."""
    size = file.path.stat().st_size
    keys: list[str] = []
    with file.path.open("rb") as lines:
        for part in range(16):
            lines.seek(size * part // 16)
            lines.readline()
            keys += [lines.readline().decode().strip() for _ in range(-(-count // 16))]
    return [key for key in keys if key][:count]


def _write(folder: Path, name: str, rows: int, block: Callable[[int, int], Matrix]) -> ListFile:
    path = folder / name
    with path.open("wb") as file:
        for at in range(0, rows, _BLOCK_ROWS):
            block(at, min(_BLOCK_ROWS, rows - at)).tofile(file)
    return ListFile(path, name, rows)


def _uuids(random: np.random.Generator, count: int) -> Matrix:
    raw = random.integers(0, 256, (count, 16), np.uint8)
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40  # version 4, variant 1
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = _HEX.reshape(256, 2)[raw].reshape(count, 32)
    lines = np.full((count, 37), ord("-"), np.uint8)
    for column, start, end in ((0, 0, 8), (9, 8, 12), (14, 12, 16), (19, 16, 20), (24, 20, 32)):
        lines[:, column : column + end - start] = digits[:, start:end]
    lines[:, 36] = _LF
    return lines


def _digits(at: int, count: int) -> Matrix:
    numbers = np.arange(at, at + count, dtype=np.int64) * _ID_STEP % _ID_COUNT + _FIRST_ID
    powers = 10 ** np.arange(7, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def _emails(at: int, count: int) -> Matrix:
    before, after = b"member.", b"@mail.example.c"
    rows = np.empty((count, 30), np.uint8)
    rows[:, :7] = np.frombuffer(before, np.uint8)
    rows[:, 7:15] = _digits(at, count)
    rows[:, 15:] = np.frombuffer(after, np.uint8)
    return rows


def _lines(keys: Matrix) -> Matrix:
    return np.hstack([keys, np.full((len(keys), 1), _LF, np.uint8)])
