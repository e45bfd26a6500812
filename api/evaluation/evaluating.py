"""Which segments a context is a member of, and why.

Source: LaunchDarkly go-server-sdk-evaluation v3.0.1, evaluator_segment.go; where SDKs differ
the README of this package says what was chosen.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from api.evaluation.compiling import CompiledRule, CompiledSegment, SegmentClause
from api.evaluation.contexts import Context
from api.evaluation.effort import Effort
from api.evaluation.errors import SegmentInError
from api.evaluation.segments import DEFAULT_KIND


class MembershipLike(Protocol):
    """What a big segment's lists say of one context key; the two are independent."""

    @property
    def included(self) -> bool:
        """Whether the key is in the included list."""

    @property
    def excluded(self) -> bool:
        """Whether the key is in the excluded list."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer for one segment. With an ``error`` it is no membership, whatever the reason."""

    is_member: bool = False
    is_individually_targeted: bool = False
    """Included by key."""
    is_rule_targeted: bool = False
    """Member by a rule; not looked into for keys that are included anyway."""
    error: str | None = None


#: What a rule costs beside its clauses: its rollout.
_OF_A_RULE: Final = 5

_INCLUDED: Final = Outcome(is_member=True, is_individually_targeted=True)
_BY_RULE: Final = Outcome(is_member=True, is_rule_targeted=True)
_NO_MEMBER: Final = Outcome()


def lookups_for(segments: Mapping[str, CompiledSegment], context: Context) -> dict[str, str]:
    """Give the look-ups that :func:`evaluate` needs: context keys by key of a big segment.

    Big segments of a kind that the context lacks are left out; they are not looked up.
    """
    return {
        segment.key: individual.key
        for segment in segments.values()
        if segment.unbounded_kind is not None
        and segment.generation is not None
        and (individual := context.individuals.get(segment.unbounded_kind)) is not None
    }


def evaluate(
    segments: Mapping[str, CompiledSegment],
    context: Context,
    big_memberships: Mapping[str, MembershipLike],
    effort: Effort | None = None,
) -> dict[str, Outcome]:
    """Tell for every segment whether the context is a member.

    Never fails with a full effort: a segment that cannot be evaluated has an ``error`` and no
    member, and so has every segment whose answer hangs on it. A segmentMatch of a segment that
    does not exist is such an error, negated or not: LaunchDarkly's SDKs take it for one without
    members, and then a negated clause matches everybody.

    Args:
        segments: All segments of an environment by key; references are looked up here.
        context: Who is asked about.
        big_memberships: What the look-ups of :func:`lookups_for` gave, by segment key. A
            segment that is left out is unknown: an error, not a "no".
        effort: What it may spend; a full one unless said otherwise.

    Returns:
        One outcome for each segment, in their order.

    Cost: 2 to 5 µs for a segment with three rules, and no recursion however long a chain of
    references is. At worst about a second of a core, when rules and context are made for it.

    Raises:
        HeavyEvaluation: A light effort was not enough.
    """
    evaluation = _Evaluation(segments, context, big_memberships, effort or Effort())
    for segment in segments.values():
        evaluation.settle(segment)
    return {key: evaluation.outcomes[key] for key in segments}


class _Evaluation:
    """One context against all segments; every segment is settled once."""

    __slots__ = ("_context", "_effort", "_memberships", "_open", "_segments", "outcomes")

    def __init__(
        self,
        segments: Mapping[str, CompiledSegment],
        context: Context,
        memberships: Mapping[str, MembershipLike],
        effort: Effort,
    ) -> None:
        self._segments = segments
        self._context = context
        self._memberships = memberships
        self._effort = effort
        self._open: set[str] = set()
        self.outcomes: dict[str, Outcome] = {}

    def settle(self, segment: CompiledSegment) -> None:
        """Find a segment's outcome, and first those of the segments that it comes to ask for.

        The chain of those under way is kept by hand: references may go thousands deep. One that
        is asked for while it is under way closes a circle; all on that circle are then in error,
        as each of them would be if it were asked first, so outcomes do not depend on the order.
        """
        if segment.key in self.outcomes:
            return
        chain = [(segment, self._steps(segment))]
        while chain:
            current, steps = chain[-1]
            self._open.add(current.key)
            needed = next(steps, None)
            if needed is None:
                self._open.discard(current.key)
                chain.pop()
            else:
                chain.append((needed, self._steps(needed)))

    def _steps(self, segment: CompiledSegment) -> Iterator[CompiledSegment]:
        """Write the segment's outcome; stop on the way at each other one that is needed first."""
        try:
            outcome = self._by_lists(segment)
            if outcome is None:
                outcome = _NO_MEMBER
                for rule in segment.rules:
                    if (yield from self._passes(rule)):
                        outcome = _BY_RULE
                        break
        except SegmentInError as exc:
            outcome = Outcome(error=str(exc))
        self.outcomes[segment.key] = outcome

    def _by_lists(self, segment: CompiledSegment) -> Outcome | None:
        """Give the outcome if the targets decide it; inclusion beats exclusion."""
        if segment.unbounded_kind is not None:
            return self._by_big_lists(segment, segment.unbounded_kind)
        individuals = self._context.individuals
        user = individuals.get(DEFAULT_KIND)
        # Targets by kind are ignored for a context that is only a user, even if they name users.
        others = () if self._context.is_only_user else individuals.values()
        if user is not None and user.key in segment.included:
            return _INCLUDED
        if any(other.key in segment.included_contexts.get(other.kind, ()) for other in others):
            return _INCLUDED
        if user is not None and user.key in segment.excluded:
            return _NO_MEMBER
        if any(other.key in segment.excluded_contexts.get(other.kind, ()) for other in others):
            return _NO_MEMBER
        return None

    def _by_big_lists(self, segment: CompiledSegment, kind: str) -> Outcome | None:
        if segment.generation is None or kind not in self._context.individuals:
            return _NO_MEMBER
        membership = self._memberships.get(segment.key)
        if membership is None:
            raise SegmentInError.unknown_membership(segment.key)
        if membership.included:
            return _INCLUDED
        return _NO_MEMBER if membership.excluded else None

    def _passes(self, rule: CompiledRule) -> Generator[CompiledSegment, None, bool]:
        """Whether all clauses match and the rollout lets the context through."""
        self._effort.spend_tests(_OF_A_RULE + len(rule.clauses))
        for clause in rule.clauses:
            if isinstance(clause, SegmentClause):
                matches = yield from self._is_in_any(clause)
            else:
                matches = clause.matches(self._context, self._effort)
            if not matches:
                return False
        return rule.rollout is None or rule.rollout.lets_through(self._context)

    def _is_in_any(self, clause: SegmentClause) -> Generator[CompiledSegment, None, bool]:
        self._effort.spend_tests(len(clause.keys))
        for key in clause.keys:
            segment = self._segments.get(key)
            if segment is None:
                raise SegmentInError.missing(key)
            if key in self._open:
                raise SegmentInError.circular(key)
            if key not in self.outcomes:
                yield segment
            outcome = self.outcomes[key]
            if outcome.error is not None:
                raise SegmentInError(outcome.error)
            if outcome.is_member:
                return not clause.negate
        return clause.negate
