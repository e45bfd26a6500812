"""Regular expressions of JavaScript written as RE2's.

Only whether an expression is found matters, so groups need not capture and repetitions need
not be lazy. Every set is written out in code points; nothing depends on RE2's own dialect.

Source: ECMAScript 2025, Pattern, with Annex B.1.2.
"""

import re
from dataclasses import dataclass
from typing import Final

from api.vercel.evaluation.javascript.texts import units_of
from api.vercel.evaluation.patterns.class_sets import read_class_set
from api.vercel.evaluation.patterns.classes import read_class
from api.vercel.evaluation.patterns.code_points import (
    EVERYTHING,
    Ranges,
    complement,
    contains,
    re2_class,
    single,
)
from api.vercel.evaluation.patterns.errors import InvalidPattern, UnsupportedPattern
from api.vercel.evaluation.patterns.escapes import canonical, escaped_character, named_set
from api.vercel.evaluation.patterns.folding import canonical_text
from api.vercel.evaluation.patterns.properties import LINE_ENDS
from api.vercel.evaluation.patterns.source import Mode, Source, mode_of

_MOST_NESTED: Final = 100
#: What an atom costs beside its ranges.
_OF_AN_ATOM: Final = 4
#: RE2's own limit for a counted repetition.
_MOST_REPEATS: Final = 1_000
_MANY_DIGITS: Final = 9

_COUNTED: Final = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{([0-9]+)(,([0-9]*))?\})")
_GROUP_NAME: Final = re.compile(r"\?<([A-Za-z_$][A-Za-z0-9_$]*)>")
_ASCII_NAME: Final = re.compile(r"\?<[\x00-\x5b\x5d-\x7f]*>")
_MODIFIERS: Final = re.compile(r"\?[ims]*-?[ims]*:")
_BACKREFERENCE: Final = re.compile("[1-9][0-9]*")
_LINE_ENDS: Final = (0x0A, 0x0D, 0x2028, 0x2029)
_OTHER_LINE_ENDS: Final = dict.fromkeys((0x0D, 0x2028, 0x2029), "\n")


@dataclass(frozen=True, slots=True)
class Translation:
    """An expression for RE2, and what a text must be made into for it."""

    expression: str
    mode: Mode
    maps_line_ends: bool
    work: int
    """What the translation has cost, in ranges of sets."""

    def prepared(self, text: str) -> str:
        """Give the text as the expression needs it: units, canonical forms, one end of lines."""
        if not self.mode.by_code_points:
            text = units_of(text)
        if self.mode.ignores_case:
            text = canonical_text(text, by_code_points=self.mode.by_code_points)
        return text.translate(_OTHER_LINE_ENDS) if self.maps_line_ends else text


def translate(pattern: str, flags: str) -> Translation:
    """Write an expression as RE2's.

    Raises:
        InvalidPattern: JavaScript does not take it either.
        UnsupportedPattern: it has a part that RE2 cannot express.
    """
    mode = mode_of(flags)
    source = Source(pattern, mode)
    translator = _Translator(source)
    expression = translator.whole()
    if translator.uses_lines and translator.tells_line_ends:
        raise UnsupportedPattern(
            "with the flag m it must not name some of the characters that end lines; use \\s"
        )
    if translator.uses_inner:
        # RE2 would also look inside the bytes of one character.
        expression = rf"\A(?:{re2_class(EVERYTHING)})*(?:{expression})"
    return Translation(expression, mode, translator.uses_lines, source.work)


