"""Cells of a block by Python's ``csv`` module: the reference, for any input."""

import csv
import io
from codecs import BOM_UTF8

import numpy as np
import pyarrow as pa

from worker.byte_columns import Column
from worker.lists.csv.lines import line_bounds

_QUOTE = ord('"')
#: What is removed in front of cells that are not in quotes; see ``keys/residue.py``.
_RESIDUE = (BOM_UTF8, b'="')


def read_by_csv_module(
    block: bytes, limit: int, *, final: bool, delimiter: str = ",", column: int = 0
) -> tuple[Column, np.ndarray, np.ndarray]:
    """Read the rows of a block that start before ``limit`` and are finished in it.

    The structure of CSV is ASCII, so each byte is read as the Latin-1 character of the
    same number and the cells are turned back into their bytes.

    Raises ``csv.field_size_limit`` of the process to the block's length where it is
    lower (and never lowers it): the length of rows is the caller's to limit.

    Args:
        block: Starts at the start of a row.
        limit: Rows that start here or later are left out.
        final: The file ends with this block; otherwise its last row may go on.
        delimiter: What separates cells.
        column: Which cell of each row is read.

    Returns:
        The cells (binary, empty for a row without one); where each row starts in the block,
        with one entry more for where the next one would; and a bool for each row, whether
        the cell is in quotes (of columns but the first: of cells for which it matters).
    """
    if csv.field_size_limit() < len(block):
        csv.field_size_limit(len(block))
    lines = io.StringIO(block.decode("latin-1"), newline="")
    reader = csv.reader(lines, delimiter=delimiter)
    cells: list[bytes] = []
    lines_read: list[int] = []
    for row in reader:
        cells.append(row[column].encode("latin-1") if len(row) > column else b"")
        lines_read.append(reader.line_num)
    if not final and cells:
        cells.pop()
        lines_read.pop()
    line_starts = np.concatenate([[0], line_bounds(block, final=True)[1], [len(block)]])
    starts = line_starts[[0, *lines_read]]
    count = int(np.searchsorted(starts[:-1], limit))
    starts = starts[: count + 1]
    quoted = np.frombuffer(block, np.uint8)[starts[:-1]] == _QUOTE
    if column:
        quoted = np.array(
            [
                cell.startswith(_RESIDUE)
                and _is_quoted(block[starts[row] : starts[row + 1]], delimiter, column)
                for row, cell in enumerate(cells[:count])
            ],
            bool,
        )
    return pa.array(cells[:count], pa.binary()), starts, quoted


def ends_in_quotes(row: bytes, delimiter: str = ",") -> bool:
    """Whether a file's last row ends within quotes: what came behind would be its own."""
    text = row.decode("latin-1")
    lines = io.StringIO(f"{text}\nx", newline="")
    return sum(1 for _ in csv.reader(lines, delimiter=delimiter)) == 1


def _is_quoted(row: bytes, delimiter: str, column: int) -> bool:
    """Whether a cell of a row is in quotes: the states of the csv module, without the text."""
    quote, at, inside, fresh, quoted = '"', 0, False, True, False
    text = row.decode("latin-1")
    for number, char in enumerate(text):
        if inside:
            if char == quote:
                inside = False
            continue
        if fresh and at == column:
            return char == quote
        if char == quote and (fresh or (text[number - 1] == quote and quoted)):
            inside = quoted = True
            fresh = False
        elif char == delimiter:
            at, fresh, quoted = at + 1, True, False
        else:
            # After a closing quote, any other character makes the rest plain text.
            fresh = quoted = False
    return False
