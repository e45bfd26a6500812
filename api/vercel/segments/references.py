"""Segments that conditions of other segments name: stored as ids, kept free of cycles."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from api.bodies.json_values import JsonObject
from api.errors import InvalidRequest
from worker.store import ProjectSegments

#: Segments that may be inside one another. An evaluator calls itself for each.
DEEPEST: Final = 100

#: What stands in a message for a segment that the caller may not know of.
_HIDDEN: Final = "(one outside the token's scope)"

Resolve = Callable[[str, str], str]
"""Gives the id of the segment that a place of the data names by id or slug, or raises."""


def resolve_references(data: JsonObject, resolve: Resolve) -> tuple[JsonObject, tuple[str, ...]]:
    """Replace each name of a segment by its id.

    Args:
        data: of a segment, in its form on the wire; its conditions on segments name some.
        resolve: raises if there is no such segment.

    Returns:
        The new data, and the ids, each once.
    """
    found: dict[str, None] = {}

    def resolve_one(place: str, name: str) -> str:
        segment_id = resolve(place, name)
        found[segment_id] = None
        return segment_id

    def resolve_rhs(place: str, rhs: Any) -> Any:  # noqa: ANN401 - a text or a list of the wire
        if isinstance(rhs, str):
            return resolve_one(place, rhs)
        items = [
            {**item, "value": resolve_one(f"{place}.items[{number}]", item["value"])}
            for number, item in enumerate(rhs["items"])
        ]
        return {**rhs, "items": items}

    def resolve_condition(place: str, condition: JsonObject) -> JsonObject:
        if condition["lhs"]["type"] != "segment":
            return condition
        return {**condition, "rhs": resolve_rhs(f"{place}.rhs", condition["rhs"])}

    def resolve_rule(place: str, rule: JsonObject) -> JsonObject:
        conditions = enumerate(rule["conditions"])
        resolved = [resolve_condition(f"{place}.conditions[{n}]", one) for n, one in conditions]
        return {**rule, "conditions": resolved}

    if "rules" not in data:
        return data, ()
    rules = [resolve_rule(f"data.rules[{n}]", rule) for n, rule in enumerate(data["rules"])]
    return {**data, "rules": rules}, tuple(found)


def require_nestable(
    segment_id: str,
    slug: str,
    references: tuple[str, ...],
    segments: ProjectSegments,
    *,
    may_name: Callable[[str], bool],
) -> None:
    """Make sure that a segment will not be inside itself, nor nested too deeply.

    Cost: grows with the references of all segments; milliseconds for some thousands.

    Args:
        segment_id: of the segment.
        slug: its slug.
        references: the ids that it is going to name.
        segments: all of the project, which are free of cycles.
        may_name: whether the caller may know of the segment with this slug.

    Raises:
        InvalidRequest: it will be; gives the path of the cycle, or the depth.
    """
    below = {segment.id: segment.references for segment in segments.by_id.values()}
    cycle = _find_cycle(segment_id, references, below)
    if cycle is not None:
        slugs = {name: found.slug for name, found in segments.by_id.items()} | {segment_id: slug}
        named = [slugs[name] if may_name(slugs[name]) else _HIDDEN for name in cycle]
        way = " -> ".join(named)
        raise InvalidRequest(f"data.rules: the segment would be inside itself: {way}")
    above: dict[str, list[str]] = {}
    for name, its_references in below.items():
        for reference in its_references:
            above.setdefault(reference, []).append(name)
    depth = 1 + _count_levels(references, below) + _count_levels(above.get(segment_id, ()), above)
    if depth > DEEPEST:
        message = f"{depth} segments would be inside one another; at most {DEEPEST} may be"
        raise InvalidRequest(f"data.rules: {message}")


def _find_cycle(
    segment_id: str, references: tuple[str, ...], below: Mapping[str, Iterable[str]]
) -> list[str] | None:
    """The shortest path from a segment back to itself, with both ends."""
    came_from = dict.fromkeys(references, segment_id)
    waiting = deque(references)
    while waiting:
        name = waiting.popleft()
        if name == segment_id:
            path = [segment_id, came_from[segment_id]]
            while path[-1] != segment_id:
                path.append(came_from[path[-1]])
            return path[::-1]
        for other in below.get(name, ()):
            if other not in came_from:
                came_from[other] = name
                waiting.append(other)
    return None


def _count_levels(first: Iterable[str], following: Mapping[str, Iterable[str]]) -> int:
    """How many segments the longest path has; there are no cycles."""
    levels, level = 0, set(first)
    while level:
        levels += 1
        level = {other for name in level for other in following.get(name, ())}
    return levels
