"""Arrow columns of bytes as numpy arrays, and back, without copying the bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
#: A column of bytes or text of any Arrow type; the functions that take one say which.
Column: TypeAlias = "pa.Array[Any]"

_OFFSETS_32_BIT = 2**31 - 1
_LENGTHS = 2**16


@dataclass(frozen=True, slots=True, eq=False)
class ColumnView:
    """The rows of a column: one run of bytes and where each row begins."""

    data: Bytes
    """The bytes of all rows and nothing else."""
    offsets: NDArray[Any]
    """rows + 1 positions in ``data``, the first 0; int32 or int64."""
    width: int | None
    """The length that all rows have; None when they differ, are empty, or there are none."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[Any]:
        """The length of each row in bytes; read-only where ``width`` is set."""
        if self.width is not None:
            return np.broadcast_to(np.int64(self.width), self.rows)
        return np.diff(self.offsets)

    @property
    def matrix(self) -> Bytes:
        """The rows as a (rows, width) view; only where ``width`` is set."""
        return self.data.reshape(self.rows, -1)

    def rows_at(self, positions: NDArray[Any]) -> NDArray[np.int64]:
        """Distinct numbers of the rows that the bytes at these positions of ``data`` are in."""
        return np.unique(np.searchsorted(self.offsets, positions, side="right") - 1)

    @classmethod
    def of(cls, column: Column) -> "ColumnView":
        """View a column: utf8, binary, their large forms, or fixed-size binary; no nulls.

        Costs no copy of the bytes; the offsets of a slice are copied, 4 or 8 bytes a row.

        Raises:
            TypeError: the column is of another type, or holds nulls.
        """
        if column.null_count:
            raise TypeError(f"column holds {column.null_count} nulls; drop them first")
        if not len(column):
            return cls(np.empty(0, np.uint8), np.zeros(1, np.int32), None)
        kind, first, end = column.type, column.offset, column.offset + len(column)
        if pa.types.is_fixed_size_binary(kind):
            data = _fixed_size_bytes(column)
            number: Any = np.int64 if data.size > _OFFSETS_32_BIT else np.int32
            return cls(
                data, np.arange(0, data.size + 1, kind.byte_width, dtype=number), kind.byte_width
            )
        if pa.types.is_string(kind) or pa.types.is_binary(kind):
            offset_type: Any = np.int32
        elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
            offset_type = np.int64
        else:
            raise TypeError(f"column is {kind}, not bytes or text")
        _, offset_buffer, data_buffer = column.buffers()
        offsets = _numbers(offset_buffer, offset_type)[first : end + 1]
        data = _numbers(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
        if offsets[0]:
            offsets = offsets - offsets[0]
        return cls(data, offsets, _common_width(offsets))


def fixed_size_column(matrix: Bytes) -> Column:
    """Wrap (rows, width) bytes as fixed-size binary; the matrix must not change afterwards."""
    rows, width = matrix.shape
    return pa.Array.from_buffers(pa.binary(width), rows, [None, _buffer(matrix)])


def binary_column(data: Bytes, offsets: NDArray[Any]) -> Column:
    """Wrap bytes and offsets as binary, or as large binary from 2 GiB on."""
    large = data.size > _OFFSETS_32_BIT
    kept = offsets.astype(np.int64 if large else np.int32, copy=False)
    buffers = [None, _buffer(np.ascontiguousarray(kept)), _buffer(data)]
    kind = pa.large_binary() if large else pa.binary()
    return pa.Array.from_buffers(kind, len(offsets) - 1, buffers)


def uniform_column(matrix: Bytes) -> Column:
    """Wrap C-contiguous (rows, width) bytes as binary; ``width`` is over 0."""
    return binary_column(matrix.reshape(-1), np.arange(0, matrix.size + 1, matrix.shape[1]))


def sliced_column(block: bytes | Bytes, starts: NDArray[Any], ends: NDArray[Any]) -> Column:
    """Make a binary column of ``block[start:end]`` for each pair; one copy of those bytes.

    Args:
        block: under 2 GiB; may be changed afterwards.
        starts: ascending.
        ends: none is under its start, or over the next start.
    """
    count = len(starts)
    if count == 0:
        return pa.array([], pa.binary())
    # Slices and the bytes between them alternate, so one Arrow column holds both and
    # ``take`` copies out the slices.
    offsets = np.empty(2 * count, np.int32)
    offsets[0::2] = starts
    offsets[1::2] = ends
    both = binary_column(np.frombuffer(block, np.uint8), offsets)
    return both.take(np.arange(0, 2 * count, 2, dtype=np.int32))


def take(column: Column, rows: NDArray[Any]) -> Column:
    """Copy the rows with these numbers, in this order; the type stays."""
    if not pa.types.is_fixed_size_binary(column.type):
        return column.take(rows)
    if not len(rows):
        return column[:0]
    width = column.type.byte_width
    # One item of `width` bytes a row: three times as fast as rows of a matrix.
    items = _fixed_size_bytes(column).view(f"V{width}").take(rows, mode="clip")
    return fixed_size_column(items.view(np.uint8).reshape(-1, width))


def split_by_length(column: Column, least_rows: int) -> list[Column]:
    """Copy the rows into one column for each frequent length, and one for all other rows.

    Cost: a stable sort of two bytes a row, and a copy.

    Args:
        column: binary or large binary, without nulls.
        least_rows: how many make a length frequent.

    Returns:
        Fixed-size binary for frequent lengths other than 0, the column's type for the rest;
        each holds its rows in their order, and none is empty.
    """
    lengths = np.minimum(ColumnView.of(column).lengths, _LENGTHS - 1)
    counts = np.bincount(lengths)
    order = np.argsort(lengths.astype(np.uint16), kind="stable")
    grouped = take(column, order)
    frequent: list[Column] = []
    others: list[Column] = []
    start = 0
    for length, count in enumerate(counts.tolist()):
        rows, start = grouped[start : start + count], start + count
        if count >= least_rows and 0 < length < _LENGTHS - 1:
            frequent.append(fixed_size_column(ColumnView.of(rows).matrix))
        elif count:
            others.append(rows)
    return [*frequent, concatenate(others)] if others else frequent


def concatenate(columns: Sequence[Column]) -> Column:
    """Join columns.

    Returns:
        The type that all have, where they agree and it can hold them; else binary, or large
        binary from 2 GiB on.
    """
    if not columns:
        return pa.array([], pa.binary())
    kinds = {column.type for column in columns}
    size = sum(column.nbytes for column in columns)
    if len(kinds) > 1 or (size > _OFFSETS_32_BIT and pa.binary() in kinds):
        return _join_views([ColumnView.of(column) for column in columns])
    return pa.concat_arrays(columns)


def _join_views(views: Sequence[ColumnView]) -> Column:
    data = np.concatenate([view.data for view in views])
    rows = sum(view.rows for view in views)
    offsets = np.zeros(rows + 1, np.int64 if data.size > _OFFSETS_32_BIT else np.int32)
    row = start = 0
    for view in views:
        np.add(view.offsets[1:], start, out=offsets[row + 1 : row + 1 + view.rows])
        row, start = row + view.rows, start + view.data.size
    return binary_column(data, offsets)


def number_view(matrix: Bytes, at: int, kind: str) -> NDArray[Any]:
    """View the bytes from column ``at`` on as one number a row: strided, no copy.

    Args:
        matrix: contiguous (rows, width) bytes.
        at: the column of the number's first byte.
        kind: a numpy type code with its byte order, say ``<u8``.
    """
    return np.ndarray((len(matrix),), kind, buffer=matrix, offset=at, strides=matrix.strides[:1])


def as_list(column: Column) -> list[bytes]:
    """Copy the rows into Python."""
    rows: list[bytes] = column.cast(pa.large_binary()).to_pylist()  # type: ignore[assignment]  # no nulls
    return rows


def _fixed_size_bytes(column: Column) -> Bytes:
    width, first = column.type.byte_width, column.offset
    bytes_: Bytes = _numbers(column.buffers()[1], np.uint8)
    return bytes_[first * width : (first + len(column)) * width]


def _numbers(buffer: pa.Buffer | None, kind: type[np.generic]) -> NDArray[Any]:
    # A column of empty rows may have no buffer for its bytes.
    return np.empty(0, kind) if buffer is None else np.frombuffer(memoryview(buffer), kind)


def _buffer(numbers: NDArray[Any]) -> pa.Buffer:
    return pa.py_buffer(numbers)  # type: ignore[arg-type]  # the stub knows no numpy


def _common_width(offsets: NDArray[Any]) -> int | None:
    width = int(offsets[1])
    rows = len(offsets) - 1
    if not width or int(offsets[-1]) != width * rows or not (np.diff(offsets) == width).all():
        return None
    return width
