"""Removes, and reports, what programs leave around the key in a cell of text."""

from codecs import BOM_UTF8
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker.byte_columns import Column, ColumnView
from worker.lists.keys.doubtful_rows import DoubtfulRows
from worker.lists.keys.doubts import Doubt

_GUARD, _QUOTE = b'="', b'"'
#: Bytes below or above which a cell can have no guard, or no mark.
_GUARD_BYTE, _BOM_BYTE = ord('"'), 0xEF


def strip_residue(
    cells: Column, view: ColumnView, lowest: int, highest: int, quoted: np.ndarray | None
) -> tuple[Column, DoubtfulRows]:
    r"""Remove byte order marks in front of cells, and the ``="…"`` of spreadsheets.

    A mark inside a file is where files were joined, in front of a row; ``="00123"``
    keeps a spreadsheet from making a number of 00123. A cell in quotes is what its writer
    meant, byte for byte, so that a list that was exported comes back as it was.

    Args:
        cells: binary, no nulls.
        view: Its buffers.
        lowest: Least byte of all cells.
        highest: Greatest one.
        quoted: A bool for each cell: whether it was in quotes; nothing if none was.

    Returns:
        The cells, the very same object if there was nothing to remove, and the rows.
    """
    none = np.empty(0, np.int64)
    marked = _find_starting_with(view, BOM_UTF8) if highest >= _BOM_BYTE else none
    guarded = _find_starting_with(view, _GUARD) if lowest <= _GUARD_BYTE else none
    if quoted is not None:
        marked, guarded = marked[~quoted[marked]], guarded[~quoted[guarded]]
    rows = np.union1d(marked, guarded)
    if len(rows) == 0:
        return cells, {}
    listed: list[Any] = cells.take(pa.array(rows)).to_pylist()
    bare = [_strip(cell) for cell in listed]
    changed = np.array([old != new for old, new in zip(listed, bare, strict=True)])
    mask = np.zeros(len(cells), bool)
    mask[rows] = True
    replaced: Any = pc.replace_with_mask(cells, pa.array(mask), pa.array(bare, cells.type))
    unwrapped = np.intersect1d(guarded, rows[changed])
    found = {Doubt.BYTE_ORDER_MARK: marked, Doubt.TEXT_GUARD: unwrapped}
    return replaced, {doubt: where for doubt, where in found.items() if len(where)}


def _strip(cell: bytes) -> bytes:
    while cell.startswith(BOM_UTF8):
        cell = cell.removeprefix(BOM_UTF8)
        if len(cell) > 1 and cell.startswith(_QUOTE) and cell.endswith(_QUOTE):
            # The mark hid from the parser that the cell is quoted.
            cell = cell[1:-1].replace(b'""', b'"')
    if cell.startswith(_GUARD) and cell.endswith(_QUOTE) and len(cell) > len(_GUARD):
        inside = cell[len(_GUARD) : -1]
        # A formula of several texts is none that guards one.
        if _QUOTE not in inside.replace(b'""', b""):
            return inside.replace(b'""', b'"')
    return cell


def _find_starting_with(view: ColumnView, start: bytes) -> np.ndarray:
    """Rows that begin with some bytes."""
    offsets = view.offsets[:-1]
    rows = np.flatnonzero(view.data.take(offsets, mode="clip") == start[0])
    rows = rows[view.lengths[rows] >= len(start)]
    for place, byte in enumerate(start):
        rows = rows[view.data[offsets[rows] + place] == byte]
    return rows
