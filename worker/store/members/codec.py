"""Context keys as the bytes stored in a shard, and back: lossless, no two keys alike.

A packed member begins with a byte that never begins UTF-8 text:

=======  =====================================================  =======================
first    key                                                    member
=======  =====================================================  =======================
0xF8     canonical lower-case UUID                              tag + 16 bytes
0xF9     an even number, 16 or more, of digits ``0-9a-f``       tag + half as many bytes
0xFA     upper-case ULID                                        tag + 16 bytes
0xFB     bytes that begin with 0x00 or with 0xF8 to 0xFF        tag + the bytes
other    anything else                                          the bytes themselves
=======  =====================================================  =======================

The forms are tried in this order. Decimal integers count as hex where they fit it (16, 18, …
digits: half the size) and stay text elsewhere. 0x00 alone is the sentinel, never a member.
"""

import re
from binascii import hexlify, unhexlify
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from worker.byte_columns import (
    Bytes,
    Column,
    ColumnView,
    as_list,
    binary_column,
    concatenate,
    fixed_size_column,
    take,
    uniform_column,
)
from worker.store.errors import MemberCorrupt
from worker.store.members.forms import (
    CROCKFORD,
    HEX_MIN_LENGTH,
    HEX_TAG,
    PACKED_LENGTH,
    ULID_LENGTH,
    ULID_TAG,
    UUID_LENGTH,
    UUID_TAG,
    Mask,
    pack_hex,
    pack_ulids,
    pack_uuids,
    unpack_hex,
    unpack_ulids,
    unpack_uuids,
)

#: Held by every shard, so that an empty one differs from a missing one.
SENTINEL = b"\x00"

Rows = NDArray[np.intp]
_Part = tuple[Rows, Column]
_Packer = Callable[[Bytes], tuple[Bytes, Mask]]
_Unpacker = Callable[[Bytes], Bytes]

