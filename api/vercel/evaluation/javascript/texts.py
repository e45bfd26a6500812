"""Strings as JavaScript has them: sequences of 16-bit units.

Python's strings are sequences of code points. The two differ for code points beyond U+FFFF,
which are two units (surrogates), and for halves of those, which JSON can carry.
"""

import re
from itertools import chain
from types import MappingProxyType
from typing import Final

_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

#: Pairs of upper and lower case that came with Unicode 15 to 17. Python 3.11 does not know them.
NEWER_CASES: Final = MappingProxyType(
    dict(
        chain(
            ((0x1C89, 0x1C8A), (0xA7CB, 0x0264), (0xA7CC, 0xA7CD), (0xA7CE, 0xA7CF)),
            ((0xA7D2, 0xA7D3), (0xA7D4, 0xA7D5), (0xA7DA, 0xA7DB), (0xA7DC, 0x019B)),
            ((upper, upper + 0x20) for upper in range(0x10D50, 0x10D66)),
            ((upper, upper + 0x1B) for upper in range(0x16EA0, 0x16EB9)),
        )
    )
)


def lower_case(text: str) -> str:
    """Give what ``toLowerCase`` gives, by Unicode 17."""
    return text.lower() if text.isascii() else text.lower().translate(NEWER_CASES)


def units_of(text: str) -> str:
    """Give a string with one character for each unit."""
    return _ASTRAL.sub(_halves, text)


def unit_count(text: str) -> int:
    """Give the ``length`` of a string."""
    return len(text) if text.isascii() else len(text) + len(_ASTRAL.findall(text))


def has_half_pair(text: str) -> bool:
    """Whether a string has half of a surrogate pair, which may be part of a code point."""
    return _SURROGATE.search(text) is not None


def sort_key(text: str) -> bytes:
    """Give bytes that sort as the strings do: by units, so U+FF5E comes after U+1F600."""
    return text.encode("utf-16-be", "surrogatepass")


def well_formed(text: str) -> bytes:
    """Give UTF-8 with U+FFFD for each half of a pair, as ``TextEncoder`` does."""
    return _SURROGATE.sub("\ufffd", text).encode()


def _halves(match: re.Match[str]) -> str:
    offset = ord(match[0]) - 0x10000
    return chr(0xD800 + (offset >> 10)) + chr(0xDC00 + (offset & 0x3FF))
