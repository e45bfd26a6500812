"""Classes in brackets with the flag v: classes in classes, their differences and intersections.

Source: ECMAScript 2025, ClassSetExpression.
"""

import re
from typing import Final

from api.vercel.evaluation.patterns.code_points import (
    NOTHING,
    Ranges,
    complement,
    difference,
    intersection,
    single,
    union,
)
from api.vercel.evaluation.patterns.errors import InvalidPattern, UnsupportedPattern
from api.vercel.evaluation.patterns.escapes import canonical, escaped_character, named_set
from api.vercel.evaluation.patterns.source import Source

_RESERVED: Final = re.compile(r"([&!#$%*+,.:;<=>?@^`~])\1")
_SYNTAX: Final = frozenset("()[]{}/-\\|")
_MOST_NESTED: Final = 50


def read_class_set(source: Source, depth: int = 0) -> Ranges:
    """Read a class after its opening bracket, in canonical form.

    Raises:
        PatternError: it is not closed, mixes operators, or contains strings.
    """
    if depth > _MOST_NESTED:
        raise UnsupportedPattern("classes are nested too deeply")
    is_negated = source.skip("^")
    members = _expression(source, depth)
    return complement(members) if is_negated else members


def _expression(source: Source, depth: int) -> Ranges:
    if source.skip("]"):
        return NOTHING
    first = _operand(source, depth)
    for operator, combined in (("--", difference), ("&&", intersection)):
        if not source.text.startswith(operator, source.place):
            continue
        members = _as_set(first, source)
        while not source.skip("]"):
            if not source.skip(operator) or source.peek() == "&":
                raise InvalidPattern(f"a class has {operator} beside something else")
            source.spend(len(members))
            members = combined(members, _as_set(_operand(source, depth), source))
        return members
    parts = [_range(first, source, depth)]
    while not source.skip("]"):
        parts.append(_range(_operand(source, depth), source, depth))
    return union(*parts)


def _range(first: int | Ranges, source: Source, depth: int) -> Ranges:
    if source.text.startswith("--", source.place) or not source.skip("-"):
        return _as_set(first, source)
    last = _operand(source, depth)
    if not (isinstance(first, int) and isinstance(last, int)):
        raise InvalidPattern("a range in a class begins or ends with a set")
    if first > last:
        raise InvalidPattern("a range in a class is out of order")
    return canonical(((first, last),), source)


def _operand(source: Source, depth: int) -> int | Ranges:
    if source.skip("["):
        return read_class_set(source, depth + 1)
    if source.skip("\\"):
        return _escaped(source)
    if source.sees(_RESERVED):
        raise InvalidPattern(f"a class has {source.peek() * 2}, which is reserved")
    character = source.peek()
    if not character or character in _SYNTAX:
        raise InvalidPattern("a class is not closed, or a sign in it lacks its backslash")
    return ord(source.take())


def _escaped(source: Source) -> int | Ranges:
    if source.skip("b"):
        return 0x08
    if source.peek() == "q":
        raise UnsupportedPattern(r"strings in a class (\q) are not supported")
    members = named_set(source)
    return escaped_character(source, in_class=True) if members is None else members


def _as_set(member: int | Ranges, source: Source) -> Ranges:
    return canonical(single(member), source) if isinstance(member, int) else member
