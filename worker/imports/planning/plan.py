"""Plan: finds the list files, cuts them into chunks, and the space of hashes into ranges."""

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import accumulate, groupby
from typing import Final

from worker.imports.errors import naming
from worker.imports.planning.inspection import InspectedFile, inspect_object
from worker.imports.planning.selecting import SelectedList, select_files
from worker.imports.stage_results import Chunk, Plan
from worker.imports.stage_run import StageRun
from worker.lists.errors import ColumnNotFound
from worker.lists.keys.doubts import Doubt
from worker.lists.parquet.reader import RowGroup
from worker.lists.text.detection import HEAD_BYTES
from worker.settings import WorkerSettings

#: 2^12 ranges of 24 MiB are far more than one node holds.
_MOST_RANGE_BITS: Final = 12
#: Members of the base list that one range reads at most.
_BASE_PER_RANGE: Final = 500_000
#: A packed member with its hash, an estimate before the list is read.
_BYTES_PER_ROW: Final = 32
#: Whole files of one chunk: few enough to share the work, enough for few spills.
_FILES_PER_CHUNK: Final = 256
#: Files of which a plan learns how much more than their bytes they hold.
_SAMPLE: Final = 8


def plan_import(run: StageRun) -> None:
    """Find the list files, cut them into chunks, and open the scatter stage."""
    base_count = run.claim().count(run.request.side)
    if not run.request.sources:
        run.open_scatter(make_plan(run.services.settings, (), {}, base_count), None, None)
        return
    selected = select_files(run)
    kept = run.services.store.import_files
    kept.write_files(run.request.ref, selected.summary.attempt, selected.files)
    inspected = _inspect(run, selected)
    _require_field(inspected)
    sizes = [file.size_bytes for file in selected.files]
    plan = make_plan(run.services.settings, sizes, inspected, base_count)
    plan = replace(plan, attempt=selected.summary.attempt)
    run.open_scatter(plan, inspected[0].detected, selected.summary)


def make_plan(
    settings: WorkerSettings,
    sizes: Sequence[int],
    inspected: Mapping[int, InspectedFile],
    base_count: int,
) -> Plan:
    """Cut large list files, and put small ones together.

    Args:
        settings: Bound chunks and ranges.
        sizes: Bytes of all files.
        inspected: What some of them were found to be, by their numbers: all that are cut.
        base_count: Members of the live list, which a merge and a remove read too.
    """
    chunks: list[Chunk] = []
    cut: list[InspectedFile] = []
    estimate, growth = 0, 1
    for number, size in enumerate(sizes):
        file = inspected.get(number)
        if file is not None:
            growth = max(growth, -(-_estimate(file) // max(1, size)))
        if file is None or not _is_cut(settings, sizes, number):
            _put_together(chunks, settings, number, size)
            continue
        chunks += _cut_file(settings, file, number, len(cut))
        cut.append(file)
        estimate += _estimate(file)
    estimate += growth * sum(chunk.stop for chunk in chunks if chunk.files)
    ranges = max(1, -(-estimate // settings.range_bytes), -(-base_count // _BASE_PER_RANGE))
    return Plan(
        sources=tuple(file.source for file in cut),
        chunks=tuple(chunks),
        range_bits=min(_MOST_RANGE_BITS, (ranges - 1).bit_length()),
        bytes_total=sum(sizes),
        doubts=_doubts(inspected),
        files=len(sizes),
    )


def _inspect(run: StageRun, selected: SelectedList) -> dict[int, InspectedFile]:
    """Look at the files that are cut, at the first one, and at some of the others."""
    settings, count = run.services.settings, len(selected.files)
    sizes = [file.size_bytes for file in selected.files]
    step = -(-count // _SAMPLE)
    wanted = [n for n in range(count) if not n % step or _is_cut(settings, sizes, n)]
    infos = [selected.info(number) for number in wanted]
    found = {}
    with closing(run.services.objects.read_ahead(infos, head_bytes=HEAD_BYTES)) as stores:
        for number, info, objects in zip(wanted, infos, stores, strict=True):
            with naming(selected.files[number].name if count > 1 else None):
                found[number] = inspect_object(
                    replace(run.services, objects=objects),
                    info,
                    run.request.reading,
                    on_wait=run.progress.add,
                )
            run.progress.add()
    return found


def _require_field(inspected: Mapping[int, InspectedFile]) -> None:
    """Refuse a field of JSON Lines that no file has; some may have none of its values."""
    missing = [file.missing for file in inspected.values()]
    if missing and missing[0] is not None and None not in missing:
        raise ColumnNotFound(missing[0])


def _is_cut(settings: WorkerSettings, sizes: Sequence[int], number: int) -> bool:
    """Whether a file has chunks of its own."""
    return len(sizes) == 1 or sizes[number] > settings.chunk_bytes


def _put_together(chunks: list[Chunk], settings: WorkerSettings, number: int, size: int) -> None:
    """Add a whole file to the last chunk, if that has room, or to a new one."""
    last = chunks[-1] if chunks else None
    if (
        last is not None
        and 0 < last.files < _FILES_PER_CHUNK
        and last.stop + size <= settings.chunk_bytes
    ):
        chunks[-1] = replace(last, stop=last.stop + size, files=last.files + 1)
    else:
        chunks.append(Chunk(-1, 0, size, file=number, files=1))


def _cut_file(
    settings: WorkerSettings, file: InspectedFile, number: int, source: int
) -> list[Chunk]:
    """Cut one file into chunks."""
    size = file.source.size_bytes
    if file.parquet is not None:
        cut = cut_row_groups(settings, source, file.parquet.row_groups)
    elif file.source.text.is_splittable:
        cut = cut_bytes(source, size, settings.chunk_bytes)
    else:
        cut = [Chunk(source, 0, size)]
    return [replace(chunk, file=number) for chunk in cut]


def _estimate(file: InspectedFile) -> int:
    """About how many bytes a file's members take."""
    if file.parquet is None:
        return file.source.size_bytes * file.expansion
    groups = file.parquet.row_groups
    return sum(max(group.column_bytes, group.rows * _BYTES_PER_ROW) for group in groups)


def _doubts(inspected: Mapping[int, InspectedFile]) -> tuple[str, ...]:
    other = any(
        file.parquet is not None and file.parquet.text_elsewhere for file in inspected.values()
    )
    return (Doubt.OTHER_TEXT_COLUMN.label,) if other else ()


def cut_bytes(number: int, size: int, chunk_bytes: int) -> list[Chunk]:
    """Cut a file into equal byte ranges, none over the limit; an empty file is one range."""
    count = max(1, -(-size // chunk_bytes))
    bounds = [size * i // count for i in range(count + 1)]
    return [Chunk(number, bounds[i], bounds[i + 1]) for i in range(count)]


def cut_row_groups(limits: WorkerSettings, number: int, groups: Sequence[RowGroup]) -> list[Chunk]:
    """Put row groups into chunks of about one size: over the limits by less than a row group.

    A last chunk of what is left would keep one worker busy while the others have nothing to do.
    """
    shares = [
        max(group.rows / limits.chunk_rows, group.column_bytes / limits.chunk_bytes)
        for group in groups
    ]
    total = sum(shares)
    if total == 0:
        return [Chunk(number, 0, len(groups), 0)]
    count = math.ceil(total)
    places = [
        int((end - share / 2) * count / total)
        for end, share in zip(accumulate(shares), shares, strict=True)
    ]
    first, chunks = 0, []
    for _, members in groupby(places):
        stop = first + len([*members])
        chunks.append(Chunk(number, first, stop, sum(it.rows for it in groups[first:stop])))
        first = stop
    return chunks
