"""Reading one chunk: rows in, packed and hashed members out, run by run."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from worker.imports.doubts import DoubtTally
from worker.imports.errors import ImportStopped
from worker.imports.plan import Chunk, Plan, Source
from worker.imports.sorting import Members, concatenate
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Context
from worker.lists.csv.chunks import CsvChunk, CsvChunkReader, CsvState
from worker.lists.errors import RowTooLong
from worker.lists.format import ListFormat
from worker.lists.keys.first_rows import doubts_of_start
from worker.lists.keys.validation import KeyBatch, RejectReason
from worker.objects import ObjectNotFound
from worker.store.members import hash_members, pack_keys

#: Rejected rows of which a report shows row and reason.
SAMPLE_ROWS: Final = 100


@dataclass(slots=True)
class ChunkTally:
    """What one chunk had in it; ``rows = valid + sum(rejected)``."""

    start: str
    """The state of the CSV parser that the chunk was read with, ``row`` or ``quoted``."""
    rows: int = 0
    valid: int = 0
    packed_bytes: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    sample: list[tuple[int, str]] = field(default_factory=list)
    """Row within the chunk, from 1, and reason."""
    doubts: DoubtTally = field(default_factory=DoubtTally)
    end: str = CsvState.ROW.value
    """The parser's state at the first line of the next chunk."""
    fault_at: int | None = None
    """Where a row begins that is too long to be one; final only if ``start`` is right."""

    def count(self, batch: KeyBatch, packed_bytes: int) -> None:
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
        self.doubts.count(batch.doubts, self.rows)
        self.rows += batch.row_count
        self.valid += len(batch.keys)
        self.packed_bytes += packed_bytes

    def to_json(self) -> dict[str, Any]:
        """The form that the chunk's record holds."""
        return {
            "start": self.start,
            "rows": self.rows,
            "valid": self.valid,
            "packed": self.packed_bytes,
            "rejected": dict(self.rejected),
            "sample": self.sample,
            "doubts": self.doubts.to_json(),
            "end": self.end,
            "fault": self.fault_at,
        }


def read_chunk(
    context: Context, plan: Plan, chunk: Chunk, tally: ChunkTally, progress: UnitProgress
) -> Iterator[Members]:
    """Yield the valid keys of one chunk, packed and hashed, in runs of bounded size.

    The tally is complete when the iterator is. A row that is too long ends the chunk and
    is noted in the tally.

    Raises:
        ImportStopped: the file is gone.
        ObjectChanged: the file is not the one that was planned.
        ObjectStoreUnavailable: no answer. Safe to retry the chunk.
        LeaseLost: another worker has the chunk.
    """
    limits = context.settings
    parts: list[Members] = []
    rows = size = 0
    for batch in _found(
        plan.sources[chunk.source], _batches(context, plan, chunk, tally, progress)
    ):
        if tally.rows == 0 and _begins_text(plan, chunk):
            tally.doubts.count(doubts_of_start(batch), 0)
        packed = pack_keys(batch.keys)
        part = Members(packed, hash_members(packed))
        tally.count(batch, packed.nbytes)
        progress.add(rows=batch.row_count)
        parts.append(part)
        rows += len(part)
        size += packed.nbytes
        if rows >= limits.chunk_rows or size >= limits.chunk_bytes:
            yield concatenate(parts)
            parts, rows, size = [], 0, 0
    if rows:
        yield concatenate(parts)


def _begins_text(plan: Plan, chunk: Chunk) -> bool:
    return chunk.first == 0 and plan.sources[chunk.source].format is ListFormat.CSV


def _found(source: Source, batches: Iterator[KeyBatch]) -> Iterator[KeyBatch]:
    """Say of a file that is not there any more what a caller understands."""
    try:
        yield from batches
    except ObjectNotFound as exc:
        message = f"the source is gone: s3://{source.bucket}/{source.key}"
        raise ImportStopped(message) from exc


def _batches(
    context: Context, plan: Plan, chunk: Chunk, tally: ChunkTally, progress: UnitProgress
) -> Iterator[KeyBatch]:
    source = plan.sources[chunk.source]
    if source.format is ListFormat.PARQUET:
        if chunk.stop > chunk.first:
            with context.objects.open_random_access(source.info) as file:
                yield from context.parquet.read_row_groups(
                    file, source.size_bytes, chunk.first, chunk.stop - 1, on_wait=progress.add
                )
        progress.add(size_bytes=source.size_bytes // max(1, len(plan.chunks)))
        return

    def read(start: int, end: int) -> Iterator[bytes]:
        return context.objects.read_range(
            source.info, start, end, on_progress=lambda size: progress.add(size_bytes=size)
        )

    reader = CsvChunkReader(
        CsvChunk(chunk.first, chunk.stop, source.size_bytes), CsvState(tally.start), read
    )
    try:
        yield from reader.batches()
        tally.end = reader.end_state.value
    except RowTooLong as exc:
        tally.fault_at = exc.offset
