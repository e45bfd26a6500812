"""The ``filter`` parameter of the list of segments, read by recursive descent.

::

    either = all { "|" all }          "," binds tighter than "|"
    all    = one { "," one }
    one    = "(" either ")" | field operator value
    value  = string | "[" [ string { "," string } ] "]" | "true" | "false"

Strings are JSON's. White space may stand between any two parts.
Source: "Filtering segments" in the documentation of List segments, which does not say how
"," and "|" bind.
"""

import json
import re
from collections.abc import Collection
from typing import Final

from api.errors import InvalidRequest
from api.launchdarkly.segments.filter_terms import TERMS, Filterable, Predicate, ValueKind

#: Characters of a filter; some thousand keys fit.
LONGEST: Final = 32_768
#: Parentheses inside one another.
DEEPEST: Final = 32

_BLANK: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[A-Za-z]+")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_FLAGS: Final = {"true": True, "false": False}


def parse_filter(text: str) -> Predicate:
    """Make a predicate of a filter; one without any term lets every segment pass.

    Cost: linear in the filter; the predicate is linear in its terms and in what they search.

    Args:
        text: the parameter, decoded.

    Raises:
        InvalidRequest: the filter is wrong, over ``LONGEST`` or nested over ``DEEPEST``;
            says at which character, counted from 1.
    """
    if not text.strip():
        return _everything
    if len(text) > LONGEST:
        raise InvalidRequest(f"filter: over {LONGEST:,} characters")
    return _Parser(text).whole()


def _everything(_: Filterable) -> bool:
    return True


class _Parser:
    """One pass over one filter; ``_at`` is the next character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> Predicate:
        predicate = self._either(depth=0)
        if self._peek():
            raise self._fault('expected "," or "|" or the end')
        return predicate

    def _either(self, depth: int) -> Predicate:
        choices = [self._all(depth)]
        while self._taken("|"):
            choices.append(self._all(depth))
        if len(choices) == 1:
            return choices[0]
        return lambda one: any(choice(one) for choice in choices)

    def _all(self, depth: int) -> Predicate:
        parts = [self._one(depth)]
        while self._taken(","):
            parts.append(self._one(depth))
        if len(parts) == 1:
            return parts[0]
        return lambda one: all(part(one) for part in parts)

    def _one(self, depth: int) -> Predicate:
        if not self._taken("("):
            return self._term()
        if depth == DEEPEST:
            raise self._fault(f"nested over {DEEPEST} deep", back=1)
        inside = self._either(depth + 1)
        if not self._taken(")"):
            raise self._fault('expected ")", "," or "|"')
        return inside

    def _term(self) -> Predicate:
        field = self._word("a field", TERMS)
        operators = TERMS[field]
        operator = self._word(f"what {field} takes", operators)
        kind, make = operators[operator]
        return make(self._value(kind))

    def _word(self, what: str, known: Collection[str]) -> str:
        self._skip_blanks()
        found = _WORD.match(self._text, self._at)
        if found is None or found[0] not in known:
            raise self._fault(f"expected {what}: {', '.join(known)}")
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
        raise self._fault(f"expected {kind.value}")

    def _flag(self, kind: ValueKind) -> bool:
        found = _WORD.match(self._text, self._at)
        if found is None or found[0] not in _FLAGS:
            raise self._fault(f"expected {kind.value}")
        self._at = found.end()
        return _FLAGS[found[0]]

    def _strings(self) -> list[str]:
        self._at += 1
        if self._taken("]"):
            return []
        strings = [self._string()]
        while self._taken(","):
            strings.append(self._string())
        if not self._taken("]"):
            raise self._fault('expected "," or "]"')
        return strings

    def _string(self) -> str:
        self._skip_blanks()
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise self._fault("expected a string in double quotes")
        try:
            value = str(json.loads(found[0], strict=False))
        except json.JSONDecodeError as exc:
            raise self._fault("not a JSON string") from exc
        self._at = found.end()
        return value

    def _taken(self, character: str) -> bool:
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

    def _fault(self, what: str, back: int = 0) -> InvalidRequest:
        return InvalidRequest(f"filter: {what} at character {self._at + 1 - back}")
