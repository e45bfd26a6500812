"""Spills: the rows of one chunk, split by hash range, between scatter and gather.

A spill holds portions, one for each ``add_portion``. A portion holds, for each hash range that has
rows, one block for each of its columns::

    head       magic and version, rows, width (0: lengths differ), bytes of the members
    hashes     uint64 a row
    lengths    uint16 a row, only where they differ
    members    their bytes, end to end

All numbers are little-endian. A block carries its own shape, so any whole blocks end to end
can be read; the index tells where they are. Ranges are the values of the hash's top bits;
within a block rows keep their order.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from worker.byte_columns import (
    Column,
    ColumnView,
    binary_column,
    concatenate,
    fixed_size_column,
    take,
)
from worker.lists.byte_streams import Sink
from worker.lists.errors import BrokenSpill

#: A portion is split by a radix sort of at most two bytes.
RANGE_BITS_MAX = 16

_HASH_BITS = 64
#: Changes with the format: a spill of another release is refused, not misread.
_MAGIC: Final = b"bigspil2"
_HEAD: Final = struct.Struct("<8sQQQ")
_HASH_BYTES, _LENGTH_BYTES = 8, 2
_LONGEST: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class SpillIndex:
    """Byte offsets and row counts of the blocks in one spill."""

    range_count: int
    """Hash ranges, a power of two."""
    offsets: tuple[tuple[int, ...], ...]
    """For each portion, ``range_count + 1`` byte offsets; two equal ones are an empty range."""
    rows: tuple[tuple[int, ...], ...]
    """For each portion, the rows of each range."""

    def __post_init__(self) -> None:
        """Refuse an index that contradicts itself."""
        consistent = len(self.offsets) == len(self.rows) and all(
            len(offsets) == self.range_count + 1
            and len(rows) == self.range_count
            and all(start <= end for start, end in pairwise(offsets))
            for offsets, rows in zip(self.offsets, self.rows, strict=False)
        )
        if not consistent:
            raise BrokenSpill("its index contradicts itself")

    def blocks_of(self, range_first: int, range_last: int) -> list[tuple[int, int]]:
        """Byte ranges that hold the ranges first to last, both included: one a portion at most.

        What is at them, end to end, is what ``read_blocks`` takes.
        """
        spans = ((portion[range_first], portion[range_last + 1]) for portion in self.offsets)
        return [(start, end) for start, end in spans if start < end]

    def rows_of(self, range_first: int, range_last: int) -> int:
        """Rows in the ranges first to last, both included, of all portions."""
        return sum(sum(portion[range_first : range_last + 1]) for portion in self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class _SplitColumn:
    """Rows in the order of their ranges."""

    hashes: np.ndarray
    members: ColumnView
    bounds: np.ndarray
    """Where each range begins, with the end of the last."""

    def block(self, number: int) -> Iterator[bytes | memoryview]:
        """The parts of one range's block; none if it has no rows."""
        first, stop = self.bounds[number : number + 2].tolist()
        if first == stop:
            return
        members, width = self.members, self.members.width or 0
        offsets = members.offsets[first : stop + 1]
        start, end = int(offsets[0]), int(offsets[-1])
        yield _HEAD.pack(_MAGIC, stop - first, width, end - start)
        yield self.hashes[first:stop].astype("<u8", copy=False).data.cast("B")
        if not width:
            yield np.diff(offsets).astype("<u2").data.cast("B")
        if start < end:
            yield members.data[start:end].data


