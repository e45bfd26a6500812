"""The tokens of a date: numbers, symbols, blanks and words, some of which mean something.

Source: V8 13.6, src/date/dateparser: DateStringTokenizer, KeywordTable, ReadMilliseconds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

#: Digits of a number that count; the rest is ignored.
_MOST_DIGITS: Final = 9
_MONTH_LETTERS: Final = 3

#: White space beyond ASCII; the ends of lines there are parts of words.
_WIDE_BLANKS: Final = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff"
_TOKEN: Final = re.compile(
    rf"(?P<number>[0-9]+)|(?P<symbol>[:+.)-])|(?P<space>[\t-\r {_WIDE_BLANKS}])"
    rf"|(?P<word>(?:(?![{_WIDE_BLANKS}])[A-\U0010ffff])+)|(?P<open>\()"
)
_PARENTHESIS: Final = re.compile(r"[()]")


class Kind(Enum):
    """What a token can be."""

    NUMBER = auto()
    SYMBOL = auto()
    SPACE = auto()
    OTHER = auto()
    END = auto()
    MONTH = auto()
    HALF_DAY = auto()
    ZONE = auto()
    TIME_MARK = auto()
    WORD = auto()


_WORDS: Final = frozenset({Kind.MONTH, Kind.HALF_DAY, Kind.ZONE, Kind.TIME_MARK, Kind.WORD})

_MONTH_NAMES: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_MONTHS: Final = MappingProxyType({name: number for number, name in enumerate(_MONTH_NAMES, 1)})
_KEYWORDS: Final = MappingProxyType(
    {
        "am": (Kind.HALF_DAY, 0),
        "pm": (Kind.HALF_DAY, 12),
        "t": (Kind.TIME_MARK, 0),
        **dict.fromkeys(("ut", "utc", "z", "gmt"), (Kind.ZONE, 0)),
        "edt": (Kind.ZONE, -4),
        **dict.fromkeys(("cdt", "est"), (Kind.ZONE, -5)),
        **dict.fromkeys(("cst", "mdt"), (Kind.ZONE, -6)),
        **dict.fromkeys(("mst", "pdt"), (Kind.ZONE, -7)),
        "pst": (Kind.ZONE, -8),
    }
)


@dataclass(frozen=True, slots=True)
class Token:
    """A part of the text; ``value`` is a number's, or what a word stands for."""

    kind: Kind
    text: str = ""
    value: int = 0

    @property
    def is_sign(self) -> bool:
        """Whether it is + or -."""
        return self.text in {"+", "-"}

    @property
    def is_space(self) -> bool:
        """Whether it is a blank."""
        return self.kind is Kind.SPACE

    @property
    def is_word(self) -> bool:
        """Whether it is a word, known or not."""
        return self.kind in _WORDS

    @property
    def is_z(self) -> bool:
        """Whether it is the Z that means UTC."""
        return self.kind is Kind.ZONE and len(self.text) == 1

    def is_number_of(self, digits: int) -> bool:
        """Whether it is a number of so many digits."""
        return self.kind is Kind.NUMBER and len(self.text) == digits

    @property
    def milliseconds(self) -> int:
        """The number as digits after a point, in whole milliseconds."""
        digits = min(len(self.text), _MOST_DIGITS)
        thousandths = self.value * 1_000
        return thousandths // int(f"1{'0' * digits}")


END: Final = Token(Kind.END)


class Tokens:
    """The tokens of a text, of which the next one is always known."""

    __slots__ = ("_rest", "next")

    def __init__(self, text: str) -> None:
        """Begin at the start of the text."""
        self._rest = _tokens_of(text)
        self.next = next(self._rest, END)

    def take(self) -> Token:
        """Give the next token and go on."""
        taken = self.next
        self.next = next(self._rest, END)
        return taken

    def skip(self, symbol: str) -> bool:
        """Go on if the next token is that symbol; give whether it was."""
        if self.next.text != symbol:
            return False
        self.take()
        return True


def _tokens_of(text: str) -> Iterator[Token]:
    start = 0
    while start < len(text):
        match = _TOKEN.match(text, start)
        if match is None:
            yield Token(Kind.OTHER, text[start])
            start += 1
            continue
        start = match.end()
        if match["open"] is not None:
            start = _past_parentheses(text, start)
        yield _token(match)


def _token(match: re.Match[str]) -> Token:
    text = match[0]
    if match["number"] is not None:
        return Token(Kind.NUMBER, text, int(text.lstrip("0")[:_MOST_DIGITS] or "0"))
    if match["word"] is not None:
        return _word(text)
    if match["symbol"] is not None:
        return Token(Kind.SYMBOL, text)
    return Token(Kind.OTHER if match["open"] is not None else Kind.SPACE, text)


def _word(text: str) -> Token:
    folded = text[: _MONTH_LETTERS + 1].lower() if text[: _MONTH_LETTERS + 1].isascii() else ""
    month = _MONTHS.get(text[:_MONTH_LETTERS].lower()) if text[:_MONTH_LETTERS].isascii() else None
    if month is not None:
        return Token(Kind.MONTH, text, month)
    kind, value = _KEYWORDS.get(folded, (Kind.WORD, 0))
    return Token(kind, text, value)


def _past_parentheses(text: str, start: int) -> int:
    """Find where parentheses close that open before ``start``; the end if they never do."""
    depth = 1
    for match in _PARENTHESIS.finditer(text, start):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.end()
    return len(text)
