"""Whether chunks read apart fit together as one reading of the file."""

from collections.abc import Mapping, Sequence
from typing import Any

from worker.imports.errors import ImportStopped
from worker.imports.plan import Plan
from worker.lists.csv.chunks import CsvState


def wrongly_started(plan: Plan, chunks: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Find the chunks that were read from the wrong state of the parser.

    Every chunk but a file's first was read as if a row began at its first line. That is
    wrong where the chunk before ends within quotes; such chunks are read again. Only the
    first wrong one of a file is certain, so one is returned for each file.

    Returns:
        Chunk numbers and the states they are to be read from.

    Raises:
        ImportStopped: a row is too long, in a chunk that was read rightly.
    """
    wrong: dict[int, str] = {}
    state, broken = CsvState.ROW.value, False
    for number, (chunk, result) in enumerate(zip(plan.chunks, chunks, strict=True)):
        if number == 0 or plan.chunks[number - 1].source != chunk.source:
            state, broken = CsvState.ROW.value, False
        if broken:
            continue
        if result["start"] != state:
            wrong[number] = state
            broken = True
            continue
        if result["fault"] is not None:
            message = (
                f"the row that begins at byte {result['fault']} of "
                f"{plan.sources[chunk.source].key} is over 1 MiB: is a quote left open?"
            )
            raise ImportStopped(message)
        state = result["end"]
    return wrong
