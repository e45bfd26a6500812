"""Scatter: reads the rows of one chunk and writes their packed, hashed members to a spill."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import pyarrow as pa

from worker.byte_columns import Column, ColumnView, split_by_length
from worker.byte_columns import concatenate as join_columns
from worker.imports.errors import ImportStopped
from worker.imports.gather import Range, gather
from worker.imports.inspection import with_first_keys
from worker.imports.rejected_rows import RejectedPart, write_rejected_rows
from worker.imports.report import NAMED_ROWS, SAMPLE_ROWS
from worker.imports.size import Sample, find_wrong_starts, fix_size
from worker.imports.sorted_members import Members, concatenate, distinct, drop_frequent, no_members
from worker.imports.spill_store import SpillFile
from worker.imports.stage_results import (
    STARTS,
    Chunk,
    ChunkResult,
    DoubtCount,
    Plan,
    Source,
    Spill,
    StageRun,
)
from worker.lists.csv.chunks import CsvChunk, CsvChunkReader, CsvState
from worker.lists.errors import RowTooLong
from worker.lists.format import ListFormat
from worker.lists.keys.doubtful_rows import DoubtfulRows
from worker.lists.keys.doubts import Doubt
from worker.lists.keys.first_rows import find_start_doubts
from worker.lists.keys.row_numbers import RowNumbers
from worker.lists.keys.rules import KeyRules
from worker.lists.keys.validation import KeyBatch, RejectReason
from worker.lists.spills import SpillWriter
from worker.lists.text.reading import open_text
from worker.objects import ObjectNotFound
from worker.read_ahead import read_ahead
from worker.store.jobs import DETECTED
from worker.store.members import entries_of, hash_members, pack_keys

#: Bytes of keys of several lengths that are packed together: over 200,000 rows, and with what is
#: computed from them a few times these bytes in memory.
_MIXED_BYTES: Final = 8 * 1024 * 1024
#: Rows of one length that are worth a column of their own.
_FREQUENT_ROWS: Final = 4_096
#: Rows of one column: bounds what joining its parts takes in memory beside them. It makes no
#: measurable difference in time.
_COLUMN_ROWS: Final = 512 * 1024
#: Blocks of text that are read before they are asked for.
_BATCHES_AHEAD: Final = 4


@dataclass(slots=True)
class ChunkTally:
    """Counts the rows of one chunk; see :class:`ChunkResult`."""

    start: str
    """The state of the CSV parser that the chunk was read with, ``row`` or ``quoted``."""
    rows: int = 0
    valid: int = 0
    packed_bytes: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    sample: list[tuple[int, str]] = field(default_factory=list)
    """Row within the chunk, from 1, and reason."""
    doubts: dict[str, DoubtCount] = field(default_factory=dict)
    """By the doubt's label."""
    end: str = CsvState.ROW.value
    """The parser's state at the first line of the next chunk."""
    skipped: int = 0
    """Rows before the first of these that are none."""
    fault_at: int | None = None
    """Where a row begins that is too long to be one; final only if ``start`` is right."""

    def count(self, batch: KeyBatch) -> None:
        """Add one batch."""
        for offset, code in zip(
            batch.rejected_rows[: SAMPLE_ROWS - len(self.sample)].tolist(),
            batch.rejected_reasons.tolist(),
            strict=False,
        ):
            self.sample.append((self.rows + offset + 1, RejectReason(code).label))
        for reason in RejectReason:
            if count := int((batch.rejected_reasons == reason).sum()):
                self.rejected[reason.label] += count
        self.doubt(batch.doubts, self.rows)
        self.rows += batch.row_count
        self.valid += len(batch.keys)

    def doubt(self, doubts: DoubtfulRows, rows_before: int) -> None:
        """Add the doubtful rows of a batch that begins ``rows_before`` rows into the chunk."""
        for doubt, rows in doubts.items():
            if len(rows) == 0:
                continue
            count, sample = self.doubts.get(doubt.label, (0, ()))
            more = (rows[: NAMED_ROWS - len(sample)] + rows_before + 1).tolist()
            self.doubts[doubt.label] = count + len(rows), (*sample, *more)

    def result(self, spill: Spill | None, rejected_part: SpillFile | None) -> ChunkResult:
        """The tally as the chunk's record holds it."""
        return ChunkResult(
            start=self.start,
            end=self.end,
            rows=self.rows,
            valid=self.valid,
            packed_bytes=self.packed_bytes,
            rejected=dict(self.rejected),
            sample=tuple(self.sample),
            doubts=self.doubts,
            skipped=self.skipped,
            fault_at=self.fault_at,
            spill=spill,
            rejected_part=rejected_part,
        )


