"""What one evaluation may spend: two budgets, of which ordinary evaluations need a fraction.

Each part of an evaluation says what it costs before it does it, so nothing slow ever starts
that is not within the budget.
"""

from dataclasses import dataclass
from typing import Final

from api.evaluation.errors import HeavyEvaluation, SegmentInError

#: Instructions times bytes of text that all patterns of one evaluation may take together.
#: One such step takes 6 to 21 ns at worst, and mostly under one; ordinary ones need some 1,000.
PATTERN_STEPS: Final = 20_000_000
#: Tests of one value that an evaluation may make; longer work counts as several. One takes
#: 0.1 to 0.3 µs; a thousand segments with three rules of two clauses need some 5,000.
MOST_TESTS: Final = 5_000_000
#: The same for an evaluation that others wait beside: together about 40 ms at worst.
LIGHT_STEPS: Final = 1_000_000
LIGHT_TESTS: Final = 100_000


@dataclass(slots=True)
class Effort:
    """What one evaluation may still spend."""

    steps_left: int = PATTERN_STEPS
    tests_left: int = MOST_TESTS
    is_light: bool = False
    """Whether going over it ends the evaluation, and not only a segment's."""

    @classmethod
    def light(cls) -> "Effort":
        """An effort that is enough for nearly all evaluations."""
        return cls(LIGHT_STEPS, LIGHT_TESTS, is_light=True)

    def spend(self, steps: int) -> None:
        """Take a share for a pattern.

        Raises:
            SegmentInError: Less is left. Nothing is taken, so what is cheaper still runs.
            HeavyEvaluation: The same, of a light effort.
        """
        if steps > self.steps_left:
            raise self._gone()
        self.steps_left -= steps

    def spend_tests(self, tests: int) -> None:
        """Take a share for tests of values; raises as :meth:`spend` does."""
        if tests > self.tests_left:
            raise self._gone()
        self.tests_left -= tests

    def _gone(self) -> SegmentInError | HeavyEvaluation:
        return HeavyEvaluation() if self.is_light else SegmentInError.too_much_effort()
