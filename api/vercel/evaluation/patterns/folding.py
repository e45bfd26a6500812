"""Matching without regard to case, as JavaScript's flag i does with and without u.

A character matches another if both have the same canonical form. So canonical forms are put
for the characters of the text and of the pattern, and RE2 matches with regard to case.

Source: ECMAScript 2025, Canonicalize; Unicode 17, CaseFolding.txt (C and S).
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from api.vercel.evaluation.javascript.texts import NEWER_CASES
from api.vercel.evaluation.patterns.code_points import (
    Ranges,
    characters,
    contains,
    difference,
    ranges_of,
    single,
    union,
)

#: No letter beyond has two cases.
_LAST_CASED: Final = 0x1E943
_LAST_UNIT: Final = 0xFFFF
_LAST_ASCII: Final = 0x7F
#: So many members are put one by one.
_FEW: Final = 256
_OF_A_WIDE_SET: Final = 1_000
#: Foldings that Unicode 15.1 added for characters that already were.
_NEWER_FOLDS: Final = MappingProxyType({0x1FD3: 0x0390, 0x1FE3: 0x03B0, 0xFB05: 0xFB06})


@lru_cache(maxsize=2)
def folds(*, by_code_points: bool) -> Mapping[int, int]:
    """Give the canonical forms of all characters that are not their own.

    Args:
        by_code_points: as with the flags u and v; else as without, by upper case.

    Cost: 30 ms, once.
    """
    found: dict[int, int] = {}
    for code in range(_LAST_CASED + 1 if by_code_points else _LAST_UNIT + 1):
        canonical = _folded(code) if by_code_points else _upper(code)
        if canonical != code:
            found[code] = canonical
    for upper, lower in NEWER_CASES.items():
        if by_code_points:
            found[upper] = lower
        elif lower <= _LAST_UNIT:
            found[lower] = upper
    if by_code_points:
        found |= _NEWER_FOLDS
    return MappingProxyType(found)


def canonical_text(text: str, *, by_code_points: bool) -> str:
    """Put canonical forms for the characters of a text."""
    if text.isascii():
        return text.lower() if by_code_points else text.upper()
    return text.translate(folds(by_code_points=by_code_points))


@lru_cache(maxsize=256)
def canonical_set(ranges: Ranges, *, by_code_points: bool) -> Ranges:
    """Give the canonical forms of the members of a set."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return single(ord(canonical_text(chr(ranges[0][0]), by_code_points=by_code_points)))
    if _size_of(ranges) <= _FEW:
        members = "".join(chr(code) for first, last in ranges for code in range(first, last + 1))
        return characters(canonical_text(members, by_code_points=by_code_points))
    table = folds(by_code_points=by_code_points)
    moved = [canonical for code, canonical in table.items() if contains(ranges, code)]
    kept = difference(ranges, ranges_of((code, code) for code in table))
    return union(kept, ranges_of((code, code) for code in moved))


def canonical_work(ranges: Ranges) -> int:
    """Count what :func:`canonical_set` costs, in ranges that are read."""
    return min(_size_of(ranges), _OF_A_WIDE_SET)


def _size_of(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _upper(code: int) -> int:
    """Give the upper case if it is one unit, and not ASCII unless the character is."""
    upper = chr(code).upper()
    if len(upper) != 1 or ord(upper) > _LAST_UNIT:
        return code
    return code if code > _LAST_ASCII >= ord(upper) else ord(upper)


def _folded(code: int) -> int:
    """Give the simple case folding: where the full one is longer, the lower case."""
    folded = chr(code).casefold()
    if len(folded) != 1:
        folded = chr(code).lower()
    return ord(folded) if len(folded) == 1 else code
