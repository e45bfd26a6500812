"""Segment evaluation, pure: definitions and a context in, memberships out.

``compile_segment`` once a definition, ``parse_context`` once a request, then ``lookups_for``
says which big segments to ask, and ``evaluate`` gives every outcome.
"""

from api.evaluation.compiling import CompiledSegment, compile_segment, unreadable_segment
from api.evaluation.contexts import Context, Individual, parse_context
from api.evaluation.effort import Effort
from api.evaluation.errors import EvaluationError, HeavyEvaluation, InvalidContext, SegmentInError
from api.evaluation.evaluating import MembershipLike, Outcome, evaluate, lookups_for
from api.evaluation.operators.operators import OPERATORS
from api.evaluation.references import Reference, parse_reference
from api.evaluation.segments import (
    DEFAULT_KIND,
    SEGMENT_MATCH,
    Clause,
    Rule,
    Segment,
    Target,
)

__all__ = [
    "DEFAULT_KIND",
    "OPERATORS",
    "SEGMENT_MATCH",
    "Clause",
    "CompiledSegment",
    "Context",
    "Effort",
    "EvaluationError",
    "HeavyEvaluation",
    "Individual",
    "InvalidContext",
    "MembershipLike",
    "Outcome",
    "Reference",
    "Rule",
    "Segment",
    "SegmentInError",
    "Target",
    "compile_segment",
    "evaluate",
    "lookups_for",
    "parse_context",
    "parse_reference",
    "unreadable_segment",
]
