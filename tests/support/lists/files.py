"""List files for tests: what the reference parser makes of one, and ways to read it."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from worker.lists.csv.chunks import CsvChunk, CsvChunkReader, CsvState
from worker.lists.keys.validation import KeyBatch, RejectReason

Outcome = bytes | RejectReason


def reference_cells(content: bytes) -> list[bytes]:
    """The first cells by ``csv.reader`` over the whole file, empty for a row without one."""
    csv.field_size_limit(max(csv.field_size_limit(), len(content)))
    text = io.TextIOWrapper(
        io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")), encoding="latin-1", newline=""
    )
    lines = [*text]
    reader, cells, first_line = csv.reader(lines), list[bytes](), 0
    for row in reader:
        cell = row[0].encode("latin-1") if row else b""
        cells.append(cell if lines[first_line].startswith('"') else bare(cell))
        first_line = reader.line_num
    return cells


def bare(cell: bytes) -> bytes:
    """A cell without marks of byte order in front, and out of a spreadsheet's guard."""
    while cell[:3] == b"\xef\xbb\xbf":
        cell = cell[3:]
        if len(cell) > 1 and cell[:1] == cell[-1:] == b'"':
            cell = cell[1:-1].replace(b'""', b'"')
    if len(cell) > 2 and cell[:2] == b'="' and cell[-1:] == b'"':
        cell = cell[2:-1].replace(b'""', b'"')
    return cell


def reference_outcome(cell: bytes) -> Outcome:
    """A cell judged on its own, by the plain words of the rules."""
    if not cell:
        return RejectReason.BLANK
    if len(cell) > 1024:
        return RejectReason.TOO_LONG
    try:
        text = cell.decode()
    except UnicodeDecodeError:
        return RejectReason.INVALID_UTF8
    if text.isspace():
        return RejectReason.BLANK
    if any(ord(char) < 0x20 or 0x7F <= ord(char) <= 0x9F for char in text):
        return RejectReason.CONTROL_CHARACTER
    return cell


def outcomes(batch: KeyBatch) -> list[Outcome]:
    """What became of each row, in file order."""
    assert batch.row_count == len(batch.keys) + len(batch.rejected_rows)
    assert batch.rejected_rows.dtype == np.int64
    assert batch.rejected_reasons.dtype == np.uint8
    reasons = dict(zip(batch.rejected_rows.tolist(), batch.rejected_reasons.tolist(), strict=True))
    keys: Iterator[Any] = iter(batch.keys.to_pylist())
    return [
        RejectReason(reasons[row]) if row in reasons else next(keys)
        for row in range(batch.row_count)
    ]


def source(
    content: bytes, *, piece_bytes: int = 7, ranges: list[tuple[int, int]] | None = None
) -> Callable[[int, int], Iterator[bytes]]:
    """A ``read(start, end)`` over bytes in memory that notes the ranges it opens."""

    def read(start: int, end: int) -> Iterator[bytes]:
        assert 0 <= start < end <= len(content)
        if ranges is not None:
            ranges.append((start, end))
        for at in range(start, end, piece_bytes):
            yield content[at : min(at + piece_bytes, end)]

    return read


def read_in_chunks(
    content: bytes, cuts: list[int], *, block_bytes: int = 4096, piece_bytes: int = 4096
) -> list[Outcome]:
    """Read a file chunk by chunk as an import does: guess ``ROW``, read again if wrong."""
    bounds = [0, *sorted(cuts), len(content)]
    found: list[Outcome] = []
    state = CsvState.ROW
    for start, end in itertools.pairwise(bounds):
        chunk = CsvChunk(start, end, len(content))
        read = source(content, piece_bytes=piece_bytes)
        reader = CsvChunkReader(chunk, CsvState.ROW, read, block_bytes=block_bytes)
        rows = rows_of(reader)
        if state is CsvState.QUOTED and start > 0:
            reader = CsvChunkReader(chunk, state, read, block_bytes=block_bytes)
            rows = rows_of(reader)
        found += rows
        state = reader.end_state
    return found


def rows_of(reader: CsvChunkReader) -> list[Outcome]:
    """What became of each row of a chunk."""
    return [outcome for batch in reader.batches() for outcome in outcomes(batch)]
