"""The figures of a composition, in the report of an import."""

from collections.abc import Sequence
from typing import Any

from worker.imports.stage_results import ChunkResult, RangeResult
from worker.lists.csv.chunks import CsvState
from worker.store.jobs import Composition


def count_composed(ranges: Sequence[RangeResult]) -> ChunkResult:
    """The members of the result, counted as guards and reports count the rows of a list."""
    accepted = sum(part.accepted for part in ranges)
    state = CsvState.ROW.value
    return ChunkResult(state, state, accepted, accepted, 0, {}, (), {})


def composed_figures(composition: Composition, ranges: Sequence[RangeResult]) -> dict[str, Any]:
    """What was read of the sources, and what became of it.

    ``rowsRead = accepted + duplicates + rejected + leftOut``: members of all sources, those of the
    result, their repeats in further sources, none, and those that the operation leaves out.
    """
    read = sum(part.read for part in ranges)
    accepted = sum(part.accepted for part in ranges)
    match composition.op:
        case "union":
            duplicates = read - accepted
        case "intersect":
            duplicates = accepted * (len(composition.sources) - 1)
        case "except":
            duplicates = 0
    left_out = read - accepted - duplicates
    return {"rowsRead": read, "duplicates": duplicates, "leftOut": left_out}
