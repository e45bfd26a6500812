"""What stands after a backslash: one character, or a set with a name.

Source: ECMAScript 2025, CharacterEscape and CharacterClassEscape, with Annex B.1.2.
"""

import re
from typing import Final

from api.vercel.evaluation.patterns.code_points import LAST, Ranges, complement
from api.vercel.evaluation.patterns.errors import InvalidPattern
from api.vercel.evaluation.patterns.folding import canonical_set, canonical_work
from api.vercel.evaluation.patterns.properties import (
    DIGITS,
    FOLDED_WORD,
    SPACES,
    WORD,
    property_set,
)
from api.vercel.evaluation.patterns.source import Source

_CONTROLS: Final = {"f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09, "v": 0x0B}
_SYNTAX: Final = frozenset("^$\\.*+?()[]{}|/")
_SET_PUNCTUATION: Final = frozenset("&-!#%,:;<=>@`~")
_OCTAL: Final = re.compile("[0-3][0-7]{0,2}|[4-7][0-7]?")
_ZERO: Final = re.compile("0(?![0-9])")
_HEX_2: Final = re.compile("x([0-9a-fA-F]{2})")
_HEX_4: Final = re.compile("u([0-9a-fA-F]{4})")
_TRAIL: Final = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_BRACED: Final = re.compile(r"u\{0*([0-9a-fA-F]{1,6})\}")
_LETTER: Final = re.compile("c([a-zA-Z])")
_LETTER_IN_CLASS: Final = re.compile("c([a-zA-Z0-9_])")
_PROPERTY: Final = re.compile(r"([pP])\{([A-Za-z0-9_]+(?:=[A-Za-z0-9_]+)?)\}")
_LEADS: Final = range(0xD800, 0xDC00)


def named_set(source: Source) -> Ranges | None:
    r"""Read ``d``, ``W``, ``p{Lu}`` and the like, in canonical form; ``None`` if none is next.

    Raises:
        PatternError: a property is not known, or is not one of those that are supported.
    """
    mode = source.mode
    name = source.peek()
    if name and name in "pP" and mode.by_code_points:
        return _property(source)
    if not name or name not in "dDsSwW":
        return None
    source.take()
    folded_word = FOLDED_WORD if mode.ignores_case and mode.by_code_points else WORD
    members = {"d": DIGITS, "s": SPACES, "w": folded_word}[name.lower()]
    return canonical(complement(members) if name.isupper() else members, source)


def canonical(members: Ranges, source: Source) -> Ranges:
    """Give a set as it is matched: in canonical form if case is ignored.

    Raises:
        UnsupportedPattern: the expression has too many sets.
    """
    mode = source.mode
    source.spend(len(members))
    if not mode.ignores_case:
        return members
    source.spend(canonical_work(members))
    return canonical_set(members, by_code_points=mode.by_code_points)


def _property(source: Source) -> Ranges:
    match = source.match(_PROPERTY)
    if match is None:
        raise InvalidPattern(r"\p needs the name of a property in braces")
    members = property_set(match[2])
    if match[1] == "p":
        return canonical(members, source)
    # With v the complement is taken of the canonical form; without, it is the other way.
    if source.mode.has_sets:
        return complement(canonical(members, source))
    return canonical(complement(members), source)


def escaped_character(source: Source, *, in_class: bool) -> int:
    """Read one character after its backslash.

    Raises:
        InvalidPattern: nothing, or with u and v something that has no meaning, stands there.
    """
    name = source.peek()
    if not name:
        raise InvalidPattern("it ends in a backslash")
    if name in _CONTROLS:
        source.take()
        return _CONTROLS[name]
    if source.match(_ZERO):
        return 0
    if name == "c":
        return _control(source, in_class=in_class)
    if name in "xu":
        return _hexadecimal(source)
    if name.isdecimal() and name.isascii() and not source.mode.by_code_points:
        octal = source.match(_OCTAL)
        return int(octal[0], 8) if octal else ord(source.take())
    return _identity(source, in_class=in_class)


def _control(source: Source, *, in_class: bool) -> int:
    is_lax = not source.mode.by_code_points
    match = source.match(_LETTER_IN_CLASS if in_class and is_lax else _LETTER)
    if match is not None:
        return ord(match[1]) % 32
    if not is_lax:
        raise InvalidPattern(r"\c needs a letter after it")
    return ord("\\")  # and the c is read next, for itself


def _hexadecimal(source: Source) -> int:
    match = source.match(_HEX_2)
    if match is not None:
        return int(match[1], 16)
    by_code_points = source.mode.by_code_points
    if by_code_points and (match := source.match(_BRACED)):
        code = int(match[1], 16)
        if code <= LAST:
            return code
    if match := source.match(_HEX_4):
        code = int(match[1], 16)
        if by_code_points and code in _LEADS and (trail := source.match(_TRAIL)):
            return 0x10000 + ((code - 0xD800) << 10) + int(trail[1], 16) - 0xDC00
        return code
    if by_code_points:
        raise InvalidPattern(r"\x needs two and \u four hexadecimal digits, or braces")
    return ord(source.take())


def _identity(source: Source, *, in_class: bool) -> int:
    mode, name = source.mode, source.take()
    if mode.by_code_points:
        allowed = name in _SYNTAX
        if in_class:
            allowed |= name in _SET_PUNCTUATION if mode.has_sets else name == "-"
        if not allowed:
            raise InvalidPattern(f"\\{name} has no meaning with the flags u and v")
    elif name == "k" and source.has_names:
        raise InvalidPattern(r"\k needs the name of a group, because groups have names")
    return ord(name)
