r"""The members of shards out of the bytes that ``SMEMBERS`` answers with, a column at a time.

A reply of RESP 2 is a head for the set and an entry for each member::

    *3\r\n               head: three entries follow
    $1\r\n 00 \r\n       the sentinel, anywhere among them
    $17\r\n f8… \r\n     head: 17 bytes follow

Every line that begins with ``*`` or ``$`` may be a head. All are found and read at once, and each
has to begin where the one before says that it does; any other is part of a member. A Python
step is paid once for some tens of shards, never once a member.

Source: the specification of RESP 2, the Redis serialization protocol.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from worker.byte_columns import Bytes, Column, fixed_size_column, sliced_column
from worker.store.errors import StoreUnavailable
from worker.store.members.codec import SENTINEL

#: Bytes that a buffer has to have behind the replies; heads are read eight bytes at a time.
SPARE_BYTES: Final = 8

_Numbers = NDArray[np.int64]
_Words = NDArray[Any]  # uint64
_Flags = NDArray[np.bool_]

_SET, _ENTRY, _ERROR, _CR, _LF = b"*$-\r\n"
_LINE_END: Final = 2  # bytes
_MANY: Final = 8  # digits, or more
_MOST_DIGITS: Final = 12
_LONGEST_HEAD: Final = 1 + _MOST_DIGITS + _LINE_END
_NOWHERE: Final = 1 << 62


def _lanes(value: int) -> np.uint64:
    return np.uint64(value * 0x0101_0101_0101_0101)


_ONES, _HIGH_BITS, _CRS, _ZEROS = _lanes(0x01), _lanes(0x80), _lanes(_CR), _lanes(ord("0"))
_TO_HIGH_BIT = _lanes(0x80 - 10)  # carries into it from ten on


@dataclass(frozen=True, slots=True, eq=False)
class ShardReplies:
    """The whole replies that a buffer begins with."""

    members: Column
    """In the order of the replies, without sentinels; fixed-size binary where all have one
    length, else binary."""
    shards: int
    """How many replies there are."""
    missing: int
    """How many of them hold no sentinel: those shards do not exist."""
    size: int
    """Their bytes. An incomplete reply or an error may follow."""


@dataclass(frozen=True, slots=True, eq=False)
class _Heads:
    """Places that look like heads, row by row."""

    at: _Numbers
    is_set: _Flags
    number: _Numbers
    """Entries of a set, bytes of an entry; too many where it is no number."""
    content: _Numbers
    """Where what follows the head begins."""
    end: _Numbers
    """Where the next head has to begin; far away where there is no number."""

    def __len__(self) -> int:
        return len(self.at)

    def rows(self, which: slice | _Flags) -> "_Heads":
        """Some of them."""
        return _Heads(
            self.at[which],
            self.is_set[which],
            self.number[which],
            self.content[which],
            self.end[which],
        )


def slice_replies(buffer: Bytes, size: int) -> ShardReplies:
    """Take the members out of pipelined replies to ``SMEMBERS``.

    Args:
        buffer: under 2 GiB; may be reused afterwards.
        size: bytes of replies at its start; ``SPARE_BYTES`` of anything are behind them.

    Raises:
        StoreUnavailable: the bytes are no such replies. Safe to retry on another connection.
    """
    heads = _follow(_read_heads(buffer, _find_heads(buffer[:size])))
    _require_replies(buffer, size, heads)
    sets = np.flatnonzero(heads.is_set)
    after = sets + 1 + heads.number[sets]
    if len(sets) and (after[-1] > len(heads) or heads.end[-1] > size):
        # The last reply has not arrived whole.
        heads, sets, after = heads.rows(slice(sets[-1])), sets[:-1], after[:-1]
    sentinel = ~heads.is_set & (heads.number == len(SENTINEL))
    sentinel[sentinel] = buffer[heads.content[sentinel]] == SENTINEL[0]
    holders = np.unique(np.searchsorted(after, np.flatnonzero(sentinel), "right"))
    members = ~(heads.is_set | sentinel)
    return ShardReplies(
        _take(buffer, heads.content[members], heads.number[members]),
        len(sets),
        len(sets) - len(holders),
        int(heads.end[-1]) if len(heads) else 0,
    )


def _broken(how: str) -> StoreUnavailable:
    return StoreUnavailable(f"the store's reply is broken: {how}; retry")


def _find_heads(data: Bytes) -> _Numbers:
    """Where lines begin as a head does; the first line is the one at 0."""
    marked = data == _SET
    marked |= data == _ENTRY
    marked[1:] &= data[:-1] == _LF
    marked[2:] &= data[:-2] == _CR
    marked[1:2] = False
    return np.flatnonzero(marked)


def _read_heads(buffer: Bytes, at: _Numbers) -> _Heads:
    words: _Words = np.ndarray((len(buffer) - 7,), "<u8", buffer=buffer, strides=(1,))[at]
    is_set = (words & np.uint64(0xFF)) == _SET
    words >>= 8
    # The lowest bit left set is in the first byte that is a carriage return.
    ends = words ^ _CRS
    ends = (ends - _ONES) & ~ends & _HIGH_BITS
    digits: NDArray[Any] = np.bitwise_count((ends & (~ends + np.uint64(1))) - np.uint64(1)) >> 3
    number = _parse(words, digits)
    for row in np.flatnonzero(digits == _MANY).tolist():
        number[row], digits[row] = _parse_long(buffer, int(at[row]))
    content = at + digits + (1 + _LINE_END)
    number[buffer.take(content - 1, mode="clip") != _LF] = -1
    end = np.where(is_set, content, content + number + _LINE_END)
    none = number < 0
    end[none] = number[none] = _NOWHERE
    return _Heads(at, is_set, number, content, end)


def _parse(words: _Words, digits: NDArray[Any]) -> _Numbers:
    """Numbers in decimal, the first digit in the lowest byte; -1 where it is none."""
    bits = (digits.astype(np.uint64) & np.uint64(7)) << 3
    # Eight digits, filled up with zeros in front, all at once: pairs, fours, eight.
    values = (words << (-bits & np.uint64(63)) | _ZEROS >> bits) ^ _ZEROS
    wrong = ((values + _TO_HIGH_BIT | values) & _HIGH_BITS) != 0
    wrong |= (digits == 0) | (digits == _MANY)
    values = values * np.uint64(10) + (values >> 8) & np.uint64(0x00FF_00FF_00FF_00FF)
    values = values * np.uint64(100) + (values >> 16) & np.uint64(0x0000_FFFF_0000_FFFF)
    values = values * np.uint64(10_000) + (values >> 32) & np.uint64(0xFFFF_FFFF)
    number: _Numbers = values.view(np.int64)
    number[wrong] = -1
    return number


def _parse_long(buffer: Bytes, at: int) -> tuple[int, int]:
    """The number of more than six digits in one head, and how many they are."""
    text = buffer[at + 1 : at + _LONGEST_HEAD].tobytes().partition(b"\r")[0]
    return (int(text), len(text)) if text.isdigit() else (-1, len(text))


def _follow(heads: _Heads) -> _Heads:
    """Those that follow one another from the start; the others are parts of members."""
    if (heads.at[:1] != 0).any():
        return heads.rows(slice(0))
    strays = np.flatnonzero(heads.end[:-1] != heads.at[1:]).tolist()
    if not strays:
        return heads
    follows = np.zeros(len(heads), np.bool_)
    first = 0
    for row in strays:
        if row >= first:
            follows[first : row + 1] = True
            first = int(np.searchsorted(heads.at, heads.end[row]))
            if first == len(heads) or heads.at[first] != heads.end[row]:
                return heads.rows(follows)
    follows[first:] = True
    return heads.rows(follows)


def _require_replies(buffer: Bytes, size: int, heads: _Heads) -> None:
    """Check that the heads are those of replies, which may end with a part of one."""
    if not len(heads) or not heads.is_set[0]:
        if size and buffer[0] != _ERROR:
            raise _broken("it begins with something else")
        return
    sets = np.flatnonzero(heads.is_set)
    after = sets + 1 + heads.number[sets]
    if (after[:-1] != sets[1:]).any() or after[-1] < len(heads):
        raise _broken("a set has other entries than it says")
    end = int(heads.end[-1])
    if end == _NOWHERE and not _is_unfinished(buffer[heads.at[-1] : size]):
        raise _broken("a head has no number")
    if end <= size and buffer[end - _LINE_END : end].tobytes() != b"\r\n":
        raise _broken("an entry is longer than its head says")
    if end < size and (after[-1] != len(heads) or buffer[end] != _ERROR):
        raise _broken("something else follows an entry")


def _is_unfinished(rest: Bytes) -> bool:
    """Whether the end of a head may be still to come."""
    return len(rest) < _LONGEST_HEAD and b"\r\n" not in rest.tobytes()


def _take(buffer: Bytes, starts: _Numbers, lengths: _Numbers) -> Column:
    """Copy members into a column."""
    width = int(lengths[0]) if len(starts) else 0
    if width and (lengths == width).all():
        # Overlapping items of `width` bytes, one for each byte of the buffer.
        items: NDArray[Any] = np.ndarray(
            (len(buffer) - width + 1,), f"V{width}", buffer=buffer, strides=(1,)
        )
        return fixed_size_column(items[starts].view(np.uint8).reshape(-1, width))
    return sliced_column(buffer, starts, starts + lengths)
