"""Regular expressions of conditions: checked when written, made ready when first needed."""

from typing import Final

from api.evaluation import Effort, SegmentInError
from api.evaluation.operators.patterns import Pattern, pattern_of
from api.vercel.evaluation.javascript.texts import unit_count
from api.vercel.evaluation.patterns.errors import InvalidPattern, PatternError, UnsupportedPattern
from api.vercel.evaluation.patterns.translating import Translation, translate

#: Longer texts are not searched at all.
MOST_UNITS: Final = 10_000
#: Steps of a pattern's work that translating and compiling costs, for each character.
_COMPILING: Final = 50
#: Steps that finding out costs that an expression is too large.
_TOO_LARGE: Final = 20_000 * _COMPILING


def pattern_fault(pattern: str, flags: str) -> str | None:
    """Tell why an expression cannot be run; ``None`` if it can.

    Cost: some 100 µs for an ordinary one, 40 ms for the largest that are taken.
    """
    try:
        _compiled(pattern, flags)
    except PatternError as exc:
        return str(exc)
    return None


class LazyExpression:
    """An expression that is made ready when an evaluation first needs it."""

    __slots__ = ("_error", "_flags", "_pattern", "_ready")

    def __init__(self, pattern: str, flags: str) -> None:
        """Keep the expression."""
        self._pattern = pattern
        self._flags = flags
        self._ready: tuple[Translation, Pattern] | None = None
        self._error: PatternError | None = None

    def finds(self, text: str, effort: Effort) -> bool | None:
        """Whether the expression matches anywhere in the text.

        Returns:
            ``None`` if there is no telling: the text is too long, or the expression is one
            that JavaScript throws a SyntaxError for.

        Raises:
            SegmentInError: it needs what is not supported, or would cost too much.
        """
        if len(text) > MOST_UNITS or unit_count(text) > MOST_UNITS:
            return None
        if self._ready is None and self._error is None:
            self._make_ready(effort)
        if self._ready is not None:
            translation, pattern = self._ready
            return pattern.is_in(translation.prepared(text), effort)
        if isinstance(self._error, InvalidPattern):
            return None
        raise SegmentInError(
            f"a regular expression is not run: {self._error}; write it another way"
        )

    def _make_ready(self, effort: Effort) -> None:
        effort.spend(_COMPILING * (1 + len(self._pattern)))
        try:
            self._ready = _compiled(self._pattern, self._flags)
        except PatternError as exc:
            self._error = exc
            if isinstance(exc, UnsupportedPattern):
                effort.spend(_TOO_LARGE)
            return
        translation, compiled = self._ready
        effort.spend(_COMPILING * (translation.work + compiled.size))


def _compiled(pattern: str, flags: str) -> tuple[Translation, Pattern]:
    translation = translate(pattern, flags)
    compiled = pattern_of(translation.expression)
    if compiled is None:
        raise UnsupportedPattern("it repeats too often, or is too large")
    return translation, compiled