class SpillWriter:
    """Writes one spill to a sink, portion by portion."""

    def __init__(self, sink: Sink, range_bits: int) -> None:
        """Args: ``sink`` needs only ``write``; ``range_bits`` is 0 to 16."""
        if not 0 <= range_bits <= RANGE_BITS_MAX:
            raise ValueError(f"range_bits is {range_bits}, not 0 to {RANGE_BITS_MAX}")
        self._sink = sink
        self._range_bits = range_bits
        self._position = 0
        self._offsets: list[tuple[int, ...]] = []
        self._rows: list[tuple[int, ...]] = []

    def add_portion(self, columns: Sequence[tuple[Column, np.ndarray]]) -> None:
        """Split rows by range and write them.

        Cost: 25 ns a row of 17 bytes; three times a portion's bytes in memory.

        Args:
            columns: members (binary, large_binary or fixed-size binary, no nulls, none over
                65,535 bytes) and their hashes (uint64). Members of one length cost least, so
                they are best kept in a column of their own.
        """
        split = [self._split(members, hashes) for members, hashes in columns]
        offsets = [self._position]
        for number in range(1 << self._range_bits):
            for column in split:
                for part in column.block(number):
                    self._sink.write(part)
                    self._position += len(part)
            offsets.append(self._position)
        rows = sum(
            (np.diff(column.bounds) for column in split), np.zeros(len(offsets) - 1, np.int64)
        )
        self._offsets.append(tuple(offsets))
        self._rows.append(tuple(rows.tolist()))

    def close(self) -> SpillIndex:
        """Return the index of all portions; the sink stays the caller's to close."""
        return SpillIndex(1 << self._range_bits, tuple(self._offsets), tuple(self._rows))

    def _split(self, members: Column, hashes: np.ndarray) -> _SplitColumn:
        bounds = np.zeros((1 << self._range_bits) + 1, np.int64)
        if self._range_bits == 0:
            bounds[-1] = len(hashes)
        else:
            narrow = np.uint8 if self._range_bits <= 8 else np.uint16  # noqa: PLR2004 # bits of uint8
            ranges = (hashes >> np.uint64(_HASH_BITS - self._range_bits)).astype(narrow)
            np.cumsum(np.bincount(ranges, minlength=1 << self._range_bits), out=bounds[1:])
            # A stable sort of one or two bytes is a radix sort in numpy.
            order = np.argsort(ranges, kind="stable")
            hashes, members = hashes.take(order, mode="clip"), take(members, order)
        view = ColumnView.of(members)
        if view.width is None and view.rows and view.lengths.max() > _LONGEST:
            raise ValueError(f"a member of {view.lengths.max()} bytes; the most is {_LONGEST:,}")
        return _SplitColumn(hashes, view, bounds)


def read_blocks(pieces: Iterable[bytes], *, rows: int | None = None) -> tuple[Column, np.ndarray]:
    """Read whole blocks, of one spill or several, into one column and its hashes.

    Rows come block by block in the order of ``pieces``; nothing is sorted.

    Cost: the blocks' bytes twice in memory, three times where members have several lengths.

    Args:
        pieces: The bytes of whole blocks end to end, cut into pieces anywhere.
        rows: How many rows the indexes promise; not checked if None.

    Returns:
        Members, fixed-size binary where all blocks agree on a length, else binary or (from
        2 GiB on) large_binary; and their hashes, uint64.

    Raises:
        BrokenSpill: The bytes are cut, or no blocks, or the rows are not as many.
    """
    data = b"".join(pieces)
    members: list[Column] = []
    hashes: list[np.ndarray] = []
    at = 0
    while at < len(data):
        column, hashed, at = _read_block(data, at)
        members.append(column)
        hashes.append(hashed)
    found = sum(map(len, hashes))
    if rows is not None and found != rows:
        raise BrokenSpill(f"its index promises {rows} rows and its blocks hold {found}")
    return (
        concatenate(members),
        np.concatenate(hashes).astype(np.uint64, copy=False) if hashes else np.empty(0, np.uint64),
    )


def _read_block(data: bytes, at: int) -> tuple[Column, np.ndarray, int]:
    """The members and hashes of the block at a place, and where the next one begins."""
    if len(data) - at < _HEAD.size:
        raise BrokenSpill("its blocks are cut")
    magic, rows, width, size = _HEAD.unpack_from(data, at)
    if magic != _MAGIC:
        raise BrokenSpill("its blocks are damaged, or of another release")
    hashes_at = at + _HEAD.size
    lengths_at = hashes_at + rows * _HASH_BYTES
    members_at = lengths_at + (0 if width else rows * _LENGTH_BYTES)
    end = members_at + size
    if end > len(data) or (width and size != rows * width):
        raise BrokenSpill("its blocks are cut or damaged")
    hashes = np.frombuffer(data, "<u8", rows, hashes_at)
    bytes_ = np.frombuffer(data, np.uint8, size, members_at)
    if width:
        return fixed_size_column(bytes_.reshape(rows, width)), hashes, end
    offsets = np.zeros(rows + 1, np.int64)
    np.cumsum(np.frombuffer(data, "<u2", rows, lengths_at), out=offsets[1:])
    if offsets[-1] != size:
        raise BrokenSpill("its blocks are damaged")
    return binary_column(bytes_, offsets), hashes, end
