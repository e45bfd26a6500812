"""Plan: cuts list files into chunks, and the space of hashes into ranges."""

from collections.abc import Callable, Sequence
from typing import Final

from worker.imports.errors import ImportStopped
from worker.imports.stage_results import Chunk, Plan, Source, StageRun
from worker.jobs.services import Services
from worker.lists.format import SNIFF_BYTES, TAIL_BYTES, ListFormat, sniff
from worker.lists.keys.doubts import Doubt
from worker.lists.parquet.reader import ParquetList, RowGroup
from worker.objects import FOLDER_FAULT, ObjectInfo, ObjectNotFound, is_folder_marker
from worker.settings import WorkerSettings
from worker.store.jobs import ImportRequest, SourceFile

#: 2^12 ranges of 24 MiB are far more than one node holds.
_MOST_RANGE_BITS: Final = 12
#: Members of the base list that one range reads at most.
_BASE_PER_RANGE: Final = 500_000
#: A packed member with its hash, an estimate before the list is read.
_BYTES_PER_ROW: Final = 32


def plan_import(run: StageRun) -> None:
    """Cut the list into chunks and open the scatter stage."""
    base_count = run.claim().included_count
    plan = make_plan(run.services, run.request, base_count, on_wait=run.progress.add)
    run.open_scatter(plan)


def make_plan(
    services: Services,
    request: ImportRequest,
    base_count: int,
    *,
    on_wait: Callable[[], None],
) -> Plan:
    """Inspect every list file and cut it. Reads only heads and Parquet footers.

    Args:
        services: Give access to the files.
        request: The import.
        base_count: Members of the live list, which a merge reads too.
        on_wait: Called while a Parquet file's footer is read; may raise.

    Raises:
        ImportStopped: a file is gone, has changed since it was uploaded, or is a folder.
        ListError: a file is in a format that cannot be imported.
    """
    settings = services.settings
    chunks, estimate = [], 0
    doubts: tuple[str, ...] = ()
    sources = tuple(_inspect(services, file) for file in request.sources)
    for number, source in enumerate(sources):
        if source.format is ListFormat.PARQUET:
            found = _read_footer(services, source, on_wait)
            if found.text_elsewhere:
                doubts = (Doubt.OTHER_TEXT_COLUMN.label,)
            cut, size = _cut_row_groups(settings, number, found.row_groups)
        else:
            cut = cut_bytes(number, source.size_bytes, settings.chunk_bytes)
            size = source.size_bytes
        chunks += cut
        estimate += size
    ranges = max(1, -(-estimate // settings.range_bytes), -(-base_count // _BASE_PER_RANGE))
    return Plan(
        sources=sources,
        chunks=tuple(chunks),
        range_bits=min(_MOST_RANGE_BITS, (ranges - 1).bit_length()),
        bytes_total=sum(source.size_bytes for source in sources),
        doubts=doubts,
    )


def _inspect(services: Services, file: SourceFile) -> Source:
    try:
        info = services.objects.head(file.key, bucket=file.bucket)
    except ObjectNotFound as exc:
        message = f"the source is gone: s3://{file.bucket}/{file.key}"
        raise ImportStopped(message) from exc
    if file.etag is not None and file.etag != info.etag:
        message = f"list changed: s3://{file.bucket}/{file.key} is not what was uploaded"
        raise ImportStopped(message)
    if is_folder_marker(info):
        raise ImportStopped(f"s3://{file.bucket}/{file.key} {FOLDER_FAULT}")
    return Source(info.bucket, info.key, info.size_bytes, info.etag, _detect_format(services, info))


def _detect_format(services: Services, info: ObjectInfo) -> ListFormat:
    """Read the head, and the tail only if the head is ambiguous: reads are expensive."""
    size = info.size_bytes
    head = b"".join(services.objects.read_range(info, 0, min(SNIFF_BYTES, size)))
    tail = None
    if head.startswith(b"PAR1"):
        tail = b"".join(services.objects.read_range(info, max(0, size - TAIL_BYTES), size))
    return sniff(head, tail)


def cut_bytes(number: int, size: int, chunk_bytes: int) -> list[Chunk]:
    """Cut a file into equal byte ranges, none over the limit; an empty file is one range."""
    count = max(1, -(-size // chunk_bytes))
    bounds = [size * i // count for i in range(count + 1)]
    return [Chunk(number, bounds[i], bounds[i + 1]) for i in range(count)]


def _read_footer(services: Services, source: Source, on_wait: Callable[[], None]) -> ParquetList:
    with services.objects.open_random_access(source.info) as file:
        return services.parquet.open_parquet(file, source.size_bytes, on_wait=on_wait)


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
