"""Scatter: reads the rows of one chunk and writes their packed, hashed members to a spill."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import pyarrow as pa

from worker.byte_columns import Column, ColumnView, split_by_length
from worker.byte_columns import concatenate as join_columns
from worker.imports.errors import ImportStopped, naming, row_too_long
from worker.imports.file_table import form_of, tabulate
from worker.imports.gather import Range, gather
from worker.imports.inspection import InspectedFile, inspect_object, with_first_keys
from worker.imports.report import NAMED_ROWS, SAMPLE_ROWS
from worker.imports.size import find_wrong_starts, fix_size
from worker.imports.sorted_members import Members, concatenate, distinct, no_members
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
from worker.lists.csv.chunks import CsvChunk, CsvState
from worker.lists.errors import RowTooLong
from worker.lists.format import ListFormat
from worker.lists.keys.doubtful_rows import DoubtfulRows
from worker.lists.keys.first_rows import find_start_doubts
from worker.lists.keys.rules import KeyRules
from worker.lists.keys.validation import KeyBatch, RejectReason
from worker.lists.spills import SpillWriter
from worker.lists.text.reading import open_text
from worker.objects import ObjectInfo, ObjectNotFound
from worker.store.jobs import DETECTED, FileFigures
from worker.store.members import entries_of, hash_members, pack_keys

#: Bytes of keys of several lengths that are packed together: over 200,000 rows, and with what is
#: computed from them a few times these bytes in memory.
_MIXED_BYTES: Final = 8 * 1024 * 1024
#: Rows of one length that are worth a column of their own.
_FREQUENT_ROWS: Final = 4_096
#: Rows of one column: bounds what joining its parts takes in memory beside them. It makes no
#: measurable difference in time.
_COLUMN_ROWS: Final = 512 * 1024


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
    skipped_within: int = 0
    """Of whole files: rows in front of them that are none, up to the row that is read."""
    fault_at: int | None = None
    """Where a row begins that is too long to be one; final only if ``start`` is right."""

    @property
    def line(self) -> int:
        """How many rows there were, with those that are none of whole files."""
        return self.rows + self.skipped_within

    def count(self, batch: KeyBatch) -> None:
        """Add one batch."""
        for offset, code in zip(
            batch.rejected_rows[: SAMPLE_ROWS - len(self.sample)].tolist(),
            batch.rejected_reasons.tolist(),
            strict=False,
        ):
            self.sample.append((self.line + offset + 1, RejectReason(code).label))
        for reason in RejectReason:
            if count := int((batch.rejected_reasons == reason).sum()):
                self.rejected[reason.label] += count
        self.doubt(batch.doubts, self.line)
        self.rows += batch.row_count
        self.valid += len(batch.keys)

    def doubt(self, doubts: DoubtfulRows, rows_before: int) -> None:
        """Add the doubtful rows of a batch that begins ``rows_before`` rows into the chunk."""
        for doubt, rows in doubts.items():
            count, sample = self.doubts.get(doubt.label, (0, ()))
            more = (rows[: NAMED_ROWS - len(sample)] + rows_before + 1).tolist()
            self.doubts[doubt.label] = count + len(rows), (*sample, *more)

    def result(self, spill: Spill | None) -> ChunkResult:
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
            skipped_within=self.skipped_within,
            fault_at=self.fault_at,
            spill=spill,
        )


def scatter_chunk(run: StageRun) -> None:
    """Read one chunk into one spill; a list that fits in one run is gathered at once."""
    plan, number = run.plan(), run.unit.number
    if not plan.chunks:
        _gather_small(run, plan, (), no_members())
        return
    starts = run.services.store.jobs.read(run.request.ref, STARTS) or {}
    tally = ChunkTally(start=starts.get(number, CsvState.ROW.value))
    runs = read_chunk(run, plan, plan.chunks[number], tally)
    if len(plan.chunks) == 1:
        ahead = [*islice(runs, 2)]
        if len(ahead) < 2:  # noqa: PLR2004 - all of it is one run, or nothing
            members = concatenate(ahead.pop() if ahead else ())
            _gather_small(run, plan, (tally.result(None),), members)
            return
        runs = _hand_over(ahead, runs)
    _spill(run, plan, tally, runs)


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
    run.note_entered("gather")
    members = distinct(members)
    share = len(members) / max(1, sum(chunk.valid for chunk in chunks))
    claim = run.claim()
    target = fix_size(run, claim, chunks, share, tabulate(run, plan, chunks))
    run.open_publish(chunks, gather(run, claim, target, Range(0, 1), members))


def _spill(run: StageRun, plan: Plan, tally: ChunkTally, runs: Iterator[Sequence[Members]]) -> None:
    files: list[SpillFile] = []
    with run.spills.write(run.unit.number, run.unit.token, files) as sink:
        writer = SpillWriter(sink, plan.range_bits)
        for members in runs:
            writer.add_run([(part.entries, part.hashes) for part in members])
            # The next run is read into the memory of this one.
            del members
        index = writer.close()
    if not run.finish_chunk(tally.result(Spill(files[0], index))):
        # Another try finished first, or the import has ended and its spills are deleted.
        run.spills.remove(files[0])


class _Run:
    """Packs and hashes the keys of one run.

    Keys of several lengths are collected and split by length, because each length takes steps
    of its own; the order of the members has no meaning. So are few keys, because each step takes
    its time whether for one key or for thousands.
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
        if view.width is not None and view.rows >= _FREQUENT_ROWS:
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
        joined = [concatenate(self._parts.pop(kind)) for kind in tuple(self._parts)]
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
            self._full.append(concatenate(parts))
            parts.clear()