_FIRST_TAG = 0xF8  # from here on no byte begins UTF-8
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ULID = re.compile(rb"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_HEX = re.compile(rb"[0-9a-f]+")
_BASE_32 = b"0123456789ABCDEFGHIJKLMNOPQRSTUV"  # the digits that int() takes
_CROCKFORD_TO_BASE_32 = bytes.maketrans(CROCKFORD, _BASE_32)
_EDGE = np.isin(np.arange(256), list(CROCKFORD + b"abcdef"))  # first or last of a packed form


def pack_key(key: str) -> bytes:
    """Pack one key; about a microsecond.

    Raises:
        UnicodeEncodeError: the key holds half of a surrogate pair, which no UTF-8 text can.
    """
    return pack_bytes(key.encode())


def pack_bytes(key: bytes) -> bytes:
    """Pack one key given as UTF-8; what :func:`pack_keys` does for each row."""
    length = len(key)
    if length == UUID_LENGTH and _UUID.fullmatch(key):
        return b"\xf8" + unhexlify(key.replace(b"-", b""))
    if length == ULID_LENGTH and _ULID.fullmatch(key):
        return b"\xfa" + int(key.translate(_CROCKFORD_TO_BASE_32), 32).to_bytes(16)
    if length >= HEX_MIN_LENGTH and length % 2 == 0 and _HEX.fullmatch(key):
        return b"\xf9" + unhexlify(key)
    if key and _needs_escape(key[0]):
        return b"\xfb" + key
    return key


def unpack_member(member: bytes) -> str:
    """Give back the key of one member.

    Raises:
        MemberCorrupt: no key packs to these bytes, or they are the sentinel.
    """
    try:
        return unpack_bytes(member).decode()
    except UnicodeDecodeError as exc:
        raise MemberCorrupt(f"a member of {len(member)} bytes holds no UTF-8") from exc


def unpack_bytes(member: bytes) -> bytes:
    """Give back the key of one member as UTF-8; what :func:`unpack_members` does for each row.

    Raises:
        MemberCorrupt: no key packs to these bytes, or they are the sentinel.
    """
    tag, packed = member[:1], member[1:]
    if tag == b"\xf8" and len(member) == PACKED_LENGTH:
        digits = hexlify(packed)
        return b"-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    if tag == b"\xf9" and len(member) > HEX_MIN_LENGTH // 2:
        return hexlify(packed)
    if tag == b"\xfa" and len(member) == PACKED_LENGTH:
        number = int.from_bytes(packed)
        return bytes(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
    if tag == b"\xfb" and packed and _needs_escape(packed[0]):
        return packed
    if tag and _needs_escape(tag[0]):
        raise MemberCorrupt(f"no key packs to a member of {len(member)} bytes with tag {tag.hex()}")
    return member


def pack_keys(keys: Column) -> Column:
    """Pack each row as :func:`pack_key` does.

    Cost: no copy where nothing packs; a column of one form is the fast case; a column of
    several forms is copied twice.

    Args:
        keys: text or binary, also large or sliced, without nulls; rows are UTF-8.

    Returns:
        Fixed-size binary where all members have one length, else binary (large from 2 GiB
        on), in the same order.
    """
    column = ColumnView.of(keys)
    if column.width is not None:
        for packer in _packers(column.width)[:1]:
            # One row tells whether the others are worth reading.
            if packer(column.matrix[:1])[1].all():
                members, ok = packer(column.matrix)
                if ok.all():
                    return fixed_size_column(members)
    return _pack_by_form(keys, column)


def unpack_members(members: Column) -> Column:
    """Give back the keys of members, row by row, as :func:`unpack_member` does.

    Args:
        members: binary, large binary or fixed-size binary, also sliced, without nulls and
            without sentinels.

    Returns:
        Binary (large from 2 GiB on), each row the UTF-8 of a key, in the same order. That
        it is UTF-8 is not checked: it is what was packed.

    Raises:
        MemberCorrupt: a row is no member, or is the sentinel.
    """
    column = ColumnView.of(members)
    if column.width is not None:
        tag, matrix = int(column.data[0]), column.matrix
        unpacker = _unpacker(tag, column.width)
        if unpacker is not None and (matrix[:, 0] == tag).all():
            keys = unpacker(matrix)
            return uniform_column(keys)
    return _unpack_by_form(members, column)


def _needs_escape(first: int) -> bool:
    return first == 0 or first >= _FIRST_TAG


def _packers(length: int) -> tuple[_Packer, ...]:
    if length % 2 or length < HEX_MIN_LENGTH:
        return ()
    return {UUID_LENGTH: (pack_uuids, pack_hex), ULID_LENGTH: (pack_ulids, pack_hex)}.get(
        length, (pack_hex,)
    )


def _unpacker(tag: int, length: int) -> _Unpacker | None:
    if tag == HEX_TAG:
        return unpack_hex if length > HEX_MIN_LENGTH // 2 else None
    if length != PACKED_LENGTH:
        return None
    return {UUID_TAG: unpack_uuids, ULID_TAG: unpack_ulids}.get(tag)


def _pack_by_form(keys: Column, column: ColumnView) -> Column:
    parts: list[_Part] = []
    for length, rows in _even_lengths(column):
        matrix, left = ColumnView.of(take(keys, rows)).matrix, rows
        for packer in _packers(length):
            members, ok = packer(matrix)
            parts.append((left[ok], fixed_size_column(members[ok])))
            matrix, left = matrix[~ok], left[~ok]
    first = _first_bytes(column)
    rows = np.flatnonzero((first == 0) | (first >= _FIRST_TAG))
    escaped = [b"\xfb" + key for key in as_list(take(keys, rows))]
    parts.append((rows, pa.array(escaped, pa.binary())))
    packed = _merge_in_order(parts, keys, column)
    if packed.width is not None:
        return fixed_size_column(packed.matrix)
    return binary_column(packed.data, packed.offsets)


def _unpack_by_form(members: Column, column: ColumnView) -> Column:
    parts: list[_Part] = []
    first = _first_bytes(column)
    tagged = np.flatnonzero((first == 0) | (first >= _FIRST_TAG))
    groups = first[tagged].astype(np.int64) << 32 | column.lengths[tagged]
    for group in np.unique(groups).tolist():
        tag, length = group >> 32, group & 0xFFFF_FFFF
        rows = tagged[groups == group]
        unpacker = _unpacker(tag, length)
        if unpacker is None:
            keys = [unpack_bytes(member) for member in as_list(take(members, rows))]
            parts.append((rows, pa.array(keys, pa.binary())))
        else:
            matrix = ColumnView.of(take(members, rows)).matrix
            parts.append((rows, fixed_size_column(unpacker(matrix))))
    unpacked = _merge_in_order(parts, members, column)
    return binary_column(unpacked.data, unpacked.offsets)


def _even_lengths(column: ColumnView) -> Iterator[tuple[int, Rows]]:
    """Give the rows, by length, that may be digits by their length, first and last byte."""
    if column.width is not None:
        if _packers(column.width):
            rows = np.flatnonzero(_EDGE[column.matrix[:, -1]])
            rows = rows[_EDGE[column.matrix[rows, 0]]]
            if len(rows):
                yield column.width, rows
        return
    lengths = column.lengths
    rows = np.flatnonzero((lengths % 2 == 0) & (lengths >= HEX_MIN_LENGTH))
    rows = rows[_EDGE[column.data[column.offsets[rows + 1] - 1]]]
    rows = rows[_EDGE[column.data[column.offsets[rows]]]]
    for length in np.unique(lengths[rows]).tolist():
        yield length, rows[lengths[rows] == length]


def _first_bytes(column: ColumnView) -> Bytes:
    """Give the first byte of each row; an arbitrary letter for an empty row."""
    if column.width is not None:
        return column.matrix[:, 0]
    if not column.data.size:
        return np.full(column.rows, ord("a"), np.uint8)
    first: Bytes = column.data[np.minimum(column.offsets[:-1], column.data.size - 1)]
    first[column.lengths == 0] = ord("a")
    return first


def _merge_in_order(parts: list[_Part], array: Column, column: ColumnView) -> ColumnView:
    """Put the changed rows among the ones that stay as they are."""
    changed = [part for part in parts if len(part[0])]
    if not changed:
        return column
    same = np.ones(column.rows, np.bool_)
    for rows, _ in changed:
        same[rows] = False
    unchanged = np.flatnonzero(same)
    every = [*changed, (unchanged, take(array, unchanged))]
    source = np.empty(column.rows, np.intp)
    source[np.concatenate([rows for rows, _ in every])] = np.arange(column.rows)
    joined = concatenate([rows for _, rows in every])
    return ColumnView.of(take(joined, source))
