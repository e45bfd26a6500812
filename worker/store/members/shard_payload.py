"""A shard's bytes: payloads of Redis's ``RESTORE``, built here so that Redis only stores them.

A payload is what ``DUMP`` gives for a set kept as a listpack::

    14                  type: set as listpack        (RDB type 20)
    length              of the listpack              (RDB length: 1, 2 or 5 bytes)
    total count         6-byte listpack header       (uint32, uint16; little-endian)
    81 00 02            the sentinel's entry
    entry …             one for each member, see below
    ff                  end of the listpack
    0b 00               RDB version 11, the first that Redis 7.2 wrote
    crc                 CRC-64 of all before         (8 bytes, little-endian)

An entry is a head, the packed member (``codec.py``), and the length of both::

    10llllll            head of up to 63 bytes
    1110llll llllllll   head of up to 4,095 bytes
    member
    0lllllll            length of head and member up to 127
    0lllllll 1lllllll   a longer one: seven bits each, the low ones last

Members are always strings to the listpack, also where they read as integers; Redis finds them
either way. The entries of all shards are laid out at once, in one buffer that the payloads are
cut from: a Python step is paid once a shard, never once a member.

Source: ``rdb.h``, ``listpack.c`` and ``verifyDumpPayload`` in ``cluster.c`` of Redis 7.2; the
tests restore payloads on real servers with ``sanitize-dump-payload yes``.
"""

import struct
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from anycrc import Model
from numpy.typing import NDArray

from worker.byte_columns import Bytes, Column, ColumnView, as_list, number_view, take
from worker.store.errors import ShardInvalid
from worker.store.members.codec import SENTINEL
from worker.store.members.hashing import Hashes

Offsets = NDArray[np.int64]

_SET_LISTPACK = b"\x14"
_SENTINEL_ENTRY = b"\x81\x00\x02"
_END = b"\xff" + (11).to_bytes(2, "little")
_LISTPACK_AROUND = 7  # bytes of header and end
_COUNT_UNKNOWN = 0xFFFF
_SHORT = 0x3F  # the longest string with a head of one byte
_LONGEST = 0xFFF  # the longest with two
_LONG_HEAD = 0xE0  # the least head of two bytes
_SHORT_BACK = 0x7F  # the longest entry whose length at its end takes one byte


def shard_slices(hashes: Hashes, *, bits: int, first_shard: int, shard_count: int) -> Offsets:
    """Cut sorted hashes into shards.

    Args:
        hashes: uint64, ascending.
        bits: the list has ``2**bits`` shards.
        first_shard: the first shard wanted.
        shard_count: how many are wanted from there on.

    Returns:
        ``shard_count + 1`` row numbers: shard ``first_shard + n`` is rows ``[n]`` to ``[n + 1]``.

    Raises:
        ShardInvalid: the list has no such shards.
    """
    end_shard = first_shard + shard_count
    if first_shard < 0 or shard_count < 1 or end_shard > 1 << bits:
        raise ShardInvalid(f"shards {first_shard} to {end_shard} of 2**{bits} do not exist")
    first_hashes = np.arange(first_shard, end_shard, dtype=np.uint64) << (64 - bits if bits else 0)
    slices = np.empty(shard_count + 1, np.int64)
    slices[:-1] = np.searchsorted(hashes, first_hashes)
    after = end_shard << (64 - bits)
    slices[-1] = len(hashes) if after >> 64 else np.searchsorted(hashes, np.uint64(after))
    return slices


def build_payloads(
    members: Column, hashes: Hashes, *, bits: int, first_shard: int, shard_count: int
) -> list[bytes]:
    """Build one ``RESTORE`` payload per shard, holding the sentinel and the shard's members.

    Checks what a server would not: ``RESTORE`` accepts a repeated member in a listpack, and
    removing it would leave the other copy.

    Args:
        members: packed members in order of hash, those of one hash in order of their bytes.
        hashes: uint64, one a member.
        bits: the list has ``2**bits`` shards.
        first_shard: the first shard to build.
        shard_count: how many to build; every member belongs to one of them.

    Returns:
        One payload for each shard, also for empty ones.

    Raises:
        ShardInvalid: the members are out of order, repeated, outside these shards, too long
            (over 4,095 bytes), or the sentinel.
    """
    slices = shard_slices(hashes, bits=bits, first_shard=first_shard, shard_count=shard_count)
    column = ColumnView.of(members)
    _require_set(members, column, hashes, slices)
    entries, row_ends = _entries(column)
    body, counts = entries.data, np.diff(slices).tolist()
    checksum = Model("CRC64-REDIS").calc
    payloads = []
    start = 0
    for end, count in zip(row_ends[slices[1:]].tolist(), counts, strict=True):
        content = b"".join((_head(end - start, count), body[start:end], _END))
        payloads.append(content + checksum(content).to_bytes(8, "little"))
        start = end
    return payloads


def _require_set(members: Column, column: ColumnView, hashes: Hashes, slices: Offsets) -> None:
    rows = column.rows
    if len(hashes) != rows:
        raise ShardInvalid(f"{rows} members came with {len(hashes)} hashes")
    if slices[0] != 0 or slices[-1] != rows:
        raise ShardInvalid(f"members outside the shards' range: rows {slices[0]}, {slices[-1]}")
    if (hashes[1:] < hashes[:-1]).any():
        row = int(np.argmax(hashes[1:] < hashes[:-1]))
        raise ShardInvalid(f"hashes out of order after row {row}")
    same = np.flatnonzero(hashes[1:] == hashes[:-1])
    neighbours = (as_list(take(members, side)) for side in (same, same + 1))
    for row, member, following in zip(same.tolist(), *neighbours, strict=True):
        if member >= following:
            raise ShardInvalid(f"member repeated or out of order after row {row}")
    lengths = column.lengths
    if rows and lengths.max() > _LONGEST:
        raise ShardInvalid(f"a member of {lengths.max()} bytes; the most is {_LONGEST:,}")
    single = column.offsets[:-1][lengths == len(SENTINEL)]
    if (column.data[single] == SENTINEL[0]).any():
        raise ShardInvalid("the sentinel came as a member")


def _entries(column: ColumnView) -> tuple[Bytes, Offsets]:
    """Lay out the listpack entries of all rows.

    Returns:
        The entries, and where each row's begins, with the end of the last.
    """
    if column.width is None:
        return _entries_of_lengths(column.data, column.lengths.astype(np.int64))
    # All entries follow one template: only the member in it differs.
    template, _ = _entries_of_lengths(column.matrix[0], np.array([column.width]))
    entries = np.empty((column.rows, template.size), np.uint8)
    number_view(entries, 0, f"V{template.size}")[:] = template.view(f"V{template.size}")
    member, head_size = f"V{column.width}", 1 + (column.width > _SHORT)
    number_view(entries, head_size, member)[:] = number_view(column.matrix, 0, member)
    return entries.reshape(-1), np.arange(0, entries.size + 1, template.size)


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


@lru_cache(maxsize=1024)
def _head(entry_bytes: int, member_count: int) -> bytes:
    size = _LISTPACK_AROUND + len(_SENTINEL_ENTRY) + entry_bytes
    count = min(member_count + 1, _COUNT_UNKNOWN)
    listpack_header = struct.pack("<IH", size, count)
    return _SET_LISTPACK + _rdb_length(size) + listpack_header + _SENTINEL_ENTRY


def _rdb_length(size: int) -> bytes:
    if size < 1 << 6:
        return struct.pack(">B", size)
    if size < 1 << 14:
        return struct.pack(">H", 0x4000 | size)
    return struct.pack(">BI", 0x80, size)
