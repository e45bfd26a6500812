"""The forms of keys that pack well, whole columns at a time.

UUIDs, hex digests and ULIDs are text around raw bytes. Each function here takes a matrix of
keys of one length and works through it in blocks that stay in the processor's cache, with
eight digits at a time in one 64-bit number, each byte of it a lane.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.byte_columns import Bytes, number_view

UUID_TAG, HEX_TAG, ULID_TAG = 0xF8, 0xF9, 0xFA
UUID_LENGTH, ULID_LENGTH, HEX_MIN_LENGTH = 36, 26, 16
PACKED_LENGTH = 17  # a UUID or ULID with its tag
CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"

Words = NDArray[Any]  # uint64, in the machine's order or as a view of bytes
Mask = NDArray[np.bool_]

_BLOCK = 8_192  # rows; a UUID is four words, and three such blocks fit a 1 MiB cache
_DASHES = (8, 13, 18, 23)
_ULID_WORDS = (2, 10, 18)  # the columns of the words after the first two digits
_FROM_CROCKFORD = bytes(CROCKFORD.find(c) & 0xFF for c in range(256))  # 0xFF where it is none
_TO_CROCKFORD = CROCKFORD * 8


def _lanes(value: int) -> np.uint64:
    return np.uint64(value * 0x0101_0101_0101_0101)


_ONE, _SIX, _CHAR_0 = _lanes(1), _lanes(6), _lanes(ord("0"))
_DIGIT = _lanes(0x0F)
_TO_LETTER = ord("a") - ord("9") - 1
#: Two digits' values in a pair of bytes, the first one low: their byte comes out as the high one.
_JOIN_PAIR = np.uint16(0x1001)
_LARGEST_DIGIT = 15
_BIT_6_OF_PAIR = np.uint16(0x4040)
_LANES_OF_16, _LANES_OF_32 = np.uint64(0x00FF_00FF_00FF_00FF), np.uint64(0x0000_FFFF_0000_FFFF)
# Base 32: the low digit of each pair of lanes, while digits of 5, 10 and 20 bits are joined.
_LOW_5, _LOW_10, _LOW_20, _LOW_40 = (
    np.uint64(0x001F_001F_001F_001F),
    np.uint64(0x0000_03FF_0000_03FF),
    np.uint64(0xF_FFFF),
    np.uint64(0xFF_FFFF_FFFF),
)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the hexadecimal digits of a form are.

    Attributes:
        length: of the key.
        spans: the columns of the key that hold digits, each from and to.
        halves: of each eight digits in turn, the columns of the first and the last four.
        columns: where in the member the four bytes of each such eight belong.
    """

    length: int
    spans: tuple[tuple[int, int], ...]
    halves: tuple[tuple[int, int], ...]
    columns: tuple[int, ...]


_UUID = _Layout(
    length=UUID_LENGTH,
    spans=((0, 8), (9, 13), (14, 18), (19, 23), (24, 36)),
    halves=((0, 4), (9, 14), (19, 24), (28, 32)),
    columns=(1, 5, 9, 13),
)


def pack_uuids(keys: Bytes) -> tuple[Bytes, Mask]:
    """Pack keys of 36 bytes into 17; the mask says which are canonical lower-case UUIDs.

    A member outside the mask holds arbitrary bytes.
    """
    members, ok = _pack_digits(keys, _UUID, UUID_TAG)
    for column in _DASHES:
        dashed = keys[:, column] == ord("-")
        if not dashed.all():
            ok &= dashed
    return members, ok


def unpack_uuids(members: Bytes) -> Bytes:
    """Give the 36 characters of each member of 17 bytes."""
    keys = _unpack_digits(members, _UUID)
    for column in _DASHES:
        keys[:, column] = ord("-")
    return keys


def pack_hex(keys: Bytes) -> tuple[Bytes, Mask]:
    """Pack keys of one even length, at least 16; the mask says which are lower-case hex.

    A member outside the mask holds arbitrary bytes.
    """
    return _pack_digits(keys, _hex_layout(keys.shape[1]), HEX_TAG)


