"""Plan: cuts list files into chunks, and the space of hashes into ranges."""

from collections.abc import Sequence
from typing import Final

from worker.imports.inspection import InspectedFile, inspect_file
from worker.imports.stage_results import Chunk, Plan, StageRun
from worker.lists.keys.doubts import Doubt
from worker.lists.parquet.reader import RowGroup
from worker.settings import WorkerSettings

#: 2^12 ranges of 24 MiB are far more than one node holds.
_MOST_RANGE_BITS: Final = 12
#: Members of the base list that one range reads at most.
_BASE_PER_RANGE: Final = 500_000
#: A packed member with its hash, an estimate before the list is read.
_BYTES_PER_ROW: Final = 32


def plan_import(run: StageRun) -> None:
    """Cut the list into chunks and open the scatter stage."""
    base_count = run.claim().count(run.request.side)
    files = [
        inspect_file(run.services, file, run.request.reading, on_wait=run.progress.add)
        for file in run.request.sources
    ]
    plan = make_plan(run.services.settings, files, base_count)
    run.open_scatter(plan, files[0].detected if files else None)


def make_plan(settings: WorkerSettings, files: Sequence[InspectedFile], base_count: int) -> Plan:
    """Cut every list file.

    Args:
        settings: Bound chunks and ranges.
        files: What the files were found to be.
        base_count: Members of the live list, which a merge and a remove read too.
    """
    chunks, estimate = [], 0
    doubts: tuple[str, ...] = ()
    for number, file in enumerate(files):
        if file.parquet is not None:
            if file.parquet.text_elsewhere:
                doubts = (Doubt.OTHER_TEXT_COLUMN.label,)
            cut, size = _cut_row_groups(settings, number, file.parquet.row_groups)
        elif file.source.text.is_splittable:
            size = file.source.size_bytes
            cut = cut_bytes(number, size, settings.chunk_bytes)
        else:
            size = file.source.size_bytes * file.expansion
            cut = [Chunk(number, 0, file.source.size_bytes)]
        chunks += cut
        estimate += size
    ranges = max(1, -(-estimate // settings.range_bytes), -(-base_count // _BASE_PER_RANGE))
    return Plan(
        sources=tuple(file.source for file in files),
        chunks=tuple(chunks),
        range_bits=min(_MOST_RANGE_BITS, (ranges - 1).bit_length()),
        bytes_total=sum(file.source.size_bytes for file in files),
        doubts=doubts,
    )


def cut_bytes(number: int, size: int, chunk_bytes: int) -> list[Chunk]:
    """Cut a file into equal byte ranges, none over the limit; an empty file is one range."""
    count = max(1, -(-size // chunk_bytes))
    bounds = [size * i // count for i in range(count + 1)]
    return [Chunk(number, bounds[i], bounds[i + 1]) for i in range(count)]


def _cut_row_groups(
    limits: WorkerSettings, number: int, groups: Sequence[RowGroup]
) -> tuple[list[Chunk], int]:
    """Put as many row groups into a chunk as its rows and bytes allow; at least one.

    Returns:
        The chunks, and an estimate of their members' bytes.
    """
    chunks: list[Chunk] = []
    first, rows, size, total = 0, 0, 0, 0
    for index, group in enumerate(groups):
        full = (
            rows + group.rows > limits.chunk_rows or size + group.column_bytes > limits.chunk_bytes
        )
        if index > first and full:
            chunks.append(Chunk(number, first, index, rows))
            first, rows, size = index, 0, 0
        rows += group.rows
        size += group.column_bytes
        total += max(group.column_bytes, group.rows * _BYTES_PER_ROW)
    chunks.append(Chunk(number, first, len(groups), rows))
    return chunks, total
