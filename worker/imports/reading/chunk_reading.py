"""Reads the rows of one chunk: a piece of a list file, or several whole files."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Final

from worker.imports.errors import ImportStopped, naming, row_too_long
from worker.imports.planning.file_table import form_of
from worker.imports.planning.inspection import InspectedFile, inspect_object, with_first_keys
from worker.imports.reading.chunk_tally import ChunkTally
from worker.imports.stage_results import Chunk, Plan, Source
from worker.imports.stage_run import StageRun
from worker.lists.csv.chunks import CsvChunk, CsvChunkReader, CsvState
from worker.lists.errors import RowTooLong
from worker.lists.format import ListFormat
from worker.lists.keys.doubts import Doubt
from worker.lists.keys.first_rows import find_start_doubts
from worker.lists.keys.row_numbers import RowNumbers
from worker.lists.keys.rules import KeyRules
from worker.lists.keys.validation import KeyBatch
from worker.lists.text.reading import open_text
from worker.objects import ObjectInfo, ObjectNotFound
from worker.read_ahead import read_ahead
from worker.store.jobs import DETECTED, FileFigures

#: Blocks of text that are read before they are asked for: as many as it takes to go on while a
#: portion is put together.
_BATCHES_AHEAD: Final = 8


def read_piece(run: StageRun, plan: Plan, chunk: Chunk, tally: ChunkTally) -> Iterator[KeyBatch]:
    """Read a piece of one file; of a Parquet file's bytes each piece counts for as many."""
    source, size = plan.sources[chunk.source], chunk.stop - chunk.first
    if source.format is ListFormat.PARQUET:
        size = source.size_bytes // sum(other.source == chunk.source for other in plan.chunks)
    run.progress.expect(size)
    numbers = _numbers_of(source)
    with _report_missing(source.info.address):
        for batch in _read_batches(run, source, chunk, tally, size):
            if tally.rows == 0 and chunk.first == 0:
                _look_at_start(run, source, batch, tally, is_first=chunk.file == 0)
            _doubt_numbers(numbers, batch, tally)
            yield batch


def read_files(run: StageRun, plan: Plan, chunk: Chunk, tally: ChunkTally) -> Iterator[KeyBatch]:
    """Read several whole files, each as what it is, and record what each of them held."""
    files = run.files(plan, chunk.file, chunk.file + chunk.files)
    infos = [ObjectInfo(file.bucket, file.key, file.size_bytes, file.etag) for file in files]
    run.progress.expect(chunk.stop)
    figures = []
    with closing(run.services.objects.read_ahead(infos)) as stores:
        for number, (file, info) in enumerate(zip(files, infos, strict=True), chunk.file):
            rows, valid, skipped = tally.rows, tally.valid, tally.skipped_within
            with naming(file.name), _report_missing(info.address):
                services = replace(run.services, objects=next(stores))
                found = inspect_object(
                    services, info, run.request.reading, on_wait=run.progress.add
                )
                yield from _read_whole(replace(run, services=services), found, tally, number)
            if tally.fault_at is not None:
                raise row_too_long(file.name, tally.fault_at)
            skipped = tally.skipped_within - skipped
            figures.append(
                FileFigures(tally.rows - rows, tally.valid - valid, form_of(found.source), skipped)
            )
    run.services.store.import_files.write_chunk(run.request.ref, run.unit.number, figures)


def _read_whole(
    run: StageRun, file: InspectedFile, tally: ChunkTally, number: int
) -> Iterator[KeyBatch]:
    """Read one whole file among others; ``number`` is its own in the import."""
    source, skipped, is_start = file.source, tally.skipped_within, True
    chunk = Chunk(0, 0, source.size_bytes)
    if file.parquet is not None:
        groups = file.parquet.row_groups
        chunk = Chunk(0, 0, len(groups), sum(group.rows for group in groups))
    numbers = _numbers_of(source)
    for batch in _read_batches(run, source, chunk, tally, source.size_bytes):
        tally.skipped_within = skipped + tally.skipped
        if is_start:
            _look_at_start(run, source, batch, tally, is_first=number == 0)
            is_start = False
        _doubt_numbers(numbers, batch, tally)
        yield batch
    tally.skipped_within = skipped + tally.skipped
    tally.skipped, tally.end = 0, CsvState.ROW.value


