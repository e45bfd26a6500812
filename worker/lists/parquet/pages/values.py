"""The bytes of pages as columns of cells.

Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/ (PLAIN, RLE and
RLE_DICTIONARY).
"""

from typing import Any, Final

import numpy as np

from worker.byte_columns import Bytes, Column, binary_column, sliced_column
from worker.lists.parquet.cells import CELL_LIMIT_BYTES
from worker.lists.parquet.pages.errors import UnusualPage
from worker.lists.parquet.pages.headers import read_varint

_LENGTH_BYTES: Final = 4
#: Zeros of a length under 256: all of its bytes but the first.
_ZEROS: Final = 3
_INDEX_BITS: Final = 32
#: Runs of indices: so many of any page, and one more for so many values. Each takes as long as
#: reading a hundred values, and most writers' runs hold 504.
_FREE_RUNS: Final = 64
_ROWS_A_RUN: Final = 128


def skip_levels(page: Bytes, values: int) -> Bytes:
    """What follows the definition levels of a page of an optional column, if no value is null.

    Raises:
        UnusualPage: One is, or the levels are written as no usual writer does.
    """
    head = page[: _LENGTH_BYTES + _LENGTH_BYTES + 2].data
    size = int.from_bytes(head[:_LENGTH_BYTES], "little")
    run, at = _varint(head, _LENGTH_BYTES)
    # One run of one level, 1, for all values.
    if run != values << 1 or at + 1 != _LENGTH_BYTES + size or bytes(head[at : at + 1]) != b"\x01":
        raise UnusualPage
    return page[at + 1 :]


def read_plain(data: Bytes, rows: int) -> Column:
    """Values that follow their lengths, as a column of binary with bytes of its own.

    Values that are too long for a key are cut to one byte too many.

    Cost: 4 ns for a UUID, 50 where lengths differ.

    Raises:
        UnusualPage: A length is 0 or over 255 where lengths differ, a value holds a zero byte, or
            the bytes are not those of so many values.
    """
    if rows == 0 or len(data) < _LENGTH_BYTES:
        raise UnusualPage
    width = int.from_bytes(data[:_LENGTH_BYTES].tobytes(), "little")
    stride = _LENGTH_BYTES + width
    if width and rows * stride == len(data):
        lengths: Any = np.ndarray((rows,), "<u4", data, strides=(stride,))
        if (lengths == width).all():
            kept = min(width, CELL_LIMIT_BYTES)
            # One item a row: three times as fast as rows of a matrix.
            items: Any = np.ndarray((rows,), f"V{kept}", data, _LENGTH_BYTES, (stride,))
            offsets = np.arange(0, rows * kept + 1, kept, dtype=np.int32)
            return binary_column(items.copy().view(np.uint8), offsets)
    return _read_by_zeros(data, rows)


def _read_by_zeros(data: Bytes, rows: int) -> Column:
    """Find lengths by the zeros in them, and prove that they are the lengths.

    Each length has to lead to the next one, and the last to the end; the first is at the start. So
    there is no other way to read the bytes.
    """
    zeros = np.flatnonzero(data == 0)
    if len(zeros) != _ZEROS * rows:
        raise UnusualPage
    firsts = zeros[0::_ZEROS] - 1
    starts = firsts + _LENGTH_BYTES
    ends = starts + data.take(firsts, mode="clip")
    proven = (
        firsts[0] == 0
        and ends[-1] == len(data)
        and (firsts[1:] == ends[:-1]).all()
        and (zeros[1::_ZEROS] == firsts + 2).all()
        and (zeros[2::_ZEROS] == firsts + 3).all()
    )
    if not proven:
        raise UnusualPage
    return sliced_column(data, starts, ends)


def read_indices(data: Bytes, rows: int, entries: int) -> np.ndarray:
    """The places in a dictionary of so many entries that a page's values have; int64.

    Raises:
        UnusualPage: A place is beyond them, or the values are in so many runs that the library is
            faster.
    """
    if len(data) == 0 or data[0] > _INDEX_BITS:
        raise UnusualPage
    width, page, at = int(data[0]), data.data, 1
    runs: list[np.ndarray] = []
    found = 0
    while found < rows:
        head, at = _varint(page, at)
        count = head >> 1
        size = count * width if head & 1 else (width + 7) // 8
        run = data[at : at + size]
        if count == 0 or len(run) != size or len(runs) > _FREE_RUNS + rows // _ROWS_A_RUN:
            raise UnusualPage
        if head & 1:
            runs.append(_unpack(run, width)[: rows - found])
        else:
            value = int.from_bytes(run.tobytes(), "little")
            runs.append(np.full(min(count, rows - found), value, np.int64))
        at += size
        found += len(runs[-1])
    places = np.concatenate(runs) if runs else np.empty(0, np.int64)
    if rows and places.max() >= entries:
        raise UnusualPage
    return places


def _unpack(packed: Bytes, width: int) -> np.ndarray:
    """Numbers of ``width`` bits each, the least significant bit first."""
    if width == 0:
        raise UnusualPage
    bits = np.unpackbits(packed, bitorder="little").reshape(-1, width)
    padded = np.zeros((len(bits), _INDEX_BITS), np.uint8)
    padded[:, :width] = bits
    return np.packbits(padded, axis=1, bitorder="little").view("<u4").reshape(-1).astype(np.int64)


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    try:
        return read_varint(data, at)
    except IndexError as exc:
        raise UnusualPage from exc
