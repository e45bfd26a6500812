"""A shard's bytes: payloads of Redis's ``RESTORE``, built here so that Redis only stores them.

A payload is what ``DUMP`` gives for a set kept as a listpack::

    14                  type: set as listpack        (RDB type 20)
    length              of the listpack              (RDB length: 1, 2 or 5 bytes)
    total count         6-byte listpack header       (uint32, uint16; little-endian)
    81 00 02            the sentinel's entry
    entry …             one for each member, see ``entries.py``
    ff                  end of the listpack
    0b 00               RDB version 11, the first that Redis 7.2 wrote
    crc                 CRC-64 of all before         (8 bytes, little-endian)

Members are always strings to the listpack, also where they read as integers; Redis finds them
either way. The entries of all shards are one buffer that the payloads are cut from: a Python
step is paid once a shard, never once a member.

Source: ``rdb.h``, ``listpack.c`` and ``verifyDumpPayload`` in ``cluster.c`` of Redis 7.2; the
tests restore payloads on real servers with ``sanitize-dump-payload yes``.
"""

import struct
from functools import lru_cache

import numpy as np
from anycrc import Model
from numpy.typing import NDArray

from worker.byte_columns import Column, ColumnView, as_list, take
from worker.store.errors import ShardInvalid
from worker.store.members.entries import SENTINEL_ENTRY, entries_of
from worker.store.members.hashing import Hashes

Offsets = NDArray[np.int64]

_SET_LISTPACK = b"\x14"
_END = b"\xff" + (11).to_bytes(2, "little")
_LISTPACK_AROUND = 7  # bytes of header and end
_COUNT_UNKNOWN = 0xFFFF


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
    _require_set(members, hashes, slices)
    return _cut_payloads(ColumnView.of(entries_of(members)), slices)


def payloads_of_entries(
    entries: Column, hashes: Hashes, *, bits: int, first_shard: int, shard_count: int
) -> list[bytes]:
    """Build what :func:`build_payloads` does from members that are entries already.

    Cost: 25 ns a row of 17 bytes, a third of it the checksum.

    Args:
        entries: of :func:`entries_of`, in order of hash, those of one hash in order of their bytes.
        hashes: uint64, the hash of the member in each.
        bits: as of ``build_payloads``.
        first_shard: as of ``build_payloads``.
        shard_count: as of ``build_payloads``.

    Raises:
        ShardInvalid: the entries are out of order, repeated, or outside these shards.
    """
    slices = shard_slices(hashes, bits=bits, first_shard=first_shard, shard_count=shard_count)
    _require_set(entries, hashes, slices)
    return _cut_payloads(ColumnView.of(entries), slices)


def _require_set(rows: Column, hashes: Hashes, slices: Offsets) -> None:
    if len(hashes) != len(rows):
        raise ShardInvalid(f"{len(rows)} members came with {len(hashes)} hashes")
    if slices[0] != 0 or slices[-1] != len(rows):
        raise ShardInvalid(f"members outside the shards' range: rows {slices[0]}, {slices[-1]}")
    if (hashes[1:] < hashes[:-1]).any():
        row = int(np.argmax(hashes[1:] < hashes[:-1]))
        raise ShardInvalid(f"hashes out of order after row {row}")
    same = np.flatnonzero(hashes[1:] == hashes[:-1])
    neighbours = (as_list(take(rows, side)) for side in (same, same + 1))
    for row, member, following in zip(same.tolist(), *neighbours, strict=True):
        if member >= following:
            raise ShardInvalid(f"member repeated or out of order after row {row}")


def _cut_payloads(entries: ColumnView, slices: Offsets) -> list[bytes]:
    body, counts = entries.data.data, np.diff(slices).tolist()
    checksum = Model("CRC64-REDIS").calc
    payloads = []
    start = 0
    for end, count in zip(entries.offsets[slices[1:]].tolist(), counts, strict=True):
        content = b"".join((_head(end - start, count), body[start:end], _END))
        payloads.append(content + checksum(content).to_bytes(8, "little"))
        start = end
    return payloads


@lru_cache(maxsize=1024)
def _head(entry_bytes: int, member_count: int) -> bytes:
    size = _LISTPACK_AROUND + len(SENTINEL_ENTRY) + entry_bytes
    count = min(member_count + 1, _COUNT_UNKNOWN)
    listpack_header = struct.pack("<IH", size, count)
    return _SET_LISTPACK + _rdb_length(size) + listpack_header + SENTINEL_ENTRY


def _rdb_length(size: int) -> bytes:
    if size < 1 << 6:
        return struct.pack(">B", size)
    if size < 1 << 14:
        return struct.pack(">H", 0x4000 | size)
    return struct.pack(">BI", 0x80, size)
