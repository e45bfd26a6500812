"""Which cells are context keys: the rule of ``worker.context_keys``, over whole columns.

A clean batch (printable ASCII without spaces, every length in range) is proven clean
by the minimum and maximum of its bytes and lengths; only other batches are checked
row by row, and then column-wise too.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, ColumnView
from worker.context_keys import KEY_LIMIT_BYTES
from worker.lists.keys.doubtful_rows import PIECE_BYTES, DoubtfulRows, find_doubts
from worker.lists.keys.doubts import Doubt
from worker.lists.keys.residue import strip_residue
from worker.lists.keys.rules import KeyRules

_FIRST_PRINTABLE, _SPACE, _DEL = 0x21, 0x20, 0x7F
_LF, _CR = b"\n\r"
_LAST_LINE_END = _CR
#: C1 control characters are 0xC2 followed by one of these bytes in UTF-8.
_C1_LEAD, _C1_LAST = 0xC2, 0x9F


class RejectReason(IntEnum):
    """Why a row is no key; the number is the code in ``KeyBatch.rejected_reasons``.

    A row that breaks several rules is given the first that applies, in this order:
    empty, too long, invalid UTF-8, only whitespace, control character. Those of JSON Lines
    come before them: such a row has no cell.
    """

    BLANK = 1
    """No cell, null, empty, or nothing but whitespace (Unicode's)."""
    TOO_LONG = 2
    """Over 1,024 bytes of UTF-8."""
    INVALID_UTF8 = 3
    """Not UTF-8."""
    CONTROL_CHARACTER = 4
    """Holds a character of Unicode category Cc: C0, DEL or C1; newlines too."""
    INVALID_JSON = 5
    """Of JSON Lines: the line is not one value of JSON."""
    NOT_TEXT = 6
    """Of JSON Lines: neither a string nor a number; without a value, or null, it is blank."""

    @property
    def label(self) -> str:
        """The reason as reports spell it, such as ``control_character``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, eq=False)
class KeyBatch:
    """The rows of one stretch of a list: its keys, and what was rejected."""

    keys: Column
    """binary or large_binary: the valid keys exactly as given, in file order, no nulls.

    Duplicates stay.
    """
    row_count: int
    """Rows read, rejected ones included."""
    rejected_rows: np.ndarray
    """int64, ascending: offsets of the rejected rows, 0 is the batch's first row."""
    rejected_reasons: np.ndarray
    """uint8, one ``RejectReason`` for each of ``rejected_rows``."""
    doubts: DoubtfulRows = field(default_factory=dict)
    """Rows, keys or not, that are probably not what was intended: offsets as in
    ``rejected_rows``."""
    rejected_cells: "Column | None" = None
    """binary or large_binary: what each rejected row held, as given; of JSON Lines the line.
    Nothing if none was rejected."""
    rejected_starts: np.ndarray | None = None
    """int64: the byte of the file at which each rejected row begins; nothing of Parquet."""


def validate(
    cells: Column,
    *,
    text: bool = False,
    quoted: np.ndarray | None = None,
    rules: KeyRules | None = None,
    faults: np.ndarray | None = None,
    delimiters: Collection[Doubt] = (),
) -> KeyBatch:
    """Split a column of first cells into keys and rejected rows.

    Promises that ``row_count == len(keys) + len(rejected_rows)`` and that keys are the
    given bytes, never trimmed or normalised unless rules say so; of text, without its residue.

    Cost: two passes over the bytes for a clean batch (over 100 M UUIDs/s); about ten
    for one with spaces or non-ASCII text.

    Args:
        cells: binary or large_binary; null stands for a row without a cell.
        text: Whether they come from a file of text, so that `strip_residue` is for them.
        quoted: Of a file of text: a bool for each, whether it was in quotes.
        rules: What is done to cells before they are judged.
        faults: A reason for each row that has no cell for a reason of its format, else 0.
        delimiters: Doubts about delimiters for which rows are counted.
    """
    if cells.null_count:
        cells = cells.fill_null(b"")
    given, view = cells, ColumnView.of(cells)
    residue: DoubtfulRows = {}
    # Once for all: passes over the bytes are what this costs.
    extremes = _extremes(view)
    if text and extremes is not None:
        cells, residue = strip_residue(cells, view, *extremes, quoted)
        view = ColumnView.of(cells) if residue else view
    if rules is not None:
        cells = rules.apply(cells)
        view = ColumnView.of(cells)
        extremes = _extremes(view)
    batch = _judge(cells, view, extremes, residue, delimiters, text=text)
    if faults is not None:
        batch = _with_faults(batch, faults)
    if len(batch.rejected_rows):
        batch = replace(batch, rejected_cells=given.take(batch.rejected_rows))
    return batch


def _extremes(view: ColumnView) -> tuple[int, int] | None:
    """The least and the greatest byte; ``None`` without any."""
    return (int(view.data.min()), int(view.data.max())) if len(view.data) else None


def _judge(
    cells: Column,
    view: ColumnView,
    extremes: tuple[int, int] | None,
    residue: DoubtfulRows,
    delimiters: Collection[Doubt],
    *,
    text: bool,
) -> KeyBatch:
    """Split cells as they are into keys and rejected rows; see ``validate``."""
    none = np.empty(0, np.int64)
    if extremes is None or len(view.data) == 0:
        blank = np.arange(len(cells))
        codes = np.full(len(cells), RejectReason.BLANK, np.uint8)
        return KeyBatch(cells[:0], len(cells), blank, codes, residue)
    lowest, highest = extremes
    lengths = view.lengths
    doubts = find_doubts(cells, view, lengths, lowest, highest, delimiters)
    if residue:
        doubts = {**doubts, **residue}
    if _is_clean(lengths, lowest, highest):
        return KeyBatch(cells, len(cells), none, none.astype(np.uint8), doubts)
    reasons = _find_reasons(cells, view)
    rejected = np.flatnonzero(reasons)
    keys = cells.filter(pa.array(reasons == 0)) if len(rejected) else cells
    if text and lowest <= _LAST_LINE_END:
        doubts = {**doubts, **_find_lines(view)}
    return KeyBatch(keys, len(cells), rejected, reasons[rejected], doubts)


def _with_faults(batch: KeyBatch, faults: np.ndarray) -> KeyBatch:
    """Give rows without a cell, which count as blank so far, their own reasons."""
    own = faults[batch.rejected_rows]
    return replace(batch, rejected_reasons=np.where(own > 0, own, batch.rejected_reasons))


def _is_clean(lengths: np.ndarray, lowest: int, highest: int) -> bool:
    return bool(
        lowest >= _FIRST_PRINTABLE
        and highest < _DEL
        and lengths.min() > 0
        and lengths.max() <= KEY_LIMIT_BYTES
    )


def _find_lines(view: ColumnView) -> DoubtfulRows:
    rows = view.rows_at(np.flatnonzero((view.data == _LF) | (view.data == _CR)))
    return {Doubt.LINES: rows} if len(rows) else {}


def _find_reasons(cells: Column, view: ColumnView) -> np.ndarray:
    """One code a row, 0 for a key; later assignments are the stronger reasons."""
    reasons = np.zeros(len(cells), np.uint8)
    invalid = _find_invalid_utf8(cells, view)
    reasons[_find_control_characters(view)] = RejectReason.CONTROL_CHARACTER
    reasons[_find_whitespace(cells, invalid)] = RejectReason.BLANK
    reasons[invalid] = RejectReason.INVALID_UTF8
    reasons[view.lengths > KEY_LIMIT_BYTES] = RejectReason.TOO_LONG
    reasons[view.lengths == 0] = RejectReason.BLANK
    return reasons


def _find_invalid_utf8(cells: Column, view: ColumnView) -> np.ndarray:
    """Row numbers; decodes row by row only when the batch as a whole is not UTF-8."""
    non_ascii = view.data >= _DEL + 1
    if not non_ascii.any():
        return np.empty(0, np.int64)
    try:
        cells.cast(_text_type(cells))
    except pa.ArrowInvalid:
        suspects = view.rows_at(np.flatnonzero(non_ascii))
        listed: list[Any] = cells.take(suspects).to_pylist()
        undecodable = [not _is_utf8(cell) for cell in listed]
        return suspects[undecodable]
    return np.empty(0, np.int64)


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def _find_control_characters(view: ColumnView) -> np.ndarray:
    """Row numbers; those of rows that are not UTF-8 are meaningless."""
    data = view.data
    found = [np.empty(0, np.int64)]
    # Piece by piece: what is computed on the way stays in the cache and needs no new pages.
    for start in range(0, len(data), PIECE_BYTES):
        piece = data[start : start + PIECE_BYTES + 1]
        control = piece < _SPACE
        control |= piece == _DEL
        lead = np.flatnonzero(piece[:-1] == _C1_LEAD)
        control[lead[piece[lead + 1] <= _C1_LAST]] = True
        found.append(np.flatnonzero(control[:PIECE_BYTES]) + start)
    return view.rows_at(np.concatenate(found))


def _find_whitespace(cells: Column, invalid: np.ndarray) -> np.ndarray:
    """Row numbers; Arrow and ``str.isspace`` share one definition of whitespace."""
    if len(invalid):
        decodable = np.ones(len(cells), bool)
        decodable[invalid] = False
        cells = pc.if_else(pa.array(decodable), cells, pa.scalar(b"", cells.type))
    text: Column = cells.cast(_text_type(cells))
    return np.flatnonzero(pc.utf8_is_space(text).to_numpy(zero_copy_only=False))


def _text_type(cells: Column) -> pa.DataType:
    return pa.large_string() if pa.types.is_large_binary(cells.type) else pa.string()
