"""Regular expressions that cannot be made to hang.

RE2 takes time in proportion to pattern times text and never more. That alone does not bound
anything: a pattern of 700 characters may compile to 100,000 instructions. So both factors are
bounded: a program's size by RE2's memory limit, and the product over one evaluation by its
effort, which pays for compiling too.
"""

from dataclasses import dataclass
from typing import Any, Final

import re2

from api.evaluation.effort import Effort
from api.evaluation.scalars import encoded_text

#: Memory of one compiled pattern in bytes, the limit RE2 keeps by itself; also about 16,000
#: instructions. A larger pattern matches nothing, as an invalid one does.
PATTERN_MEMORY: Final = 1 << 20

#: What compiling costs in steps of a pattern's work: for each instruction of its program, and
#: of one that is too large.
_COMPILING: Final = 50
_TOO_LARGE: Final = 20_000 * _COMPILING


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled expression in RE2's syntax, which is Go's."""

    compiled: Any
    size: int
    """Instructions of its program."""

    def is_in(self, text: str, effort: Effort) -> bool:
        """Whether the expression matches anywhere in the text.

        Cost: a few microseconds for ordinary patterns and texts.

        Raises:
            SegmentInError: It would cost more than this evaluation may still spend.
        """
        encoded = encoded_text(text)
        effort.spend(self.size * (len(encoded) + 1))
        return self.compiled.search(encoded) is not None


class LazyPattern:
    """An expression that is compiled when an evaluation first comes to it."""

    __slots__ = ("_is_compiled", "_pattern", "_text")

    def __init__(self, text: str) -> None:
        """Keep the expression."""
        self._text = text
        self._pattern: Pattern | None = None
        self._is_compiled = False

    def is_in(self, text: str, effort: Effort) -> bool:
        """Whether the expression matches anywhere in the text; an invalid one never does.

        Raises:
            SegmentInError: It would cost more than this evaluation may still spend.
        """
        if not self._is_compiled:
            self._compile(effort)
        return self._pattern is not None and self._pattern.is_in(text, effort)

    def _compile(self, effort: Effort) -> None:
        # The cost is not known beforehand; the compiled pattern is kept even if it is not paid for.
        effort.spend(_COMPILING * len(self._text))
        self._pattern = pattern_of(self._text)
        self._is_compiled = True
        effort.spend(_TOO_LARGE if self._pattern is None else _COMPILING * self._pattern.size)


def pattern_of(value: object) -> Pattern | None:
    """Compile an expression; ``None`` for what is none, or is too large.

    Cost: tens of microseconds for an ordinary one, 40 ms for the largest, in which no other
    thread runs.
    """
    if not isinstance(value, str):
        return None
    try:
        compiled = _compiled(value, PATTERN_MEMORY)
    except re2.error:
        return None
    return Pattern(compiled, compiled.programsize)


def program_size(text: str, memory: int) -> int | None:
    """How many instructions an expression compiles to: none if it is invalid.

    Args:
        text: the expression.
        memory: bytes that it may take.

    Returns:
        The number, or ``None`` if it would take more memory.
    """
    try:
        size: int = _compiled(text, memory).programsize
    except re2.error as exc:
        return None if b"too large" in exc.args[0] else 0
    return size


def _compiled(text: str, memory: int) -> Any:  # noqa: ANN401 - the library has no types
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = memory
    return re2.compile(encoded_text(text), options)
