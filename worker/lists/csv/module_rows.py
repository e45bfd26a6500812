"""First cells of a block by Python's ``csv`` module: the reference, for any input."""

import csv
import io

import numpy as np
import pyarrow as pa

from worker.byte_columns import Column
from worker.lists.csv.lines import line_bounds


def read_by_csv_module(block: bytes, limit: int, *, final: bool) -> tuple[Column, np.ndarray]:
    """Read the rows of a block that start before ``limit`` and are finished in it.

    The structure of CSV is ASCII, so each byte is read as the Latin-1 character of the
    same number and the cells are turned back into their bytes.

    Raises ``csv.field_size_limit`` of the process to the block's length where it is
    lower (and never lowers it): the length of rows is the caller's to limit.

    Args:
        block: Starts at the start of a row.
        limit: Rows that start here or later are left out.
        final: The file ends with this block; otherwise its last row may go on.

    Returns:
        The first cells (binary, empty for a row without one), and where each row starts
        in the block, with one entry more for where the next one would.
    """
    if csv.field_size_limit() < len(block):
        csv.field_size_limit(len(block))
    lines = io.StringIO(block.decode("latin-1"), newline="")
    reader = csv.reader(lines)
    cells: list[bytes] = []
    lines_read: list[int] = []
    for row in reader:
        cells.append(row[0].encode("latin-1") if row else b"")
        lines_read.append(reader.line_num)
    if not final and cells:
        cells.pop()
        lines_read.pop()
    line_starts = np.concatenate([[0], line_bounds(block, final=True)[1], [len(block)]])
    starts = line_starts[[0, *lines_read]]
    count = int(np.searchsorted(starts[:-1], limit))
    return pa.array(cells[:count], pa.binary()), starts[: count + 1]


def ends_in_quotes(row: bytes) -> bool:
    """Whether a file's last row ends within quotes: what came behind would be its own."""
    text = row.decode("latin-1")
    return sum(1 for _ in csv.reader(io.StringIO(f"{text}\nx", newline=""))) == 1
