"""Why a regular expression cannot be run.

EvaluationError (terminal)
└── PatternError
    ├── InvalidPattern       JavaScript does not take it either
    └── UnsupportedPattern   JavaScript takes it, RE2 cannot express it
"""

from api.evaluation import EvaluationError


class PatternError(EvaluationError):
    """A regular expression that is not run; the message is the reason."""


class InvalidPattern(PatternError):
    """One that JavaScript throws a SyntaxError for. Conditions with it are false."""


class UnsupportedPattern(PatternError):
    """One that would need what an engine with bounded time does not have."""
