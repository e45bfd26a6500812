"""Finds doubtful rows among cells, column-wise.

Most lists prove by a few minima and maxima that they hold none. Where they do not, each
test narrows the rows by single bytes first, and decodes text only for those left.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, ColumnView
from worker.lists.keys.doubts import DELIMITERS, Doubt
from worker.lists.keys.invisible import INVISIBLE, SPACES

#: Row numbers, ascending, of each kind that was found.
DoubtfulRows: TypeAlias = Mapping[Doubt, np.ndarray]

_NULL_TEXTS: Final = (
    *(b"NULL", b"Null", b"null", b"(null)", b"(NULL)", b"<null>", b"<NULL>", b"[null]", b"[NULL]"),
    *(b"\\N", b"nil", b"Nil", b"NIL", b"None", b"none", b"NONE", b"(none)", b"<none>", b"<nil>"),
    *(b"NaN", b"nan", b"NAN", b"-nan", b"-NaN", b"NA", b"N/A", b"n/a", b"<NA>", b"NaT", b"nat"),
    *(b"#N/A", b"#REF!", b"#VALUE!", b"#NAME?", b"#DIV/0!", b"#NULL!", b"#NUM!"),
    *(b"undefined", b"Undefined"),
)
#: What JavaScript writes for a value that has no text. Longer than the others by so much that it
#: is looked for by itself.
_OBJECT: Final = b"[object Object]"
#: How they begin: two bytes as one number.
_NULL_STARTS: Final = np.isin(np.arange(1 << 16), [text[0] << 8 | text[1] for text in _NULL_TEXTS])
_NULL_FIRST: Final = np.isin(np.arange(256), [text[0] for text in _NULL_TEXTS])
_LONGEST_NULL: Final = max(map(len, _NULL_TEXTS))
#: `123.0`, `1.23457E+15`, `1,23457E+15`: at most 17 digits, a sign, a dot and an exponent.
_FLOAT: Final = r"^[+-]?[0-9]+(\.[0-9]*([eE][+-]?[0-9]+)?|,[0-9]+[eE][+-]?[0-9]+|[eE][+-][0-9]+)$"
_LONGEST_FLOAT: Final = 25
_INVISIBLE: Final = f"[{INVISIBLE}]"
#: The two bytes of UTF-8 that a space outside ASCII or an invisible character begins with.
_UNSEEN_STARTS: Final = np.isin(
    np.arange(1 << 16), [char.encode()[0] << 8 | char.encode()[1] for char in INVISIBLE + SPACES]
)
#: The first of them.
_LEAD_C2, _LEAD_D8, _LEAD_E1, _LEAD_E3, _LEAD_EF = 0xC2, 0xD8, 0xE1, 0xE3, 0xEF
#: Bytes of cells tested together.
PIECE_BYTES: Final = 64 * 1024
_SPACE, _DOT, _ZERO, _NINE = b" .09"
_ASCII_END: Final = 0x80


def find_doubts(
    cells: Column,
    view: ColumnView,
    lengths: np.ndarray,
    lowest: int,
    highest: int,
    delimiters: Collection[Doubt] = (),
) -> DoubtfulRows:
    """The doubtful rows among cells, whether they are keys or not.

    Cost: 1 to 5 ns a row of printable ASCII, 10 where there are spaces or other text.

    Args:
        cells: binary or large_binary, no nulls, at least one row.
        view: Its buffers.
        lengths: Its rows' bytes.
        lowest: Least byte of all cells.
        highest: Greatest one.
        delimiters: Those of ``DELIMITERS`` for which rows are counted.
    """
    found: dict[Doubt, np.ndarray] = {}
    if len(view.data) == 0:
        return found
    shortest = int(lengths.min())
    for doubt in delimiters:
        found[doubt] = view.rows_at(np.flatnonzero(view.data == DELIMITERS[doubt][0]))
    if lowest <= _SPACE or highest >= _ASCII_END:
        found[Doubt.SPACE] = _find_spaced(cells, view, lengths, highest)
    if shortest <= _LONGEST_FLOAT and not _ZERO <= lowest <= highest <= _NINE:
        found |= _find_by_first_byte(cells, view, lengths, shortest, lowest)
    return {doubt: rows for doubt, rows in found.items() if len(rows)}


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
    leads = leads[_UNSEEN_STARTS[(data[leads].astype(np.uint16) << 8) | data[leads + 1]]]
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
        if highest >= _LEAD_D8:
            leads |= piece == _LEAD_D8
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
        short = np.flatnonzero((lengths <= _LONGEST_NULL) & (lengths > 1))
        short = short[_NULL_FIRST[first[short]]]
        second = view.data[starts[short] + 1]
        short = short[_NULL_STARTS[(first[short].astype(np.uint16) << 8) | second]]
        found[Doubt.NULL_TEXT] = _find_null_texts(cells, short, _NULL_TEXTS)
    bracketed = np.flatnonzero((first == _OBJECT[0]) & (lengths == len(_OBJECT)))
    if len(bracketed):
        objects = _find_null_texts(cells, bracketed, (_OBJECT,))
        found[Doubt.NULL_TEXT] = np.union1d(found.get(Doubt.NULL_TEXT, objects), objects)
    # Digits and letters alone are no float; every sign of one is below the digits.
    if lowest < _ZERO:
        if first.min() <= _NINE:
            found[Doubt.FLOAT] = _find_floats(cells, view, lengths, first, ends)
        if shortest <= len(".."):
            dots = np.flatnonzero((lengths > 0) & (lengths <= len("..")) & (first == _DOT))
            dots = dots[view.data[ends[dots] - 1] == _DOT]
            found[Doubt.UNREACHABLE] = dots
    return found


def _find_null_texts(cells: Column, rows: np.ndarray, texts: tuple[bytes, ...]) -> np.ndarray:
    if len(rows) == 0:
        return rows
    values = pa.array(texts, cells.type)
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