def _look_at_start(
    run: StageRun, source: Source, batch: KeyBatch, tally: ChunkTally, *, is_first: bool
) -> None:
    """Check the first rows of a file; those of a Parquet file are not shown before."""
    if source.format is ListFormat.CSV:
        tally.doubt(find_start_doubts(batch), tally.line)
    if source.format is ListFormat.PARQUET and len(batch.keys) and is_first:
        jobs, ref = run.services.store.jobs, run.request.ref
        detected = jobs.read(ref, DETECTED)
        if detected is not None:
            jobs.write(ref, DETECTED, with_first_keys(detected, batch.keys))


def _numbers_of(source: Source) -> RowNumbers | None:
    """What follows the keys of a file, or of a piece of it, that begins like an index."""
    return RowNumbers() if source.text.is_numbered else None


def _doubt_numbers(numbers: RowNumbers | None, batch: KeyBatch, tally: ChunkTally) -> None:
    if numbers is not None:
        tally.doubt({Doubt.INDEX_COLUMN: numbers.find(batch)}, tally.line)


@contextmanager
def _report_missing(address: str) -> Iterator[None]:
    """Stop with a reason that names the file if it is gone."""
    try:
        yield
    except ObjectNotFound as exc:
        raise ImportStopped(f"the source is gone: {address}") from exc


def _read_batches(
    run: StageRun, source: Source, chunk: Chunk, tally: ChunkTally, size: int
) -> Iterator[KeyBatch]:
    """Read a piece of a file, or all of it, which counts for so many bytes."""
    progress = run.progress
    if source.format is ListFormat.PARQUET:
        yield from _read_row_groups(run, source, chunk, size)
        return

    def count(size: int) -> None:
        progress.add(size_bytes=size, work=size)

    if source.text.is_splittable:
        reader = _open_text(run, source, chunk, tally, count)
        yield from _read_text(reader, reader.batches(), tally)
        return
    received: deque[int] = deque()
    reader = _open_text(run, source, chunk, tally, received.append)

    def note_received() -> None:
        while received:
            count(received.popleft())

    # Fetching, decompressing and reading take as long as what is done with the keys.
    with read_ahead(reader.batches(), _BATCHES_AHEAD, on_wait=note_received) as batches:
        for batch in _read_text(reader, batches, tally):
            note_received()
            yield batch
    note_received()


def _open_text(
    run: StageRun,
    source: Source,
    chunk: Chunk,
    tally: ChunkTally,
    on_progress: Callable[[int], None],
) -> CsvChunkReader:
    def read(start: int, end: int) -> Iterator[bytes]:
        return run.services.objects.read_range(source.info, start, end, on_progress=on_progress)

    bounds = CsvChunk(chunk.first, chunk.stop, source.size_bytes)
    return open_text(source.text, run.request.reading, bounds, CsvState(tally.start), read)


def _read_text(
    reader: CsvChunkReader, batches: Iterator[KeyBatch], tally: ChunkTally
) -> Iterator[KeyBatch]:
    """Yield the batches, and note in the tally how the chunk ended."""
    try:
        for batch in batches:
            tally.skipped = reader.skipped
            yield batch
        tally.end = reader.end_state.value
    except RowTooLong as exc:
        tally.fault_at = exc.offset
    tally.skipped = reader.skipped


def _read_row_groups(run: StageRun, source: Source, chunk: Chunk, size: int) -> Iterator[KeyBatch]:
    """Read row groups of a Parquet file; of its bytes as large a share counts as of its rows."""
    services, progress = run.services, run.progress
    read = counted = 0

    def read_range(start: int, end: int) -> Iterator[bytes]:
        # Each part that arrives renews the lease, however long a page takes.
        return services.objects.read_range(
            source.info, start, end, on_progress=lambda _: progress.add()
        )

    if chunk.stop > chunk.first:
        with services.objects.open_random_access(source.info) as file:
            for batch in services.parquet.read_row_groups(
                file,
                source.size_bytes,
                chunk.first,
                chunk.stop - 1,
                column=source.column,
                rules=KeyRules.of(run.request.reading),
                read=read_range,
                on_wait=progress.add,
            ):
                yield batch
                read += batch.row_count
                more = size * read // max(chunk.rows, read) - counted
                progress.add(size_bytes=more, work=more)
                counted += more
    progress.add(size_bytes=size - counted, work=size - counted)
