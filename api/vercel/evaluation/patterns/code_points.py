"""Sets of code points as sorted ranges, and how RE2 writes them."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final, TypeAlias

#: First and last code point of each range; sorted, apart from each other.
Ranges: TypeAlias = tuple[tuple[int, int], ...]

LAST: Final = 0x10FFFF
NOTHING: Final[Ranges] = ()
EVERYTHING: Final[Ranges] = ((0, LAST),)


def ranges_of(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Sort ranges and join those that touch."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return tuple(joined)


def single(code: int) -> Ranges:
    """Give the set of one code point."""
    return ((code, code),)


def union(*sets: Ranges) -> Ranges:
    """Give what is in any of the sets."""
    return ranges_of(pair for ranges in sets for pair in ranges)


def complement(ranges: Ranges) -> Ranges:
    """Give what is not in the set."""
    gaps = []
    start = 0
    for first, last in ranges:
        if first > start:
            gaps.append((start, first - 1))
        start = last + 1
    if start <= LAST:
        gaps.append((start, LAST))
    return tuple(gaps)


def intersection(one: Ranges, other: Ranges) -> Ranges:
    """Give what is in both sets."""
    return complement(union(complement(one), complement(other)))


def difference(one: Ranges, other: Ranges) -> Ranges:
    """Give what is in the first set alone."""
    return complement(union(complement(one), other))


def contains(ranges: Ranges, code: int) -> bool:
    """Whether a code point is in the set."""
    place = bisect_right(ranges, (code, LAST)) - 1
    return place >= 0 and code <= ranges[place][1]


def characters(text: str) -> Ranges:
    """Give the set of a text's characters."""
    return ranges_of((ord(character), ord(character)) for character in text)


def re2_class(ranges: Ranges) -> str:
    """Write a set for RE2; the empty one is a class that nothing matches."""
    if not ranges:
        return rf"[^\x{{0}}-\x{{{LAST:X}}}]"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return rf"\x{{{ranges[0][0]:X}}}"
    return "[" + "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in ranges) + "]"