def read_chunk(
    run: StageRun, plan: Plan, chunk: Chunk, tally: ChunkTally
) -> Iterator[Sequence[Members]]:
    """Yield the valid keys of one chunk, packed and hashed, in runs of bounded size.

    A run is several columns of members, in no order. The tally is complete when the iterator is
    exhausted. A row that is too long ends the chunk and is noted in the tally.

    Raises:
        ImportStopped: the file is gone.
        ObjectChanged: the file was replaced since it was planned.
        LeaseLost: another worker has the chunk.
    """
    limits = run.services.settings
    # Of a list that is one chunk however long it is, two runs are held at the same time.
    share = 2 if chunk.files or not plan.sources[chunk.source].text.is_splittable else 1
    part = _Run()
    read = _read_files if chunk.files else _read_piece
    for batch in read(run, plan, chunk, tally):
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


def _read_piece(run: StageRun, plan: Plan, chunk: Chunk, tally: ChunkTally) -> Iterator[KeyBatch]:
    """Read a piece of one file; of a Parquet file's bytes each piece counts for as many."""
    source, size = plan.sources[chunk.source], chunk.stop - chunk.first
    if source.format is ListFormat.PARQUET:
        size = source.size_bytes // sum(other.source == chunk.source for other in plan.chunks)
    run.progress.expect(size)
    with _report_missing(source.info.address):
        for batch in _read_batches(run, source, chunk, tally, size):
            if tally.rows == 0 and chunk.first == 0:
                _look_at_start(run, source, batch, tally, is_first=chunk.file == 0)
            yield batch


def _read_files(run: StageRun, plan: Plan, chunk: Chunk, tally: ChunkTally) -> Iterator[KeyBatch]:
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
    for batch in _read_batches(run, source, chunk, tally, source.size_bytes):
        tally.skipped_within = skipped + tally.skipped
        if is_start:
            _look_at_start(run, source, batch, tally, is_first=number == 0)
            is_start = False
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

    def read(start: int, end: int) -> Iterator[bytes]:
        return run.services.objects.read_range(
            source.info,
            start,
            end,
            on_progress=lambda size: progress.add(size_bytes=size, work=size),
        )

    bounds = CsvChunk(chunk.first, chunk.stop, source.size_bytes)
    state = CsvState(tally.start)
    reader = open_text(source.text, run.request.reading, bounds, state, read)
    try:
        for batch in reader.batches():
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
                more = size * read // max(chunk.rows, read) - counted
                progress.add(size_bytes=more, work=more)
                counted += more
    progress.add(size_bytes=size - counted, work=size - counted)
