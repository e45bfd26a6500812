"""What evaluation can find wrong, and where it ends up.

EvaluationError (terminal)
├── HeavyEvaluation   a light effort is not enough; evaluate again with a full one
├── InvalidContext    the caller's context instance is malformed; reported to the caller
└── SegmentInError    a segment has no answer; becomes its Outcome, never leaves evaluate()

Messages name segments, kinds and attributes, never a context key or an attribute's value.
"""

from worker.store import TerminalError


class EvaluationError(TerminalError):
    """Something about the input; the same input fails again."""


class HeavyEvaluation(EvaluationError):
    """A light effort is not enough; the same evaluation with a full one comes to an end."""


class InvalidContext(EvaluationError):
    """A context instance that does not have the documented form."""


class SegmentInError(EvaluationError):
    """A segment without an answer; segments that refer to it have none either."""

    @classmethod
    def circular(cls, key: str) -> "SegmentInError":
        """Say that a segment was reached again while its own rules were being tried."""
        return cls(
            f"segment {key!r} refers to itself through segmentMatch; take one of the references out"
        )

    @classmethod
    def missing(cls, key: str) -> "SegmentInError":
        """Say that a rule refers to a segment that does not exist."""
        return cls(
            f"segmentMatch refers to segment {key!r}, which does not exist; create it, or take "
            "the reference out"
        )

    @classmethod
    def bad_reference(cls, reference: str, fault: str) -> "SegmentInError":
        """Say that an attribute reference cannot be read."""
        return cls(f"attribute reference {reference!r} {fault}; mend the clause or rule")

    @classmethod
    def unknown_membership(cls, key: str) -> "SegmentInError":
        """Say that the lists of a big segment gave no answer."""
        return cls(f"membership of big segment {key!r} is not known just now; ask again")

    @classmethod
    def too_much_effort(cls) -> "SegmentInError":
        """Say that the clauses of one evaluation would take too long."""
        return cls(
            "its clauses cost too much on this context; use smaller patterns, fewer values or "
            "shorter attributes"
        )
