"""Regular expressions that cannot be made to hang.

RE2 takes time in proportion to pattern times text and never more. That alone does not bound
anything: a pattern of 700 characters may compile to 100,000 instructions. So both factors are
bounded: a program's size by RE2's memory limit, and the product over one evaluation by an
:class:`Effort`.
"""

from dataclasses import dataclass
from typing import Any, Final

import re2

from api.evaluation.errors import SegmentInError
from api.evaluation.scalars import encoded_text

#: Memory of one compiled pattern in bytes, the limit RE2 keeps by itself; also about 16,000
#: instructions. A larger pattern matches nothing, as an invalid one does.
PATTERN_MEMORY: Final = 1 << 20

#: Instructions times bytes of text that all patterns of one evaluation may take together.
#: One such step takes 6 to 21 ns at worst, and mostly under one; ordinary ones need some 1,000.
PATTERN_STEPS: Final = 20_000_000


@dataclass(slots=True)
class Effort:
    """What one evaluation may still spend on patterns."""

    steps_left: int = PATTERN_STEPS

    def spend(self, steps: int) -> None:
        """Take a share.

        Raises:
            SegmentInError: Less is left. Nothing is taken, so cheaper patterns still run.
        """
        if steps > self.steps_left:
            raise SegmentInError.too_much_effort()
        self.steps_left -= steps


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


def pattern_of(value: object) -> Pattern | None:
    """Compile an expression; ``None`` for what is none, or is too large.

    Cost: tens of microseconds for an ordinary one, 30 ms for the largest.
    """
    if not isinstance(value, str):
        return None
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = PATTERN_MEMORY
    try:
        compiled = re2.compile(encoded_text(value), options)
    except re2.error:
        return None
    return Pattern(compiled, compiled.programsize)
