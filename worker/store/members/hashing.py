"""The hash that determines the shard of a member: XXH3-64 of the packed member, seed 0.

One library call a row costs more than all else an import does to a row, so columns are hashed
by numpy here, one length at a time, in blocks that stay in the processor's cache. All
arithmetic is modulo 2**64; numbers are read little-endian, as XXH3 does.

Source: the XXH3 part of xxHash's specification; the tests hold every length against the
xxhash package.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from worker.byte_columns import Bytes, Column, ColumnView, number_view, take

Hashes = NDArray[np.uint64]

_BLOCK = 4_096  # rows: the ten arrays or so at work, of two numbers a row, stay in a 1 MiB cache
_FEW_ROWS = 256  # fewer rows of one length are cheaper by the library
_LONGEST = 64  # longer members are rare, and numpy gains less than twice on them

#: The part of XXH3's default secret that members up to 64 bytes use.
_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
)
_PRIME_1, _PRIME_2, _PRIME_3 = (
    np.uint64(0x9E37_79B1_85EB_CA87),
    np.uint64(0xC2B2_AE3D_27D4_EB4F),
    np.uint64(0x1656_67B1_9E37_79F9),
)
_MIX_1, _MIX_2 = np.uint64(0x1656_6791_9E37_79F9), np.uint64(0x9FB2_1C65_1E98_DF25)
_LOW_32, _32 = np.uint64(0xFFFF_FFFF), np.uint64(32)


def hash_member(member: bytes) -> int:
    """Hash one packed member: XXH3-64, seed 0."""
    return xxh3_64_intdigest(member)


def shard_index(hash_: int, bits: int) -> int:
    """The shard, of ``2**bits``, that holds a hash: its high bits."""
    return hash_ >> (64 - bits)


def hash_members(members: Column) -> Hashes:
    """Hash each row as :func:`hash_member` does.

    A column of one length up to 64 bytes is the fast case; others are grouped by length
    first. Cost: a copy of a column of several lengths, 9 bytes a row beside it.

    Args:
        members: binary, large binary, fixed-size binary or text, without nulls.

    Returns:
        uint64, one a row, in the same order.
    """
    column = ColumnView.of(members)
    if column.width is not None:
        return _hash_matrix(column.matrix)
    hashes = np.empty(column.rows, np.uint64)
    lengths = np.minimum(column.lengths, _LONGEST + 1).astype(np.uint8)
    by_length = np.argsort(lengths, kind="stable")
    grouped = ColumnView.of(take(members, by_length))
    ends = np.cumsum(np.bincount(lengths, minlength=_LONGEST + 1)).tolist()
    start = 0
    for length, end in enumerate(ends):
        rows, start = slice(start, end), end
        if rows.start == end:
            continue
        first, last = grouped.offsets[rows.start], grouped.offsets[end]
        if 0 < length <= _LONGEST:
            group = _hash_matrix(grouped.data[first:last].reshape(-1, length))
        else:
            group = _hash_rows(grouped.data, grouped.offsets[rows.start : end + 1])
        hashes[by_length[rows]] = group
    return hashes


def _hash_rows(data: Bytes, offsets: NDArray[Any]) -> Hashes:
    whole, bounds = data.data, offsets.tolist()
    hashes = [xxh3_64_intdigest(whole[a:b]) for a, b in pairwise(bounds)]
    return np.array(hashes, np.uint64)


def _hash_matrix(rows: Bytes) -> Hashes:
    count, length = rows.shape
    if count < _FEW_ROWS or length > _LONGEST:
        return _hash_rows(rows.reshape(-1), np.arange(0, rows.size + 1, length))
    kernel = next(kernel for limit, kernel in _KERNELS if length <= limit)
    hashes = np.empty(count, np.uint64)
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        hashes[block] = kernel(rows[block])
    return hashes


def _hash_1_to_3(rows: Bytes) -> Hashes:
    length = rows.shape[1]
    first, middle, last = (rows[:, at].astype(np.uint64) for at in (0, length // 2, length - 1))
    word: Hashes = first << 16 | middle << 24 | last | length << 8
    word ^= _secret(0, 4) ^ _secret(4, 4)
    word ^= word >> 33
    word *= _PRIME_2
    word ^= word >> 29
    word *= _PRIME_3
    word ^= word >> 32
    return word


def _hash_4_to_8(rows: Bytes) -> Hashes:
    length = rows.shape[1]
    word = number_view(rows, 0, "<u4").astype(np.uint64)
    word <<= 32
    word += number_view(rows, length - 4, "<u4")
    word ^= _secret(8) ^ _secret(16)
    word ^= (word << 49 | word >> 15) ^ (word << 24 | word >> 40)
    word *= _MIX_2
    word ^= (word >> 35) + np.uint64(length)
    word *= _MIX_2
    word ^= word >> 28
    return word


def _hash_9_to_16(rows: Bytes) -> Hashes:
    length = rows.shape[1]
    low = number_view(rows, 0, "<u8") ^ (_secret(24) ^ _secret(32))
    high = number_view(rows, length - 8, "<u8") ^ (_secret(40) ^ _secret(48))
    total = _multiply_and_fold(low, high)
    total += low.byteswap()
    total += high
    total += np.uint64(length)
    return _avalanche(total)


def _hash_17_to_64(rows: Bytes) -> Hashes:
    length = rows.shape[1]
    total = np.full(len(rows), length * int(_PRIME_1) % 2**64, np.uint64)
    for pair in range((length + 31) // 32):  # sixteen bytes from the front, and from the end
        front, back = _mix(rows, (16 * pair, length - 16 * pair - 16), 32 * pair)
        total += front
        total += back
    return _avalanche(total)


_KERNELS: tuple[tuple[int, Callable[[Bytes], Hashes]], ...] = (
    (3, _hash_1_to_3),
    (8, _hash_4_to_8),
    (16, _hash_9_to_16),
    (_LONGEST, _hash_17_to_64),
)


def _secret(at: int, size: int = 8) -> np.uint64:
    return np.uint64(int.from_bytes(_SECRET[at : at + size], "little"))


def _mix(rows: Bytes, places: tuple[int, int], secret_at: int) -> Hashes:
    """Mix sixteen bytes from each of two places, both at once: half as many steps."""
    low, high = np.empty((2, 2, len(rows)), np.uint64)
    for number, at in enumerate(places):
        # Copied first: numpy computes more slowly with numbers at odd places.
        low[number] = number_view(rows, at, "<u8")
        high[number] = number_view(rows, at + 8, "<u8")
        low[number] ^= _secret(secret_at + 16 * number)
        high[number] ^= _secret(secret_at + 16 * number + 8)
    return _multiply_and_fold(low, high)


def _multiply_and_fold(a: Hashes, b: Hashes) -> Hashes:
    """The low half of the 128-bit product xor its high half.

    The halves of a and b are multiplied crosswise; no sum here exceeds 64 bits.
    """
    a_low, a_high, b_low, b_high = a & _LOW_32, a >> _32, b & _LOW_32, b >> _32
    carry = a_low * b_low
    carry >>= 32
    b_low *= a_high
    carry += b_low
    a_low *= b_high
    np.bitwise_and(carry, _LOW_32, out=b_low)
    a_low += b_low
    a_low >>= 32
    carry >>= 32
    high = a_high
    high *= b_high
    high += carry
    high += a_low
    np.multiply(a, b, out=b_low)
    high ^= b_low
    return high


def _avalanche(total: Hashes) -> Hashes:
    total ^= total >> 37
    total *= _MIX_1
    total ^= total >> 32
    return total
