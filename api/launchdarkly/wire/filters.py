"""The ``filter`` parameter of lists, parsed by recursive descent.

::

    either = all { "|" all }          "," binds tighter than "|"
    all    = part { "," part }
    part   = "(" either ")" | field operator value
    value  = string | "[" [ string { "," string } ] "]" | "true" | "false"

Strings are JSON's. White space may stand between any two parts.
Source: "Filtering segments" in the documentation of List segments, which does not say how
"," and "|" bind.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any, Final, Generic, TypeVar

from api.errors import InvalidRequest

#: Characters of a filter; some thousand keys fit.
LONGEST: Final = 32_768
#: Nested parentheses.
DEEPEST: Final = 32

_BLANK: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[A-Za-z]+")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_FLAGS: Final = {"true": True, "false": False}

Item = TypeVar("Item")
Predicate = Callable[[Item], bool]


class ValueKind(Enum):
    """The values that an operator takes, as a refusal words them."""

    TEXTS = 'a list of strings, such as ["a", "b"]'
    TEXT_OR_TEXTS = "a string or a list of strings in double quotes"
    FLAG = "true or false"
    OPTIONAL_FLAG = "true, false or nothing"


Maker = Callable[[Any], Predicate[Item]]
Terms = Mapping[str, Mapping[str, tuple[ValueKind, Maker[Item]]]]
"""By field and operator: the kind of value, and what makes a predicate of it."""


def parse_terms(text: str, terms: Terms[Item]) -> Predicate[Item]:
    """Parse a filter into a predicate; an empty one matches everything.

    Cost: linear in the filter; the predicate is linear in its terms and in what they search.

    Args:
        text: the parameter, decoded.
        terms: what the filter may ask.

    Raises:
        InvalidRequest: the filter is wrong, over ``LONGEST`` or nested over ``DEEPEST``;
            says at which character, counted from 1.
    """
    if not text.strip():
        return _match_all
    if len(text) > LONGEST:
        raise InvalidRequest(f"filter: over {LONGEST:,} characters")
    return _Parser(text, terms).parse()


def _match_all(_: object) -> bool:
    return True


class _Parser(Generic[Item]):
    """Parses one filter in one pass; ``_at`` is the next character."""

    def __init__(self, text: str, terms: Terms[Item]) -> None:
        self._text = text
        self._terms = terms
        self._at = 0

    def parse(self) -> Predicate[Item]:
        predicate = self._either(depth=0)
        if self._peek():
            raise self._refusal('expected "," or "|" or the end')
        return predicate

    def _either(self, depth: int) -> Predicate[Item]:
        choices = [self._all(depth)]
        while self._accept("|"):
            choices.append(self._all(depth))
        if len(choices) == 1:
            return choices[0]
        return lambda item: any(choice(item) for choice in choices)

    def _all(self, depth: int) -> Predicate[Item]:
        parts = [self._part(depth)]
        while self._accept(","):
            parts.append(self._part(depth))
        if len(parts) == 1:
            return parts[0]
        return lambda item: all(part(item) for part in parts)

    def _part(self, depth: int) -> Predicate[Item]:
        if not self._accept("("):
            return self._term()
        if depth == DEEPEST:
            raise self._refusal(f"nested over {DEEPEST} deep", back=1)
        inside = self._either(depth + 1)
        if not self._accept(")"):
            raise self._refusal('expected ")", "," or "|"')
        return inside

    def _term(self) -> Predicate[Item]:
        field = self._word("a field", self._terms)
        operators = self._terms[field]
        operator = self._word(f"what {field} takes", operators)
        kind, make = operators[operator]
        return make(self._value(kind))

    def _word(self, what: str, known: Collection[str]) -> str:
        self._skip_blanks()
        found = _WORD.match(self._text, self._at)
        if found is None or found[0] not in known:
            raise self._refusal(f"expected {what}: {', '.join(known)}")
        self._at = found.end()
        return found[0]

    def _value(self, kind: ValueKind) -> bool | list[str]:
        first = self._peek()
        if kind is ValueKind.OPTIONAL_FLAG and first in ("", ",", "|", ")"):
            return True
        if kind in (ValueKind.FLAG, ValueKind.OPTIONAL_FLAG):
            return self._flag(kind)
        if first == "[":
            return self._strings()
        if first == '"' and kind is ValueKind.TEXT_OR_TEXTS:
            return [self._string()]
        raise self._refusal(f"expected {kind.value}")

    def _flag(self, kind: ValueKind) -> bool:
        found = _WORD.match(self._text, self._at)
        if found is None or found[0] not in _FLAGS:
            raise self._refusal(f"expected {kind.value}")
        self._at = found.end()
        return _FLAGS[found[0]]

    def _strings(self) -> list[str]:
        self._at += 1
        if self._accept("]"):
            return []
        strings = [self._string()]
        while self._accept(","):
            strings.append(self._string())
        if not self._accept("]"):
            raise self._refusal('expected "," or "]"')
        return strings

    def _string(self) -> str:
        self._skip_blanks()
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise self._refusal("expected a string in double quotes")
        try:
            value = str(json.loads(found[0], strict=False))
        except json.JSONDecodeError as exc:
            raise self._refusal("not a JSON string") from exc
        self._at = found.end()
        return value

    def _accept(self, character: str) -> bool:
        if self._peek() != character:
            return False
        self._at += 1
        return True

    def _peek(self) -> str:
        self._skip_blanks()
        return self._text[self._at : self._at + 1]

    def _skip_blanks(self) -> None:
        blanks = _BLANK.match(self._text, self._at)
        if blanks is not None:
            self._at = blanks.end()

    def _refusal(self, what: str, back: int = 0) -> InvalidRequest:
        return InvalidRequest(f"filter: {what} at character {self._at + 1 - back}")