def unpack_hex(members: Bytes) -> Bytes:
    """Give the digits of members of one length, at least 9."""
    return _unpack_digits(members, _hex_layout(2 * members.shape[1] - 2))


def pack_ulids(keys: Bytes) -> tuple[Bytes, Mask]:
    """Pack keys of 26 bytes into 17; the mask says which are upper-case ULIDs below 2**128.

    A member outside the mask holds arbitrary bytes.
    """
    members = np.empty((len(keys), 17), np.uint8)
    ok = np.empty(len(keys), np.bool_)
    for rows in _blocks(len(keys)):
        translated = keys[rows].tobytes().translate(_FROM_CROCKFORD)
        digits = np.frombuffer(translated, np.uint8).reshape(-1, ULID_LENGTH)
        ok[rows] = (digits[:, 0] < 8) & (digits.max(axis=1) < len(CROCKFORD))  # noqa: PLR2004  # 8: three bits, 130 less 128 stay empty
        first, second, third = (_join_base32(digits, at) for at in _ULID_WORDS)
        head = (digits[:, 0] << 5 | digits[:, 1]).astype(np.uint64)
        block = members[rows]
        number_view(block, 1, ">u8")[:] = head << 56 | first << 16 | second >> 24
        number_view(block, 9, ">u8")[:] = second << 40 | third
    members[:, 0] = ULID_TAG
    return members, ok


def unpack_ulids(members: Bytes) -> Bytes:
    """Give the 26 characters of each member of 17 bytes."""
    keys = np.empty((len(members), ULID_LENGTH), np.uint8)
    for rows in _blocks(len(members)):
        block, digits = members[rows], keys[rows]
        high = number_view(block, 1, ">u8").astype(np.uint64)
        low = number_view(block, 9, ">u8").astype(np.uint64)
        head = (high >> 56).astype(np.uint8)
        digits[:, 0], digits[:, 1] = head >> 5, head & 31
        words = (high >> 16 & _LOW_40, (high << 24 | low >> 40) & _LOW_40, low & _LOW_40)
        for at, word in zip(_ULID_WORDS, words, strict=True):
            number_view(digits, at, ">u8")[:] = _split_base32(word)
        characters = digits.tobytes().translate(_TO_CROCKFORD)
        digits[:] = np.frombuffer(characters, np.uint8).reshape(digits.shape)
    return keys


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(at, min(at + _BLOCK, rows)) for at in range(0, rows, _BLOCK))