def scatter_chunk(run: StageRun) -> None:
    """Read one chunk into one spill; a list that fits in one run is gathered at once."""
    plan, number = run.plan(), run.unit.number
    if not plan.chunks:
        _gather_small(run, plan, (), no_members())
        return
    starts = run.services.store.jobs.read(run.request.ref, STARTS) or {}
    tally = ChunkTally(start=starts.get(number, CsvState.ROW.value))
    with RejectedPart(run) as rejected:
        runs = read_chunk(run, plan, plan.chunks[number], tally, rejected)
        if len(plan.chunks) == 1:
            ahead = [*islice(runs, 2)]
            if len(ahead) < 2:  # noqa: PLR2004 - all of it is one run, or nothing
                members = concatenate(ahead.pop() if ahead else ())
                _gather_small(run, plan, (tally.result(None, rejected.close()),), members)
                return
            runs = _hand_over(ahead, runs)
        _spill(run, plan, tally, runs, rejected)


def _hand_over(
    ahead: list[Sequence[Members]], runs: Iterator[Sequence[Members]]
) -> Iterator[Sequence[Members]]:
    """The runs that were read ahead and those after them; none is held longer than needed."""
    while ahead:
        yield ahead.pop(0)
    yield from runs


def _gather_small(
    run: StageRun, plan: Plan, chunks: Sequence[ChunkResult], members: Members
) -> None:
    """Size and gather the members of one chunk, or rebuild a list from its base alone.

    There is no spill. If the store loses shards of it before the flip, the chunk is read again.
    """
    # A single chunk has the right state; this stops a row that is too long.
    find_wrong_starts(plan, chunks)
    write_rejected_rows(run, plan, chunks)
    run.note_entered("gather")
    members = distinct(members)
    sample = Sample(members, sum(chunk.valid for chunk in chunks))
    claim = run.claim()
    target = fix_size(run, claim, chunks, sample)
    run.open_publish(chunks, gather(run, claim, target, Range(0, 1), members))


def _spill(
    run: StageRun,
    plan: Plan,
    tally: ChunkTally,
    runs: Iterator[Sequence[Members]],
    rejected: RejectedPart,
) -> None:
    files: list[SpillFile] = []
    with run.spills.write(run.unit.number, run.unit.token, files) as sink:
        writer = SpillWriter(sink, plan.range_bits)
        for members in runs:
            writer.add_run([(part.entries, part.hashes) for part in members])
            # The next run is read into the memory of this one.
            del members
        index = writer.close()
    part = rejected.close()
    if not run.finish_chunk(tally.result(Spill(files[0], index), part)):
        # Another try finished first, or the import has ended and its spills are deleted.
        for file in (*files, *([part] if part else [])):
            run.spills.remove(file)


class _Run:
    """Packs and hashes the keys of one run.

    Keys of several lengths are collected and split by length, because each length takes steps
    of its own; the order of the members has no meaning.
    """

    def __init__(self) -> None:
        self.rows = self.packed_bytes = 0
        self._mixed: list[Column] = []
        self._mixed_bytes = 0
        self._parts: dict[pa.DataType, list[Members]] = {}
        self._full: list[Members] = []

    @property
    def size_bytes(self) -> int:
        """Bytes of what it holds, hashes aside."""
        return self.packed_bytes + self._mixed_bytes

    def add(self, keys: Column) -> None:
        """Take more keys: binary or large_binary, no nulls."""
        view = ColumnView.of(keys)
        self.rows += view.rows
        if view.width is not None:
            self._pack(keys)
            return
        self._mixed.append(keys)
        self._mixed_bytes += len(view.data)
        if self._mixed_bytes >= _MIXED_BYTES:
            self._pack_mixed()

    def finish(self) -> list[Members]:
        """The members: columns for each frequent length, and one for the others."""
        self._pack_mixed()
        # Each column's parts are dropped once they are joined.
        kinds = tuple(self._parts)
        joined = [drop_frequent(concatenate(self._parts.pop(kind))) for kind in kinds]
        rare = [members for members in joined if len(members) < _FREQUENT_ROWS]
        frequent = [members for members in joined if len(members) >= _FREQUENT_ROWS]
        others = [concatenate(rare)] if rare else []
        return [*self._full, *frequent, *others]

    def _pack_mixed(self) -> None:
        if not self._mixed:
            return
        joined = join_columns(self._mixed)
        self._mixed, self._mixed_bytes = [], 0
        for keys in split_by_length(joined, _FREQUENT_ROWS):
            self._pack(keys)

    def _pack(self, keys: Column) -> None:
        packed = pack_keys(keys)
        self.packed_bytes += packed.nbytes
        members = Members(entries_of(packed), hash_members(packed))
        parts = self._parts.setdefault(members.entries.type, [])
        parts.append(members)
        if sum(map(len, parts)) >= _COLUMN_ROWS:
            self._full.append(drop_frequent(concatenate(parts)))
            parts.clear()


