"""The cells of one column of the CSV rows in a block of bytes, column-wise.

Exactly the rows of ``csv.reader`` (default dialect, but for the delimiter). Three ways, the
cheapest that is exact for the block:

1. Lines of one length without quotes and delimiters (ids, UUIDs): one strided copy.
2. Anything whose quotes are where RFC 4180 puts them: numpy on the positions of
   newlines, delimiters and quotes.
3. Stray quotes: ``csv.reader`` itself (``module_rows.py``).

Source: the states START_RECORD, START_FIELD, IN_FIELD, IN_QUOTED_FIELD and
QUOTE_IN_QUOTED_FIELD of CPython's ``Modules/_csv.c``, 3.11 to 3.14.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow.compute as pc

from worker.byte_columns import Column, ColumnView, sliced_column, uniform_column
from worker.lists.csv.lines import line_bounds
from worker.lists.csv.module_rows import ends_in_quotes, read_by_csv_module

_LF, _CR, _QUOTE = b'\n\r"'

#: Fewer lines than this are not worth the attempt to read them as lines of one length.
_UNIFORM_LINES_MIN = 16


@dataclass(frozen=True, slots=True)
class Columns:
    """How rows are cut into cells, and which of them is read."""

    delimiter: bytes = b","
    """One byte of ASCII."""
    column: int = 0
    """From 0."""


#: The first column of a file with commas.
FIRST_OF_COMMAS: Final = Columns()


@dataclass(frozen=True, slots=True, eq=False)
class BlockRows:
    """The whole rows at the front of a block."""

    cells: Column
    """binary: the cell of each row, empty for a row without one; no nulls."""
    end: int
    """Where the row after them starts in the block."""
    longest_at: int
    """Where the longest of them starts in the block, terminator included."""
    longest_bytes: int
    """Its length, 0 when there are no rows."""
    quoted: np.ndarray | None = None
    """A bool for each row: whether the cell is in quotes; nothing if none can be."""
    open_quote: bool = False
    """Whether the last of them is the file's last, within a quote that nothing closes."""
    faults: np.ndarray | None = None
    """A ``RejectReason`` for each row, 0 for a cell; nothing if each is one."""
    starts: np.ndarray | None = None
    """Where each row starts in the block, and where the row after them does; nothing if all are as
    long as the longest."""

    def starts_of(self, rows: np.ndarray) -> np.ndarray:
        """Where the rows of these numbers start in the block."""
        return rows * self.longest_bytes if self.starts is None else self.starts[rows]


def read_rows(
    block: bytes, *, limit: int, final: bool, columns: Columns = FIRST_OF_COMMAS
) -> BlockRows:
    r"""Read the rows that start before ``limit`` and end in the block.

    May return fewer; what is left starts at ``end``. A row whose terminator is cut
    (a last ``\r`` that a ``\n`` may follow) counts as unfinished.

    Cost, UUID lines: under 30 ns a row; with quotes under 100 ns; 0.6 µs by the csv module.

    Args:
        block: Starts at the start of a row; under 2 GiB.
        limit: Rows that start here or later are left alone.
        final: The file ends with this block, so its last row needs no terminator.
        columns: Which cells are read.
    """
    rows = _read_uniform(block, limit, columns) or _read_by_position(
        block, limit, columns, final=final
    )
    if rows is not None:
        return rows
    cells, starts, in_quotes = read_by_csv_module(
        block, limit, final=final, delimiter=columns.delimiter.decode(), column=columns.column
    )
    # Where the file ends within quotes, the csv module is the one to read its last rows.
    at_end = final and len(cells) > 0 and starts[-1] == len(block)
    open_quote = at_end and ends_in_quotes(block[starts[-2] :], columns.delimiter.decode())
    return _block_rows(cells, starts, in_quotes, open_quote=open_quote)


def _block_rows(
    cells: Column, starts: np.ndarray, quoted: np.ndarray | None = None, *, open_quote: bool = False
) -> BlockRows:
    """``starts`` has one more entry than there are rows."""
    if len(cells) == 0:
        return BlockRows(cells, end=0, longest_at=0, longest_bytes=0)
    lengths = np.diff(starts)
    longest = int(lengths.argmax())
    return BlockRows(
        cells,
        end=int(starts[-1]),
        longest_at=int(starts[longest]),
        longest_bytes=int(lengths[longest]),
        quoted=quoted,
        open_quote=open_quote,
        starts=starts,
    )


