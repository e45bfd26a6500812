"""Bounds of cells before they are judged: how long one is, and how many bytes all may be."""

from typing import Final

import pyarrow.compute as pc

from worker.byte_columns import Column, ColumnView
from worker.context_keys import KEY_LIMIT_BYTES
from worker.lists.errors import UnreadableList

#: Where a cell is cut: one byte longer than a key may be, it is too long in any case.
CELL_LIMIT_BYTES: Final = KEY_LIMIT_BYTES + 1
#: Bytes of cells that any file may decode to, and so many more for each byte of its column.
_FREE_CELL_BYTES: Final = 512 * 1024 * 1024
_CELL_BYTES_A_BYTE: Final = 1_000


def truncate(cells: Column) -> Column:
    """Cut cells that are too long; null ones become empty."""
    if cells.null_count:
        cells = cells.fill_null(b"")
    if len(cells) and ColumnView.of(cells).lengths.max() > CELL_LIMIT_BYTES:
        return pc.binary_slice(cells, 0, CELL_LIMIT_BYTES)
    return cells


class CellBudget:
    """Compares the bytes of cells with those of the column that they are decoded from."""

    def __init__(self) -> None:
        self._stored = self._decoded = 0

    def expect(self, stored: int) -> None:
        """Add so many bytes of a column that will be decoded."""
        self._stored += stored

    def spend(self, cells: Column) -> None:
        """Count cells.

        Raises:
            UnreadableList: They are more than a list would have.
        """
        self._decoded += cells.nbytes
        if self._decoded > _FREE_CELL_BYTES + _CELL_BYTES_A_BYTE * self._stored:
            raise UnreadableList(f"{self._stored:,} bytes decode to over {self._decoded:,}")
