"""Arrow columns of bytes as numpy arrays, and back, without copying the bytes."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
ByteArray: TypeAlias = "pa.Array[Any]"

_OFFSETS_32_BIT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ByteColumn:
    """The rows of a column: one run of bytes and where each row begins.

    Attributes:
        data: uint8, the bytes of all rows and nothing else.
        offsets: rows + 1 positions in ``data``, the first 0; int32 or int64.
        width: the length all rows have; None when they differ, or there are none.
    """

    data: Bytes
    offsets: NDArray[Any]
    width: int | None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[Any]:
        """The length of each row in bytes; not to be written to."""
        if self.width is not None:
            return np.broadcast_to(np.int64(self.width), self.rows)
        return np.diff(self.offsets)

    @property
    def matrix(self) -> Bytes:
        """The rows as a (rows, width) view; only where ``width`` is set."""
        return self.data.reshape(self.rows, -1)

    @classmethod
    def of(cls, array: ByteArray) -> "ByteColumn":
        """View a column: utf8, binary, their large forms, or fixed-size binary; no nulls.

        Costs no copy of the bytes; the offsets of a slice are copied, 4 or 8 bytes a row.

        Raises:
            TypeError: the column is of another type, or holds nulls.
        """
        if array.null_count:
            raise TypeError(f"column holds {array.null_count} nulls; drop them first")
        if not len(array):
            return cls(np.empty(0, np.uint8), np.zeros(1, np.int32), None)
        kind, first, end = array.type, array.offset, array.offset + len(array)
        if pa.types.is_fixed_size_binary(kind):
            width = kind.byte_width
            data = _numbers(array.buffers()[1], np.uint8)[first * width : end * width]
            number: Any = np.int64 if data.size > _OFFSETS_32_BIT else np.int32
            return cls(data, np.arange(0, data.size + 1, width, dtype=number), width)
        if pa.types.is_string(kind) or pa.types.is_binary(kind):
            offset_type: Any = np.int32
        elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
            offset_type = np.int64
        else:
            raise TypeError(f"column is {kind}, not bytes or text")
        _, offset_buffer, data_buffer = array.buffers()
        offsets = _numbers(offset_buffer, offset_type)[first : end + 1]
        data = _numbers(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
        if offsets[0]:
            offsets = offsets - offsets[0]
        return cls(data, offsets, _common_width(offsets))


def fixed_array(matrix: Bytes) -> ByteArray:
    """Wrap (rows, width) bytes as fixed-size binary; the matrix must not change afterwards."""
    rows, width = matrix.shape
    return pa.Array.from_buffers(pa.binary(width), rows, [None, _buffer(matrix)])


def binary_array(data: Bytes, offsets: NDArray[Any]) -> ByteArray:
    """Wrap bytes and offsets as binary, or as large binary from 2 GiB on."""
    large = data.size > _OFFSETS_32_BIT
    kept = offsets.astype(np.int64 if large else np.int32, copy=False)
    buffers = [None, _buffer(np.ascontiguousarray(kept)), _buffer(data)]
    kind = pa.large_binary() if large else pa.binary()
    return pa.Array.from_buffers(kind, len(offsets) - 1, buffers)


def field(matrix: Bytes, at: int, kind: str) -> NDArray[Any]:
    """View the bytes from column ``at`` on as one number a row: strided, no copy.

    Args:
        matrix: contiguous (rows, width) bytes.
        at: the column of the number's first byte.
        kind: a numpy type code with its byte order, say ``<u8``.
    """
    return np.ndarray((len(matrix),), kind, buffer=matrix, offset=at, strides=matrix.strides[:1])


def taken(array: ByteArray, rows: NDArray[Any]) -> ByteArray:
    """Copy the rows with these numbers, in this order."""
    return array.take(rows)


def as_list(array: ByteArray) -> list[bytes]:
    """Copy the rows into Python."""
    rows: list[bytes] = array.cast(pa.large_binary()).to_pylist()  # type: ignore[assignment]  # no nulls
    return rows


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
