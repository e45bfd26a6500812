"""What is counted while one chunk is read."""

from collections import Counter
from dataclasses import dataclass, field

from worker.imports.report import NAMED_ROWS, SAMPLE_ROWS
from worker.imports.spill_store import SpillFile
from worker.imports.stage_results import ChunkResult, DoubtCount, Spill
from worker.lists.csv.chunks import CsvState
from worker.lists.keys.doubtful_rows import DoubtfulRows
from worker.lists.keys.validation import KeyBatch, RejectReason


@dataclass(slots=True)
class ChunkTally:
    """Counts the rows of one chunk; see :class:`ChunkResult`."""

    start: str
    """The state of the CSV parser that the chunk was read with, ``row`` or ``quoted``."""
    rows: int = 0
    valid: int = 0
    erased: int = 0
    """Valid rows that are left out, because their key was erased."""
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
            erased=self.erased,
            packed_bytes=self.packed_bytes,
            rejected=dict(self.rejected),
            sample=tuple(self.sample),
            doubts=self.doubts,
            skipped=self.skipped,
            skipped_within=self.skipped_within,
            fault_at=self.fault_at,
            spill=spill,
            rejected_part=rejected_part,
        )