def _read_uniform(block: bytes, limit: int, columns: Columns) -> BlockRows | None:
    """Read lines that are all as long as the first; None where they are not."""
    if columns.column:
        return None
    width = block.find(b"\n") + 1
    terminator = 2 if block[width - 2 : width - 1] == b"\r" else 1
    if width <= terminator:
        return None
    count = min(len(block) // width, -(-limit // width))
    if count < _UNIFORM_LINES_MIN or b'"' in block or columns.delimiter in block:
        return None
    lines = np.frombuffer(block, np.uint8, count * width).reshape(count, width)
    if (lines[:, -1] != _LF).any() or (terminator > 1 and (lines[:, -2] != _CR).any()):
        return None
    cells = np.ascontiguousarray(lines[:, :-terminator])
    if cells.min() <= _CR:  # perhaps a newline inside, or a tab
        return None
    return BlockRows(uniform_column(cells), count * width, longest_at=0, longest_bytes=width)


def _read_by_position(
    block: bytes, limit: int, columns: Columns, *, final: bool
) -> BlockRows | None:
    """Read rows whose quotes are well placed; None where one is not."""
    data = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(data == _QUOTE) if b'"' in block else np.empty(0, np.int64)
    delimiter = columns.delimiter[0]
    if len(quotes) and not _well_placed(data, quotes, delimiter, final=final):
        return None
    ends, starts = _row_bounds(block, quotes, final=final)
    count = int(np.searchsorted(starts[:-1], limit))
    starts, ends = starts[: count + 1], ends[:count]
    firsts = starts[:-1]
    if columns.column:
        firsts, ends = _bounds_of_column(data, firsts, ends, quotes, columns)
    elif _has_quoted_cell_alone(quotes, firsts, ends):
        cells = sliced_column(block, firsts + 1, quotes[1 : 2 * count : 2])
        return _block_rows(cells, starts, np.ones(count, bool))
    elif columns.delimiter in block:
        ends = _first_cell_ends(data, firsts, ends, quotes, delimiter)
    if len(quotes) == 0:
        return _block_rows(sliced_column(block, firsts, ends), starts)
    quoted = (data.take(firsts, mode="clip") == _QUOTE) & (ends > firsts)
    cells = sliced_column(block, firsts + quoted, ends - quoted)
    if (ColumnView.of(cells).data == _QUOTE).any():
        # Outer quotes are gone and the others well placed, so each is one of a pair.
        cells = pc.replace_substring(cells, pattern='""', replacement='"')
    return _block_rows(cells, starts, quoted)


def _has_quoted_cell_alone(quotes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> bool:
    """Whether each of these rows has two quotes, of which the first begins it.

    Args:
        quotes: All of the block, well placed; the rows are its first ones.
        starts: Where each row starts.
        ends: Where its content, or a part of it from the start on, ends.
    """
    count = len(starts)
    opening, closing = quotes[0 : 2 * count : 2], quotes[1 : 2 * count : 2]
    return (
        0 < count == len(closing)
        and bool((opening == starts).all())
        and bool((closing < ends).all())
        and (len(quotes) == 2 * count or bool(quotes[2 * count] > ends[-1]))
    )


def _well_placed(data: np.ndarray, quotes: np.ndarray, delimiter: int, *, final: bool) -> bool:
    """Whether every quote opens a cell, closes one, or is half of a pair within one.

    Then quotes open and close in turn, and what is outside them is structure. The pair
    is a close and an open without a byte between. A quote left open at the end of the
    file is the csv module's to judge.
    """
    opening, closing = quotes[0::2], quotes[1::2]
    if final and len(opening) > len(closing):
        return False
    border = np.zeros(256, bool)
    border[[_LF, _CR, delimiter]] = True
    after = closing + 1
    paired = after[: len(opening) - 1] == opening[1:]
    opens = (opening == 0) | border[data[opening - 1]]
    opens[1:] |= paired
    closes = (after == len(data)) | border[data[np.minimum(after, len(data) - 1)]]
    closes[: len(paired)] |= paired
    return bool(opens.all() and closes.all())


def _row_bounds(block: bytes, quotes: np.ndarray, *, final: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's content ends, and where each row starts and the next one would."""
    ends, after = line_bounds(block, final=final)
    if len(quotes):
        starts = np.concatenate([np.zeros(1, np.int64), after[:-1]])[: len(after)]
        if not _has_quoted_cell_alone(quotes, starts, ends):
            outside = (np.searchsorted(quotes, ends) & 1) == 0
            ends, after = ends[outside], after[outside]
    tail = int(after[-1]) if len(after) else 0
    if final and tail < len(block):
        ends, after = np.append(ends, len(block)), np.append(after, len(block))
    return ends, np.concatenate([np.zeros(1, np.int64), after])


def _first_cell_ends(
    data: np.ndarray, starts: np.ndarray, ends: np.ndarray, quotes: np.ndarray, delimiter: int
) -> np.ndarray:
    """The first delimiter outside quotes of each row, or the row's end."""
    commas = _delimiters_outside(data, quotes, delimiter)
    each, rest = divmod(len(commas), max(len(starts), 1))
    if each and not rest:
        in_rows = commas.reshape(-1, each)
        if (in_rows[:, 0] >= starts).all() and (in_rows[:, -1] < ends).all():
            # As many in every row: no search for the first ones.
            return in_rows[:, 0]
    commas = np.append(commas, len(data))
    first_commas: np.ndarray = commas[np.searchsorted(commas, starts)]
    return np.asarray(np.minimum(first_commas, ends))


def _bounds_of_column(
    data: np.ndarray, starts: np.ndarray, ends: np.ndarray, quotes: np.ndarray, columns: Columns
) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's cell of a column starts and ends; both are the row's end without one."""
    delimiters = _delimiters_outside(data, quotes, columns.delimiter[0])
    # The last one stands for any beyond the block.
    delimiters = np.append(delimiters, len(data))
    before = np.searchsorted(delimiters, starts) + columns.column - 1
    last = len(delimiters) - 1
    opening = delimiters[np.minimum(before, last)]
    closing = delimiters[np.minimum(before + 1, last)]
    firsts = np.where(opening < ends, opening + 1, ends)
    return firsts, np.where(opening < ends, np.minimum(closing, ends), ends)


def _delimiters_outside(data: np.ndarray, quotes: np.ndarray, delimiter: int) -> np.ndarray:
    """Positions of the delimiters that are not within quotes."""
    found = np.flatnonzero(data == delimiter)
    if len(quotes):
        found = found[(np.searchsorted(quotes, found) & 1) == 0]
    return found
