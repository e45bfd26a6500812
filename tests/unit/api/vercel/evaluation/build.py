"""Short forms of segments for these tests."""

from typing import Any

from api.evaluation import Effort
from api.vercel.evaluation import CompiledSegment, Outcome, compile_segment, evaluate

ABSENT: Any = object()


def condition(comparator: str, right: Any = ABSENT, *, ignore_case: bool = False) -> Any:
    """A condition on user.v; a list becomes a list of items."""
    made: dict[str, Any] = {"lhs": accessor("v"), "cmp": comparator}
    if isinstance(right, list):
        right = {"type": "list", "items": [{"value": item} for item in right]}
    if right is not ABSENT:
        made["rhs"] = right
    if ignore_case:
        made["cmpOptions"] = {"ignoreCase": True}
    return made


def accessor(attribute: str) -> dict[str, str]:
    return {"type": "entity", "kind": "user", "attribute": attribute}


def regex(pattern: str, flags: str = "") -> dict[str, str]:
    return {"type": "regex", "pattern": pattern, "flags": flags}


def on_segments(comparator: str, right: Any) -> Any:
    return {**condition(comparator, right), "lhs": {"type": "segment"}}


def rule(*conditions: Any, outcome: Any = None, rule_id: str = "r1") -> Any:
    return {"id": rule_id, "conditions": [*conditions], "outcome": outcome or {"type": "all"}}


def split(share: float, attribute: str = "id") -> Any:
    return {"type": "split", "base": accessor(attribute), "passPromille": share}


def targets(**values: list[str]) -> Any:
    """Entries of the kind user, by attribute."""
    return {"user": {name: [{"value": one} for one in of] for name, of in values.items()}}


def holds(made: Any, value: Any = ABSENT) -> bool:
    """Whether a condition holds of user.v; without a value the attribute is missing."""
    entities = {"user": {} if value is ABSENT else {"v": value}}
    outcome = outcome_of({"rules": [rule(made)]}, entities)
    assert outcome.error is None, outcome.error
    return outcome.matched


def outcome_of(data: Any, entities: Any, *, seed: int = 0) -> Outcome:
    compiled = compile_segment("s", data)
    (outcome,) = evaluate([compiled], entities, resolve=lambda _name: None, seed=seed)
    return outcome


def outcomes_of(
    segments: dict[str, CompiledSegment], entities: Any, effort: Effort | None = None
) -> dict[str, Outcome]:
    found = evaluate(segments.values(), entities, resolve=segments.get, effort=effort)
    return {outcome.segment_id: outcome for outcome in found}


def compiled(**definitions: Any) -> dict[str, CompiledSegment]:
    return {name: compile_segment(name, data) for name, data in definitions.items()}
