"""Finds doubtful rows among cells, column-wise.

Most lists prove by a few minima and maxima that they hold none. Where they do not, each
test narrows the rows by single bytes first, and decodes text only for those left.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, ColumnView
from worker.lists.keys.doubts import DELIMITERS, Doubt

#: Row numbers, ascending, of each kind that was found.
DoubtfulRows: TypeAlias = Mapping[Doubt, np.ndarray]

_NULL_TEXTS: Final = (
    *(b"NULL", b"Null", b"null", b"(null)", b"(NULL)", b"<null>", b"\\N", b"nil", b"None", b"none"),
    *(b"NONE", b"NaN", b"nan", b"NAN", b"NA", b"N/A", b"n/a", b"#N/A", b"<NA>", b"NaT", b"nat"),
    *(b"undefined", b"#REF!", b"#VALUE!", b"#NAME?"),
)
_NULL_FIRST: Final = np.isin(np.arange(256), [text[0] for text in _NULL_TEXTS])
_LONGEST_NULL: Final = max(map(len, _NULL_TEXTS))
#: `123.0`, `1.23457E+15`: at most 17 digits, a sign, a dot and an exponent.
_FLOAT: Final = r"^[+-]?[0-9]+(\.[0-9]*([eE][+-]?[0-9]+)?|[eE][+-][0-9]+)$"
_LONGEST_FLOAT: Final = 25
_INVISIBLE: Final = "[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]"
#: Every space outside ASCII and every invisible character begins in UTF-8 with one of the
#: bytes C2, E1 to E3 and EF, and goes on with one of these.
_LEAD_C2, _LEAD_E1, _LEAD_E3, _LEAD_EF = 0xC2, 0xE1, 0xE3, 0xEF
_SPACE_SECONDS: Final = np.isin(np.arange(256), (0x80, 0x81, 0x85, 0x9A, 0xA0, 0xAD, 0xBB))
#: Bytes of cells tested together.
PIECE_BYTES: Final = 64 * 1024
#: Rows that must all hold a delimiter before any are counted.
_SAMPLE_ROWS: Final = 8
_SPACE, _DOT, _ZERO, _NINE = b" .09"
_ASCII_END: Final = 0x80


def find_doubts(
    cells: Column, view: ColumnView, lengths: np.ndarray, lowest: int, highest: int
) -> DoubtfulRows:
    """The doubtful rows among cells, whether they are keys or not.

    Cost: 1 to 5 ns a row of printable ASCII, 10 where there are spaces or other text.

    Args:
        cells: binary or large_binary, no nulls, at least one row.
        view: Its buffers.
        lengths: Its rows' bytes.
        lowest: Least byte of all cells.
        highest: Greatest one.
    """
    found: dict[Doubt, np.ndarray] = {}
    if len(view.data) == 0:
        return found
    shortest = int(lengths.min())
    found |= _find_delimited(view)
    if lowest <= _SPACE or highest >= _ASCII_END:
        found[Doubt.SPACE] = _find_spaced(cells, view, lengths, highest)
    if shortest <= _LONGEST_FLOAT and not _ZERO <= lowest <= highest <= _NINE:
        found |= _find_by_first_byte(cells, view, lengths, shortest, lowest)
    return {doubt: rows for doubt, rows in found.items() if len(rows)}


def _find_delimited(view: ColumnView) -> dict[Doubt, np.ndarray]:
    """Rows with a delimiter, if the first rows all have it: as single keys do not."""
    bounds = view.offsets[: _SAMPLE_ROWS + 1].tolist()
    sample = [bytes(view.data[start:end]) for start, end in pairwise(bounds)]
    return {
        doubt: view.rows_at(np.flatnonzero(view.data == delimiter[0]))
        for doubt, delimiter in DELIMITERS.items()
        if all(delimiter in cell for cell in sample[1:] or sample)
    }


def _find_spaced(cells: Column, view: ColumnView, lengths: np.ndarray, highest: int) -> np.ndarray:
    """Rows that begin or end with a space, or hold an invisible character."""
    data = view.data
    starts, ends = _bounds(view)
    edge = data.take(starts, mode="clip") == _SPACE
    edge |= data.take(ends - 1, mode="clip") == _SPACE
    edge &= lengths > 0
    if highest < _LEAD_C2:
        return np.flatnonzero(edge)
    leads = _lead_positions(data[:-1], highest)
    leads = leads[_SPACE_SECONDS[data[leads + 1]]]
    if len(leads):
        suspects = view.rows_at(leads)
        edge[suspects] |= _has_space(cells.take(suspects))
    return np.flatnonzero(edge)


def _lead_positions(data: np.ndarray, highest: int) -> np.ndarray:
    """Where a space outside ASCII or an invisible character may begin."""
    found = [np.empty(0, np.int64)]
    for start in range(0, len(data), PIECE_BYTES):
        piece = data[start : start + PIECE_BYTES]
        leads = piece == _LEAD_C2
        if highest >= _LEAD_E1:
            leads |= (piece >= _LEAD_E1) & (piece <= _LEAD_E3)
            leads |= piece == _LEAD_EF
        found.append(np.flatnonzero(leads) + start)
    return np.concatenate(found)


def _has_space(cells: Column) -> np.ndarray:
    # Cells that are not UTF-8 are rejected for that; they only have to be got past.
    text: Any = pa.array(
        [cell.decode("utf-8", "replace") for cell in _to_list(cells)], pa.large_string()
    )
    edges = pc.not_equal(pc.utf8_trim_whitespace(text), text)
    inside = pc.match_substring_regex(text, pattern=_INVISIBLE)
    both: np.ndarray = pc.or_(edges, inside).to_numpy(zero_copy_only=False)
    return both


def _to_list(cells: Column) -> list[bytes]:
    listed: list[Any] = cells.to_pylist()
    return listed


def _find_by_first_byte(
    cells: Column, view: ColumnView, lengths: np.ndarray, shortest: int, lowest: int
) -> dict[Doubt, np.ndarray]:
    """Null texts, floats and what a path cannot carry: each is short and begins so."""
    found: dict[Doubt, np.ndarray] = {}
    starts, ends = _bounds(view)
    first = view.data.take(starts, mode="clip")
    if shortest <= _LONGEST_NULL:
        short = np.flatnonzero(lengths <= _LONGEST_NULL)
        found[Doubt.NULL_TEXT] = _find_null_texts(cells, short[_NULL_FIRST[first[short]]])
    # Digits and letters alone are no float; every sign of one is below the digits.
    if lowest < _ZERO:
        if first.min() <= _NINE:
            found[Doubt.FLOAT] = _find_floats(cells, view, lengths, first, ends)
        if shortest <= len(".."):
            dots = np.flatnonzero((lengths > 0) & (lengths <= len("..")) & (first == _DOT))
            dots = dots[view.data[ends[dots] - 1] == _DOT]
            found[Doubt.UNREACHABLE] = dots
    return found


def _find_null_texts(cells: Column, rows: np.ndarray) -> np.ndarray:
    if len(rows) == 0:
        return rows
    values = pa.array(_NULL_TEXTS, cells.type)
    some = cells if len(rows) == len(cells) else cells.take(pa.array(rows))
    matches = pc.is_in(some, value_set=values).to_numpy(zero_copy_only=False)
    hits: np.ndarray = rows[matches]
    return hits


def _find_floats(
    cells: Column, view: ColumnView, lengths: np.ndarray, first: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    rows = np.flatnonzero((first <= _NINE) & (lengths > 0) & (lengths <= _LONGEST_FLOAT))
    if len(rows) == 0:
        return rows
    last = view.data[ends[rows] - 1]
    rows = rows[(last <= _NINE) & (last >= _DOT)]
    some = cells.take(pa.array(rows))
    matches = pc.match_substring_regex(some, pattern=_FLOAT).to_numpy(zero_copy_only=False)
    hits: np.ndarray = rows[matches]
    return hits


def _bounds(view: ColumnView) -> tuple[np.ndarray, np.ndarray]:
    """Where each row starts and ends in ``view.data``."""
    return view.offsets[:-1], view.offsets[1:]