def _hex_layout(length: int) -> _Layout:
    # The last word overlaps the one before it where the length is no multiple of eight.
    starts = (*range(0, length - 8, 8), length - 8)
    halves = tuple((at, at + 4) for at in starts)
    return _Layout(length, ((0, length),), halves, tuple(1 + at // 2 for at in starts))


def _pack_digits(keys: Bytes, layout: _Layout, tag: int) -> tuple[Bytes, Mask]:
    count = sum(end - start for start, end in layout.spans)
    members = np.empty((len(keys), 1 + count // 2), np.uint8)
    members[:, 0] = tag
    ok = np.ones(len(keys), np.bool_)
    scratch = np.empty((3, count * min(_BLOCK, len(keys))), np.uint8)
    for rows in _blocks(len(keys)):
        block, packed = keys[rows], members[rows]
        digits, values, spare = (part[: count * len(block)] for part in scratch)
        _gather_spans(block, layout.spans, digits.reshape(-1, count))
        if not _read_digits(digits, values, spare):
            ok[rows] = spare.reshape(-1, count).max(axis=1) == 0
        pairs, joined = values.view("<u2"), spare[: values.size // 2]
        pairs *= _JOIN_PAIR
        pairs >>= 8
        np.copyto(joined, pairs, casting="unsafe")
        item = f"V{count // 2}"
        number_view(packed, 1, item)[:] = joined.view(item)
    return members, ok


def _gather_spans(keys: Bytes, spans: tuple[tuple[int, int], ...], digits: Bytes) -> None:
    """Copy these columns of the keys next to each other."""
    at = 0
    for start, end in spans:
        # One item a row is copied several times as fast as the bytes of a matrix.
        item = f"V{end - start}"
        number_view(digits, at, item)[:] = number_view(keys, start, item)
        at += end - start


def _read_digits(digits: Bytes, values: Bytes, wrong: Bytes) -> bool:
    """Turn characters into their values, and tell whether all are ``0-9a-f``.

    Of the two differences the one that is no digit's value wraps around and is greater. That
    makes values under 16 also of ``:`` to ``?`` and of ``W`` to the back quote, and is told
    from bit 6: set in letters, not in digits, as in the value plus 6.

    Args:
        digits: the characters, in whole pairs.
        values: is given the values; arbitrary where a character is wrong.
        wrong: is given zero where a character is right, if not all are; else arbitrary bytes.
    """
    np.subtract(digits, ord("0"), out=values)
    np.subtract(digits, ord("a") - 10, out=wrong)
    np.minimum(values, wrong, out=values)
    np.add(values, 6, out=wrong)
    pairs = wrong.view(np.uint16)
    pairs <<= 2
    pairs ^= digits.view(np.uint16)
    if values.max(initial=0) <= _LARGEST_DIGIT and not np.bitwise_or.reduce(pairs) & _BIT_6_OF_PAIR:
        return True
    pairs &= _BIT_6_OF_PAIR
    # From out of range a bit may have moved into the neighbour, whose pair is wrong anyway.
    wrong[values > _LARGEST_DIGIT] = 1
    return False


def _unpack_digits(members: Bytes, layout: _Layout) -> Bytes:
    word_count = len(layout.columns)
    keys = np.empty((len(members), layout.length), np.uint8)
    scratch = np.empty((2, word_count * min(_BLOCK, len(members))), np.uint64)
    for rows in _blocks(len(members)):
        block, unpacked = members[rows], keys[rows]
        size = word_count * len(block)
        words, spare = (part[:size].reshape(word_count, -1) for part in scratch)
        for column, value in zip(layout.columns, words, strict=True):
            value[:] = number_view(block, column, "<u4")
        _split_digits(words, spare)
        for (first, last), word in zip(layout.halves, spare, strict=True):
            _write_halves(word, unpacked, first, last)
    return keys


def _write_halves(word: Words, keys: Bytes, first: int, last: int) -> None:
    if last == first + 4:
        number_view(keys, first, "<u8")[:] = word
    else:
        number_view(keys, first, "<u4")[:] = word
        number_view(keys, last, "<u4")[:] = word >> 32


def _split_digits(words: Words, characters: Words) -> None:
    """Turn the four bytes in the low half of each word into eight characters."""
    np.left_shift(words, 16, out=characters)
    words |= characters
    words &= _LANES_OF_32
    np.left_shift(words, 8, out=characters)
    words |= characters
    words &= _LANES_OF_16
    np.left_shift(words, 8, out=characters)
    characters &= _DIGIT << np.uint64(8)
    words >>= 4
    words |= characters
    words &= _DIGIT
    _write_digits(words, characters)


def _write_digits(values: Words, characters: Words) -> None:
    np.add(values, _SIX, out=characters)  # carries into bit 4 from ten on
    characters >>= 4
    characters &= _ONE
    characters *= _TO_LETTER
    characters += values
    characters += _CHAR_0


def _join_base32(digits: Bytes, at: int) -> Words:
    """Join the eight digits from column ``at`` on into 40 bits."""
    word: Words = number_view(digits, at, ">u8").astype(np.uint64)
    word = word & _LOW_5 | word >> 3 & _LOW_5 << np.uint64(5)
    word = word & _LOW_10 | word >> 6 & _LOW_10 << np.uint64(10)
    return word & _LOW_20 | word >> 12 & _LOW_20 << np.uint64(20)


def _split_base32(word: Words) -> Words:
    word = word & _LOW_20 | (word & _LOW_20 << np.uint64(20)) << 12
    word = word & _LOW_10 | (word & _LOW_10 << np.uint64(10)) << 6
    return word & _LOW_5 | (word & _LOW_5 << np.uint64(5)) << 3