class _Translator:
    """Reads one expression from its start to its end."""

    __slots__ = ("_depth", "_names", "_source", "tells_line_ends", "uses_inner", "uses_lines")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._names: set[str] = set()
        self._depth = 0
        self.uses_lines = False
        self.uses_inner = False
        self.tells_line_ends = False

    def whole(self) -> str:
        expression = self._alternatives()
        if self._source.peek():
            raise InvalidPattern("a closing parenthesis has no opening one")
        return expression

    def _alternatives(self) -> str:
        parts: list[str] = []
        while (following := self._source.peek()) and following != ")":
            if self._source.skip("|"):
                parts.append("|")
                continue
            assertion = self._assertion()
            parts.append(self._repeated(self._atom()) if assertion is None else assertion)
        return "".join(parts)

    def _assertion(self) -> str | None:
        source = self._source
        if source.skip("^"):
            return self._at_line(r"\A", "(?m:^)")
        if source.skip("$"):
            return self._at_line(r"\z", "(?m:$)")
        if source.skip(r"\b"):
            return r"\b"
        if source.skip(r"\B"):
            self.uses_inner = True
            return r"\B"
        return None

    def _at_line(self, of_text: str, of_line: str) -> str:
        if not self._source.mode.is_multiline:
            return of_text
        self.uses_lines = True
        return of_line

    def _atom(self) -> str:
        source = self._source
        mode = source.mode
        if source.skip("("):
            return self._group()
        if source.skip("["):
            return self._set((read_class_set if mode.has_sets else read_class)(source))
        if source.skip("\\"):
            return self._escape()
        if source.skip("."):
            return self._set(EVERYTHING if mode.dot_takes_all else complement(LINE_ENDS))
        self._refuse_lone_sign()
        return self._set(canonical(single(ord(source.take())), source))

    def _refuse_lone_sign(self) -> None:
        source = self._source
        sign = source.peek()
        if sign in "*+?" or source.sees(_COUNTED):
            raise InvalidPattern(f"there is nothing for {sign} to repeat")
        if sign in "{}]" and source.mode.by_code_points:
            raise InvalidPattern(f"{sign} lacks its backslash, which the flags u and v ask for")

    def _group(self) -> str:
        source = self._source
        if source.peek() == "?" and not source.skip("?:"):
            self._group_name()
        self._depth += 1
        if self._depth > _MOST_NESTED:
            raise UnsupportedPattern("groups are nested too deeply")
        inside = self._alternatives()
        self._depth -= 1
        if not source.skip(")"):
            raise InvalidPattern("an opening parenthesis has no closing one")
        return f"(?:{inside})"

    def _group_name(self) -> None:
        source = self._source
        if any(source.skip(sign) for sign in ("?=", "?!", "?<=", "?<!")):
            raise UnsupportedPattern("look-ahead and look-behind are not supported")
        match = source.match(_GROUP_NAME)
        if match is not None:
            if match[1] in self._names:
                raise UnsupportedPattern(f"two groups have the name {match[1]}")
            self._names.add(match[1])
        elif source.sees(_MODIFIERS):
            raise UnsupportedPattern("inline flags are not supported")
        elif source.text.startswith("?<", source.place) and not source.sees(_ASCII_NAME):
            raise UnsupportedPattern("the name of a group has characters beyond ASCII")
        else:
            raise InvalidPattern("a group begins with ? and something unknown")

    def _escape(self) -> str:
        source = self._source
        mode = source.mode
        number = _BACKREFERENCE.match(source.text, source.place)
        if number is not None and (mode.by_code_points or _count(number[0]) <= source.groups):
            if _count(number[0]) > source.groups:
                raise InvalidPattern(f"\\{number[0]} refers to a group that is not there")
            raise UnsupportedPattern("back-references are not supported")
        if source.peek() == "k" and (mode.by_code_points or source.has_names):
            raise UnsupportedPattern("back-references are not supported")
        members = named_set(source)
        if members is None:
            members = canonical(single(escaped_character(source, in_class=False)), source)
        return self._set(members)

    def _set(self, members: Ranges) -> str:
        self._source.spend(_OF_AN_ATOM + len(members))
        ends = [contains(members, code) for code in _LINE_ENDS]
        self.tells_line_ends |= any(ends) and not all(ends)
        return re2_class(members)

    def _repeated(self, atom: str) -> str:
        match = self._source.match(_QUANTIFIER)
        if match is None:
            return atom
        self._source.skip("?")
        if match[1] is None:
            return f"(?:{atom}){match[0]}"
        least = _count(match[1])
        most = _count(match[3]) if match[3] else least if match[2] is None else None
        if most is not None and most < least:
            raise InvalidPattern(f"{match[0]} has its numbers out of order")
        if max(least, most or 0) > _MOST_REPEATS:
            raise UnsupportedPattern(f"{match[0]} repeats more than {_MOST_REPEATS:,} times")
        return f"(?:{atom}){{{least},{'' if most is None else most}}}"


def _count(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MANY_DIGITS else 10**_MANY_DIGITS
