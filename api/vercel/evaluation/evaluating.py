"""Which segments the entities are in, and why.

Source: @vercel/flags-core 1.8.2, matchSegment and what it calls. Where that throws, a segment
is in error, and so is every segment whose answer depends on it.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from api.evaluation import Effort, SegmentInError
from api.vercel.evaluation.attached_lists import ListName, Resolve, is_among
from api.vercel.evaluation.compiling import (
    FULL_SHARE,
    CompiledRule,
    CompiledSegment,
    SegmentTest,
    Side,
    Split,
)
from api.vercel.evaluation.javascript.properties import INHERITED
from api.vercel.evaluation.values import PLAIN, Values

Reason: TypeAlias = Literal[
    "include", "include_list", "exclude", "exclude_list", "rule", "split", "fallthrough", "error"
]

#: How deep segments may refer to each other.
MOST_NESTED: Final = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer for one segment; with an ``error`` nobody knows it, and it is no."""

    segment_id: str
    matched: bool
    reason: Reason
    rule_id: str | None = None
    """The rule that decided: the first one whose conditions hold."""
    error: str | None = None


def evaluate(
    segments: Iterable[CompiledSegment],
    entities: Mapping[str, object] | None,
    *,
    resolve: Resolve,
    seed: int = 0,
    effort: Effort | None = None,
    is_member: Mapping[ListName, bool | None] | None = None,
) -> list[Outcome]:
    """Tell for each segment whether the entities are in it.

    With a full effort it never fails: a segment without an answer has an ``error``.

    Args:
        segments: those to answer for.
        entities: kinds with their attributes, as parsed JSON.
        resolve: gives the segments that conditions name, by id.
        seed: of the flag that is evaluated; splits depend on it.
        effort: what it may spend; a full one unless said otherwise.
        is_member: what the look-ups of :func:`lookups` gave. A list that is ``None`` or left
            out is lost: an error of its segment, unless something decides before it.

    Returns:
        One outcome for each segment, in their order.

    Cost: 0.2 µs for each condition that is reached, and 2 µs a segment; no recursion.

    Raises:
        HeavyEvaluation: a light effort was not enough.
    """
    paid = effort or Effort()
    values = Values(entities, paid, seed=seed)
    evaluation = _Evaluation(values, paid, resolve, is_member or {})
    return [evaluation.outcome_of(segment) for segment in segments]


