"""Which segments a segment's rules refer to, and whether that leads back to itself."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from api.errors import Forbidden, InvalidRequest
from api.launchdarkly.targeting.rules import Rule

#: The rules of another segment of the environment; none for one that does not exist.
RulesOf = Callable[[str], Sequence[Rule]]
#: Whether the caller may know of a segment of the environment, whether it exists or not.
MayKnow = Callable[[str], bool]

#: Segments that the rules of one may lead to, through those of others: each is read, one round
#: trip after the other, before an edit of rules is taken.
MOST_REACHED: Final = 1_000
_TOO_MANY: Final = f"rules: they lead to over {MOST_REACHED:,} segments through segmentMatch"


def references(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Keys of the segments that ``segmentMatch`` clauses name, each once, in order.

    A negated clause refers to a segment just as well.
    """
    named = (
        value
        for rule in rules
        for clause in rule.clauses
        if clause.op == "segmentMatch"
        for value in clause.values
    )
    return tuple(dict.fromkeys(named))


def circle(key: str, rules: Sequence[Rule], rules_of: RulesOf) -> tuple[str, ...] | None:
    """The shortest way from a segment back to itself, both ends named; ``None`` if none.

    Circles that the segment is not part of are not looked for. Two edits at one time can
    still close a circle together, so evaluation must bear one.

    Args:
        key: the segment.
        rules: the rules that it is about to have.
        rules_of: asked once for each other segment that can be reached.

    Raises:
        InvalidRequest: more than ``MOST_REACHED`` can be.
    """
    came_from: dict[str, str] = {}
    waiting = deque([(key, rules)])
    while waiting:
        segment, its_rules = waiting.popleft()
        for other in references(its_rules):
            if other == key:
                return _way(key, segment, came_from)
            if other not in came_from:
                if len(came_from) >= MOST_REACHED:
                    raise InvalidRequest(_TOO_MANY)
                came_from[other] = segment
                waiting.append((other, rules_of(other)))
    return None


def require_known_segments(
    before: Sequence[Rule], after: Sequence[Rule], may_know: MayKnow
) -> None:
    """Make sure that a caller adds no reference to a segment that it may not know of.

    Evaluation would tell it who is a member there. A reference that somebody else has put
    there may stay.

    Raises:
        Forbidden: it adds one; says nothing of whether that segment exists.
    """
    kept = frozenset(references(before))
    if not all(key in kept or may_know(key) for key in references(after)):
        raise Forbidden


def require_no_circle(
    key: str, rules: Sequence[Rule], rules_of: RulesOf, may_know: MayKnow
) -> None:
    """Make sure that rules do not lead back to their segment.

    Raises:
        InvalidRequest: they do; names the segments on the way if the caller may know of all.
    """
    way = circle(key, rules, rules_of)
    if way is not None:
        message = "rules: segments refer to one another in a circle"
        shown = f": {' -> '.join(way)}" if all(map(may_know, way)) else ""
        raise InvalidRequest(message + shown)


def _way(key: str, last: str, came_from: dict[str, str]) -> tuple[str, ...]:
    way = [key]
    while last != key:
        way.append(last)
        last = came_from[last]
    way.append(key)
    return tuple(reversed(way))