def read_chunk(
    run: StageRun, plan: Plan, chunk: Chunk, tally: ChunkTally, rejected: RejectedPart
) -> Iterator[Sequence[Members]]:
    """Yield the valid keys of one chunk, packed and hashed, in runs of bounded size.

    A run is several columns of members, in no order. The tally is complete when the iterator is
    exhausted. A row that is too long ends the chunk and is noted in the tally.

    Raises:
        ImportStopped: the file is gone.
        ObjectChanged: the file was replaced since it was planned.
        LeaseLost: another worker has the chunk.
    """
    limits, source = run.services.settings, plan.sources[chunk.source]
    # Of a list that is one chunk however long it is, two runs are held at the same time.
    share = 1 if source.text.is_splittable else 2
    part = _Run()
    numbers = RowNumbers() if source.text.is_numbered else None
    for batch in _report_missing_source(source, _read_batches(run, plan, chunk, tally)):
        if tally.rows == 0 and chunk.first == 0:
            _look_at_start(run, source, batch, tally)
        if numbers is not None:
            tally.doubt({Doubt.INDEX_COLUMN: numbers.find(batch)}, tally.rows)
        rejected.add(batch, tally.rows)
        tally.count(batch)
        run.progress.add(rows=batch.row_count)
        part.add(batch.keys)
        if share * part.rows >= limits.chunk_rows or share * part.size_bytes >= limits.chunk_bytes:
            yield _finish(part, tally)
            part = _Run()
    if part.rows:
        yield _finish(part, tally)


def _finish(run: _Run, tally: ChunkTally) -> list[Members]:
    members = run.finish()
    tally.packed_bytes += run.packed_bytes
    return members


def _look_at_start(run: StageRun, source: Source, batch: KeyBatch, tally: ChunkTally) -> None:
    """Check the first rows of a file; those of a Parquet file are not shown before."""
    if source.format is ListFormat.CSV:
        tally.doubt(find_start_doubts(batch), 0)
    if source.format is ListFormat.PARQUET and len(batch.keys):
        jobs, ref = run.services.store.jobs, run.request.ref
        detected = jobs.read(ref, DETECTED)
        if detected is not None:
            jobs.write(ref, DETECTED, with_first_keys(detected, batch.keys))


def _report_missing_source(source: Source, batches: Iterator[KeyBatch]) -> Iterator[KeyBatch]:
    """Stop with a reason that names the file if it is gone."""
    try:
        yield from batches
    except ObjectNotFound as exc:
        message = f"the source is gone: s3://{source.bucket}/{source.key}"
        raise ImportStopped(message) from exc


def _read_batches(run: StageRun, plan: Plan, chunk: Chunk, tally: ChunkTally) -> Iterator[KeyBatch]:
    source, progress = plan.sources[chunk.source], run.progress
    if source.format is ListFormat.PARQUET:
        yield from _read_row_groups(run, plan, chunk)
        return
    progress.expect(chunk.stop - chunk.first)

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


def _read_row_groups(run: StageRun, plan: Plan, chunk: Chunk) -> Iterator[KeyBatch]:
    """Read a chunk of a Parquet file; of its bytes as large a share counts as of its rows."""
    services, progress = run.services, run.progress
    source, first = plan.sources[chunk.source], progress.size_bytes
    chunks = sum(other.source == chunk.source for other in plan.chunks)
    size, read = source.size_bytes // chunks, 0
    progress.expect(chunk.rows)
    if chunk.stop > chunk.first:
        with services.objects.open_random_access(source.info) as file:
            for batch in services.parquet.read_row_groups(
                file,
                source.size_bytes,
                chunk.first,
                chunk.stop - 1,
                column=source.column,
                rules=KeyRules.of(run.request.reading),
                on_wait=progress.add,
            ):
                yield batch
                read += batch.row_count
                counted = first + size * read // max(chunk.rows, read)
                progress.add(size_bytes=counted - progress.size_bytes, work=batch.row_count)
    progress.add(size_bytes=first + size - progress.size_bytes)
