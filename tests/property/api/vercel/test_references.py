"""Segments inside one another: what is accepted has no cycle and is not too deep."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import InvalidRequest
from api.vercel.segments import references
from api.vercel.segments.references import require_nestable
from worker.store import ProjectSegment, ProjectSegments

DEEPEST = 4
IDS = st.integers(0, 7).map(str)
WRITES = st.lists(st.tuples(IDS, st.lists(IDS, max_size=3, unique=True)), max_size=30)


def _segments(graph: Mapping[str, list[str]]) -> ProjectSegments:
    segments = [
        ProjectSegment(
            id=name,
            slug=f"s{name}",
            label="",
            hint="",
            created_ms=1,
            updated_ms=1,
            revision="r",
            data="{}",
            references=tuple(named),
        )
        for name, named in graph.items()
    ]
    return ProjectSegments.of("mark", segments)


def _depth(graph: Mapping[str, list[str]], name: str, way: tuple[str, ...] = ()) -> int | None:
    """Segments on the longest way down from one; ``None`` for a cycle."""
    if name in way:
        return None
    below = [_depth(graph, other, (*way, name)) for other in graph.get(name, ())]
    depths = [depth for depth in below if depth is not None]
    return None if len(depths) < len(below) else 1 + max(depths, default=0)


@given(WRITES)
def test_require_nestable__any_writes__keep_segments_free_of_cycles_and_shallow(
    writes: list[tuple[str, list[str]]],
) -> None:
    graph: dict[str, list[str]] = {str(number): [] for number in range(8)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(references, "DEEPEST", DEEPEST)
        for name, named in writes:
            written = {**graph, name: named}
            depths = [_depth(written, other) for other in written]
            sound = all(depth is not None and depth <= DEEPEST for depth in depths)
            try:
                require_nestable(name, f"s{name}", tuple(named), _segments(graph), may_name=bool)
            except InvalidRequest:
                assert not sound
            else:
                assert sound
                graph = written
