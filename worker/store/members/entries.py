"""Entries of shards: members as a listpack holds them, whole columns at a time.

An entry is a head, the packed member (``codec.py``), and the length of both::

    10llllll            head of up to 63 bytes
    1110llll llllllll   head of up to 4,095 bytes
    member
    0lllllll            length of head and member up to 127
    0lllllll 1lllllll   a longer one: seven bits each, the low ones last

An import turns members into entries while those of one length are together, which is cheap;
where lengths alternate, it costs about five times as much. From there on an entry stands for its
member: no two members have one entry.

Source: ``listpack.c`` of Redis 7.2.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from worker.byte_columns import (
    Bytes,
    Column,
    ColumnView,
    binary_column,
    fixed_size_column,
    number_view,
)
from worker.store.errors import ShardInvalid
from worker.store.members.codec import SENTINEL

Offsets = NDArray[np.int64]

#: The entry of the sentinel, which every shard holds.
SENTINEL_ENTRY = b"\x81\x00\x02"
_SHORT = 0x3F  # the longest string with a head of one byte
_LONGEST = 0xFFF  # the longest with two
_LONG_HEAD = 0xE0  # the least head of two bytes
_SHORT_BACK = 0x7F  # the longest entry whose length at its end takes one byte


def entries_of(members: Column) -> Column:
    """Lay out the entry of each row.

    Cost: 10 ns a row where all have one length, 40 to 55 elsewhere.

    Args:
        members: packed members: binary, large binary or fixed-size binary, without nulls.

    Returns:
        Fixed-size binary where all members have one length, else binary (large from 2 GiB on),
        in the same order.

    Raises:
        ShardInvalid: a member is too long (over 4,095 bytes), or the sentinel.
    """
    column = ColumnView.of(members)
    _require_members(column)
    if column.width is None:
        return binary_column(*_entries_of_lengths(column.data, column.lengths.astype(np.int64)))
    # All entries follow one template: only the member in it differs.
    template, _ = _entries_of_lengths(column.matrix[0], np.array([column.width]))
    entries = np.empty((column.rows, template.size), np.uint8)
    number_view(entries, 0, f"V{template.size}")[:] = template.view(f"V{template.size}")
    member, head_size = f"V{column.width}", 1 + (column.width > _SHORT)
    number_view(entries, head_size, member)[:] = number_view(column.matrix, 0, member)
    return fixed_size_column(entries)


def members_of(entries: Column) -> Column:
    """Give back the packed members of entries, as binary (large from 2 GiB on).

    Args:
        entries: of :func:`entries_of`, also sliced.
    """
    column = ColumnView.of(entries)
    first = column.data[column.offsets[:-1]]
    long = first >= _LONG_HEAD
    starts = column.offsets[:-1] + 1 + long
    ends = column.offsets[1:] - 1 - (column.lengths - 1 > _SHORT_BACK)
    lengths = ends - starts
    offsets = np.zeros(column.rows + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    kept = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return binary_column(column.data[kept], offsets)


def _require_members(column: ColumnView) -> None:
    lengths = column.lengths
    if column.rows and lengths.max() > _LONGEST:
        raise ShardInvalid(f"a member of {lengths.max()} bytes; the most is {_LONGEST:,}")
    if column.width is not None and column.width != len(SENTINEL):
        return
    single = column.offsets[:-1][lengths == len(SENTINEL)]
    if (column.data[single] == SENTINEL[0]).any():
        raise ShardInvalid("the sentinel came as a member")


def _entries_of_lengths(members: Bytes, lengths: Offsets) -> tuple[Bytes, Offsets]:
    with_head = lengths + 1 + (lengths > _SHORT)
    cuts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(with_head + 1 + (with_head > _SHORT_BACK), out=cuts[1:])
    entries = np.empty(cuts[-1], np.uint8)
    is_member = np.ones(entries.size, np.bool_)
    for at, values in (*_heads(cuts[:-1], lengths), *_backs(cuts[1:], with_head)):
        entries[at] = values
        is_member[at] = False
    entries[is_member] = members
    return entries, cuts


def _heads(starts: Offsets, lengths: Offsets) -> Iterator[tuple[Offsets, Offsets]]:
    """Give where the heads of strings go, and their bytes: 10llllll, or 1110llll llllllll."""
    long = lengths > _SHORT
    yield starts, np.where(long, _LONG_HEAD | lengths >> 8, 0x80 | lengths)
    yield starts[long] + 1, lengths[long] & 0xFF


def _backs(ends: Offsets, sizes: Offsets) -> Iterator[tuple[Offsets, Offsets]]:
    """Give where the sizes at the ends go, and their bytes: seven bits each, the last first."""
    long = sizes > _SHORT_BACK
    yield ends - 1, np.where(long, 0x80 | sizes & 0x7F, sizes)
    yield ends[long] - 2, sizes[long] >> 7