class _Evaluation:
    """One set of entities; every segment is settled once."""

    __slots__ = ("_effort", "_heights", "_is_member", "_open", "_outcomes", "_resolve", "_values")

    def __init__(
        self,
        values: Values,
        effort: Effort,
        resolve: Resolve,
        is_member: Mapping[ListName, bool | None],
    ) -> None:
        self._values = values
        self._effort = effort
        self._resolve = resolve
        self._is_member = is_member
        self._open: dict[str, int] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._heights: dict[str, int] = {}

    def outcome_of(self, segment: CompiledSegment) -> Outcome:
        """Settle a segment, and before it those that its conditions need.

        Those under way are kept in a list, so a chain of references costs no recursion. One that
        is needed while it is under way closes a cycle: all segments of the cycle, and all that
        depend on it, are in error, in whichever order segments are asked.
        """
        chain = (
            [(segment, self._steps(segment))] if segment.segment_id not in self._outcomes else []
        )
        while chain:
            current, steps = chain[-1]
            needed = next(steps, None)
            if needed is None:
                del self._open[current.segment_id]
                chain.pop()
            else:
                chain.append((needed, self._steps(needed)))
        return self._outcomes[segment.segment_id]

    def _steps(self, segment: CompiledSegment) -> Iterator[CompiledSegment]:
        """Write the segment's outcome; yield each other one that must be settled first."""
        name = segment.segment_id
        self._open[name] = 1
        try:
            outcome = self._by_targets(segment)
            if outcome is None:
                self._effort.spend_tests(segment.cost)
                rule = yield from self._first_rule(segment)
                outcome = self._by_rule(name, rule)
        except SegmentInError as exc:
            outcome = Outcome(name, matched=False, reason="error", error=str(exc))
        self._heights[name] = self._open[name]
        self._outcomes[name] = outcome

    def _by_targets(self, segment: CompiledSegment) -> Outcome | None:
        name = segment.segment_id
        self._effort.spend_tests(1 + len(segment.include) + len(segment.exclude))
        if is_among(segment.include, self._values):
            return Outcome(name, matched=True, reason="include")
        if segment.attachments and self._is_listed(segment, "include"):
            return Outcome(name, matched=True, reason="include_list")
        if is_among(segment.exclude, self._values):
            return Outcome(name, matched=False, reason="exclude")
        if segment.attachments and self._is_listed(segment, "exclude"):
            return Outcome(name, matched=False, reason="exclude_list")
        return None

    def _is_listed(self, segment: CompiledSegment, side: Side) -> bool:
        is_lost = False
        for attached in segment.attachments:
            if attached.side != side:
                continue
            kind, attribute = attached.kind, attached.attribute
            if not isinstance(self._values[kind, attribute, PLAIN], str):
                continue
            answer = self._is_member.get((segment.segment_id, side, kind, attribute))
            if answer:
                return True
            is_lost |= answer is None
        if is_lost:
            raise SegmentInError(
                f"an {side} list of segment {segment.segment_id!r} gave no answer; ask again, and "
                "if it stays so, import that list again with the mode replace"
            )
        return False

    def _first_rule(
        self, segment: CompiledSegment
    ) -> Generator[CompiledSegment, None, CompiledRule | None]:
        """Find the first rule whose conditions all hold."""
        values, effort = self._values, self._effort
        for rule in segment.rules:
            for key, answers, wanted, pays in rule.conditions:
                if key is None:
                    answer = yield from self._is_in(segment.segment_id, answers)
                elif pays:
                    answer = answers(values[key], effort)
                else:
                    answer = answers(values[key])
                if answer is not wanted:
                    break
            else:
                return rule
        return None

    def _by_rule(self, name: str, rule: CompiledRule | None) -> Outcome:
        if rule is None:
            return Outcome(name, matched=False, reason="fallthrough")
        if rule.error is not None:
            raise SegmentInError(rule.error)
        if rule.split is None:
            return Outcome(name, matched=True, reason="rule", rule_id=rule.rule_id)
        return Outcome(name, matched=self._passes(rule.split), reason="split", rule_id=rule.rule_id)

    def _passes(self, split: Split) -> bool:
        position = self._values[split.key]
        if not isinstance(position, float) or split.share <= 0:
            return False
        return split.share >= FULL_SHARE or position < split.limit

    def _is_in(self, asking: str, test: SegmentTest) -> Generator[CompiledSegment, None, bool]:
        """Whether the entities are in one of the segments; negated, whether in none of them.

        A segment that is not there is skipped; negated, it makes the answer no.
        """
        if test.error is not None:
            raise SegmentInError(test.error)
        self._effort.spend_tests(len(test.ids))
        for name in test.ids:
            segment = self._resolve(name)
            if segment is None:
                if test.is_negated and name not in INHERITED:
                    return False
                continue
            settled = segment.segment_id
            if settled in self._open:
                raise SegmentInError(
                    f"segment {settled!r} refers to itself through conditions on segments; take "
                    "one of them out"
                )
            if settled not in self._outcomes:
                yield segment
            if self._matches(settled, asking):
                return not test.is_negated
        return test.is_negated

    def _matches(self, name: str, asking: str) -> bool:
        outcome = self._outcomes[name]
        if outcome.error is not None:
            raise SegmentInError(outcome.error)
        height = self._heights[name] + 1
        if height > MOST_NESTED:
            raise SegmentInError(
                f"segment {asking!r} refers to others that refer to others, over {MOST_NESTED} "
                "deep; shorten the chain"
            )
        self._open[asking] = max(self._open[asking], height)
        return outcome.matched
