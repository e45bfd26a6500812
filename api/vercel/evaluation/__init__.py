"""Evaluation of Vercel's segments, pure: definitions and entities in, outcomes out.

``compile_segment`` once a definition; ``lookups`` says which attached lists to ask; and
``evaluate`` gives every outcome, equal to those of @vercel/flags-core 1.8.2.
"""

from api.vercel.evaluation.attached_lists import ListName, Lookup, lookups
from api.vercel.evaluation.comparators import COMPARATORS
from api.vercel.evaluation.compiling import Attachment, CompiledSegment, Side, compile_segment
from api.vercel.evaluation.evaluating import Outcome, Reason, evaluate
from api.vercel.evaluation.javascript.properties import INHERITED
from api.vercel.evaluation.packing import pack_segment
from api.vercel.evaluation.patterns.patterns import pattern_fault

__all__ = [
    "COMPARATORS",
    "INHERITED",
    "Attachment",
    "CompiledSegment",
    "ListName",
    "Lookup",
    "Outcome",
    "Reason",
    "Side",
    "compile_segment",
    "evaluate",
    "lookups",
    "pack_segment",
    "pattern_fault",
]
