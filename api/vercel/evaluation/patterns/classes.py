"""Classes in brackets, without the flag v.

Source: ECMAScript 2025, CharacterClass, with Annex B.1.2.
"""

from api.vercel.evaluation.patterns.code_points import NOTHING, Ranges, complement, single, union
from api.vercel.evaluation.patterns.errors import InvalidPattern
from api.vercel.evaluation.patterns.escapes import canonical, escaped_character, named_set
from api.vercel.evaluation.patterns.source import Source


def read_class(source: Source) -> Ranges:
    """Read a class after its opening bracket, in canonical form.

    Raises:
        PatternError: it is not closed, or has a range that is none.
    """
    is_negated = source.skip("^")
    parts = [NOTHING]
    while not source.skip("]"):
        parts.append(_range(source))
    members = union(*parts)
    return complement(members) if is_negated else members


def _range(source: Source) -> Ranges:
    """Read one member, or two with a hyphen between them."""
    mode = source.mode
    first = _member(source)
    if not source.skip("-"):
        return _as_set(first, source)
    if source.peek() == "]":
        return union(_as_set(first, source), canonical(single(ord("-")), source))
    last = _member(source)
    if isinstance(first, int) and isinstance(last, int):
        if first > last:
            raise InvalidPattern("a range in a class is out of order")
        return canonical(((first, last),), source)
    if mode.by_code_points:
        raise InvalidPattern("a range in a class begins or ends with a set")
    hyphen = single(ord("-"))
    return union(_as_set(first, source), canonical(hyphen, source), _as_set(last, source))


def _member(source: Source) -> int | Ranges:
    if not source.peek():
        raise InvalidPattern("a class is not closed")
    if not source.skip("\\"):
        return ord(source.take())
    if source.skip("b"):
        return 0x08
    members = named_set(source)
    return escaped_character(source, in_class=True) if members is None else members


def _as_set(member: int | Ranges, source: Source) -> Ranges:
    return canonical(single(member), source) if isinstance(member, int) else member
