"""The bytes of an Arrow binary column as numpy sees them, and back, without a copy."""

from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

#: A binary or string column of any Arrow type; the functions that take one say which.
Column: TypeAlias = "pa.Array[Any]"


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The buffers of a binary array, cut down to its own rows."""

    offsets: np.ndarray
    """int32 or int64, one more than rows; ``offsets[0]`` is over 0 in a slice."""
    data: np.ndarray
    """uint8, the rows' bytes end to end; starts at ``offsets[0]``."""

    @property
    def lengths(self) -> np.ndarray:
        """Bytes of each row."""
        return np.diff(self.offsets)

    def rows_of(self, positions: np.ndarray) -> np.ndarray:
        """Distinct numbers of the rows that the bytes at ``positions`` of ``data`` are in."""
        rows = np.searchsorted(self.offsets, positions + self.offsets[0], side="right") - 1
        return np.unique(rows)

    @property
    def uniform_length(self) -> int | None:
        """The length that all rows share, if they do; ``None`` for no rows."""
        lengths = self.lengths
        if len(lengths) and lengths.min() == lengths.max():
            return int(lengths[0])
        return None


def cells_of(column: Column) -> Cells:
    """Look into a binary or string column (large or not) without a copy.

    Args:
        column: Has no nulls; the bytes under a null are not defined.
    """
    large = pa.types.is_large_binary(column.type) or pa.types.is_large_string(column.type)
    kind = np.int64 if large else np.int32
    _, offset_buffer, data_buffer = column.buffers()
    if len(column) == 0:
        return Cells(np.zeros(1, kind), np.empty(0, np.uint8))
    offsets = np.frombuffer(cast("Any", offset_buffer), kind)[
        column.offset : column.offset + len(column) + 1
    ]
    if data_buffer is None:
        return Cells(offsets, np.empty(0, np.uint8))
    data = np.frombuffer(cast("Any", data_buffer), np.uint8)[offsets[0] : offsets[-1]]
    return Cells(offsets, data)


def uniform_cells(rows: np.ndarray) -> Column:
    """A binary column over the rows of a C-contiguous uint8 array of shape (rows, bytes)."""
    count, width = rows.shape
    offsets = np.arange(0, count * width + 1, max(width, 1), dtype=np.int32)
    return _binary(count, offsets, rows)


def sliced_cells(block: bytes, starts: np.ndarray, ends: np.ndarray) -> Column:
    """A binary column of ``block[start:end]`` for each pair; one copy of those bytes.

    Args:
        block: Under 2 GiB.
        starts: Ascending.
        ends: None is under its start, or over the next start.
    """
    count = len(starts)
    if count == 0:
        return pa.array([], pa.binary())
    # Cells and the bytes between them alternate, so one Arrow column holds both and
    # ``take`` copies out the cells.
    offsets = np.empty(2 * count, np.int32)
    offsets[0::2] = starts
    offsets[1::2] = ends
    both = _binary(2 * count - 1, offsets, block)
    return both.take(np.arange(0, 2 * count, 2, dtype=np.int32))


def _binary(count: int, offsets: np.ndarray, data: bytes | np.ndarray) -> Column:
    buffers = [None, pa.py_buffer(cast("Any", offsets)), pa.py_buffer(cast("Any", data))]
    return pa.Array.from_buffers(pa.binary(), count, buffers)
