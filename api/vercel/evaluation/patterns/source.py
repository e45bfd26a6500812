"""The text of a regular expression while it is read, and the mode that its flags ask for."""

import re
from dataclasses import dataclass
from typing import Final

from api.vercel.evaluation.javascript.texts import units_of
from api.vercel.evaluation.patterns.errors import InvalidPattern, UnsupportedPattern

#: Ranges of sets that may be read and written; each takes about a microsecond.
MOST_WORK: Final = 100_000

_FLAGS: Final = frozenset("dgimsuvy")
_OPENING: Final = re.compile(r"\\.|[\[\]]|\((?!\?)|(?P<named>\(\?<(?![=!]))", re.DOTALL)
#: Flags that a message repeats.
_SHOWN: Final = 16


@dataclass(frozen=True, slots=True)
class Mode:
    """What the flags say."""

    ignores_case: bool = False
    is_multiline: bool = False
    dot_takes_all: bool = False
    by_code_points: bool = False
    """Flag u or v. Without them one unit is one character."""
    has_sets: bool = False
    """Flag v."""


def mode_of(flags: str) -> Mode:
    """Read flags as flags-core does, which takes the first g or y away.

    Raises:
        InvalidPattern: a flag is unknown, stands twice, or u stands beside v.
        UnsupportedPattern: a g or y is left, with which one answer depends on the last one.
    """
    left = re.sub("[gy]", "", flags, count=1)
    if not _FLAGS.issuperset(left) or len(set(left)) < len(left) or {"u", "v"} <= set(left):
        raise InvalidPattern(
            f"flags {flags[:_SHOWN]!r} are none; use some of d, i, m, s and one of u and v, each "
            "once"
        )
    if set("gy") & set(left):
        raise UnsupportedPattern("the flags g and y together make an answer depend on the last one")
    return Mode(
        ignores_case="i" in left,
        is_multiline="m" in left,
        dot_takes_all="s" in left,
        by_code_points="u" in left or "v" in left,
        has_sets="v" in left,
    )


class Source:
    """An expression, a character of the mode at a time."""

    __slots__ = ("groups", "has_names", "mode", "place", "text", "work")

    def __init__(self, pattern: str, mode: Mode) -> None:
        """Begin at the start, and count the groups that there will be."""
        self.text = pattern if mode.by_code_points else units_of(pattern)
        self.mode = mode
        self.place = 0
        self.groups = 0
        self.has_names = False
        self.work = 0
        self._count_groups()

    def spend(self, ranges: int) -> None:
        """Count what reading and writing sets costs.

        Raises:
            UnsupportedPattern: it is too much for one expression.
        """
        self.work += ranges
        if self.work > MOST_WORK:
            raise UnsupportedPattern("it is too large, or has too many and too wide classes")

    def peek(self) -> str:
        """Give the next character; the empty string at the end."""
        return self.text[self.place : self.place + 1]

    def take(self) -> str:
        """Give the next character and go on."""
        taken = self.peek()
        self.place += len(taken)
        return taken

    def skip(self, text: str) -> bool:
        """Go on if that text is next; give whether it was."""
        if not self.text.startswith(text, self.place):
            return False
        self.place += len(text)
        return True

    def match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        """Go on past what matches here."""
        match = expression.match(self.text, self.place)
        if match is not None:
            self.place = match.end()
        return match

    def sees(self, expression: re.Pattern[str]) -> bool:
        """Whether something matches here."""
        return expression.match(self.text, self.place) is not None

    def _count_groups(self) -> None:
        depth = 0
        for match in _OPENING.finditer(self.text):
            opening = match[0]
            if opening == "[" and (self.mode.has_sets or not depth):
                depth += 1
            elif opening == "]" and depth:
                depth -= 1
            elif opening.startswith("(") and not depth:
                self.groups += 1
                self.has_names |= match["named"] is not None
