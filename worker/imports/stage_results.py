"""The results that stages of an import leave for later ones, and the run of one unit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from worker.imports.errors import ImportStopped, lost_files
from worker.imports.spill_store import SpillFile, SpillStore
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Services
from worker.lists.format import ListFormat
from worker.lists.spills import SpillIndex
from worker.lists.text.form import TextForm
from worker.objects import ObjectInfo
from worker.store.jobs import (
    BYTES_TOTAL,
    DETECTED,
    SELECTED,
    DetectedList,
    Entry,
    ImportFile,
    ImportRequest,
    SelectedFiles,
    StageField,
    Unit,
    result_name,
)
from worker.store.keyspace import EXCLUDED, INCLUDED, Side
from worker.store.lists import Claim, Revision
from worker.store.records import RecordCodec, stored

#: Hints sent when a stage opens; further workers get work from the sweep.
_MOST_HINTS: Final = 32


@stored
@dataclass(frozen=True, slots=True)
class Source:
    """One list file, as it was when the import was planned."""

    bucket: str
    key: str
    size_bytes: int
    etag: str
    format: ListFormat
    text: TextForm = field(default_factory=TextForm)
    """Of a list of text: how its rows are read."""
    column: int = 0
    """Of a Parquet list: the column of the keys, from 0."""

    @property
    def info(self) -> ObjectInfo:
        """The object, with the ETag that every read requires."""
        return ObjectInfo(self.bucket, self.key, self.size_bytes, self.etag)


@stored
@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of scatter work: bytes of a text file, row groups of Parquet, or whole files."""

    source: int
    first: int
    stop: int
    """Exclusive."""
    rows: int = 0
    """Rows of its row groups; 0 for a file of text, whose rows are not known yet."""
    file: int = 0
    """The number of its file among all of the import, or of the first of its files."""
    files: int = 0
    """Of a chunk of whole files: how many there are. Then ``source`` means nothing, and what each
    file is shows when it is read."""


@stored
@dataclass(frozen=True, slots=True)
class Plan:
    """How an import is cut; never changed."""

    sources: tuple[Source, ...]
    """The files that are cut, or the only one; the others are looked at when they are read."""
    chunks: tuple[Chunk, ...]
    range_bits: int
    """Spills are cut into 2 to this power ranges of the hash."""
    bytes_total: int
    doubts: tuple[str, ...] = ()
    """Labels of doubts about whole files."""
    files: int = 0
    """How many files the import has; 0 in records from before there were several."""
    attempt: str = ""
    """The try that has found them."""


@stored
@dataclass(frozen=True, slots=True)
class Spill:
    """One spill: where it is, and where each range of hashes is in it."""

    file: SpillFile
    index: SpillIndex


#: How many rows have a doubt, and the first of those rows, from 1.
DoubtCount = tuple[int, tuple[int, ...]]


@stored
@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What one chunk held; ``rows = valid + sum(rejected)``."""

    start: str
    """The state of the CSV parser that the chunk was read with, ``row`` or ``quoted``."""
    end: str
    """The parser's state at the first line of the next chunk."""
    rows: int
    valid: int
    packed_bytes: int
    rejected: dict[str, int]
    """Number of rows by reason."""
    sample: tuple[tuple[int, str], ...]
    """Rejected rows within the chunk, from 1, and their reasons."""
    doubts: dict[str, DoubtCount]
    """By the doubt's label."""
    skipped: int = 0
    """Rows before the first of these that are none: a header, a line that names the separator."""
    skipped_within: int = 0
    """Of a chunk of whole files: rows in front of them that are none. The other figures number
    rows with these."""
    fault_at: int | None = None
    """Where a row begins that is too long to be one; final only if ``start`` is right."""
    spill: Spill | None = None
    """``None`` when its members were gathered at once."""
    rejected_part: SpillFile | None = None
    """Its rejected rows with their cells; ``None`` without any."""


@stored
@dataclass(frozen=True, slots=True)
class Built:
    """Members of some shards of one side: those of the base, and those written."""

    base: int = 0
    written: int = 0
    added: int = 0
    unchanged: int = 0

    def __add__(self, other: "Built") -> "Built":
        return Built(
            self.base + other.base,
            self.written + other.written,
            self.added + other.added,
            self.unchanged + other.unchanged,
        )


@stored
@dataclass(frozen=True, slots=True)
class RangeResult:
    """What gathering one range built."""

    accepted: int
    """Distinct members of the list files."""
    included: Built
    excluded: Built

    def built(self, side: Side) -> Built:
        """One side's members."""
        return self.included if side == INCLUDED else self.excluded

    def written(self, side: Side) -> int:
        """Members of one side that were sent to the store."""
        return self.built(side).written


SIDES: Final[tuple[Side, ...]] = (INCLUDED, EXCLUDED)

PLAN: Final = StageField("plan", Plan)
#: Chunks to be read from another state of the parser than the usual one.
STARTS: Final = StageField("starts", dict[int, str])
RANGE_COUNT: Final = StageField("range_count", int)
#: How often ranges were gathered again because the store had lost shards of them.
GATHERED_AGAIN: Final = StageField("gathered_again", int)

_CHUNK_RESULTS: Final = RecordCodec(ChunkResult)
_RANGE_RESULTS: Final = RecordCodec(RangeResult)


@dataclass(frozen=True, slots=True)
class StageRun:
    """One try at one unit of an import."""

    services: Services
    request: ImportRequest
    unit: Unit
    progress: UnitProgress

    @property
    def spills(self) -> SpillStore:
        """The import's spills."""
        return SpillStore(self.services.objects, self.services.settings.spill_dir, self.request)

    def claim(self) -> Claim:
        """The import's claim; claiming again changes nothing."""
        request = self.request
        return self.services.store.builds.claim(
            request.list_ref,
            request.import_id,
            waits=request.waits,
            dry_run=request.dry_run,
            kind=request.kind,
        )

    def target(self) -> Revision:
        """The revision being built, once its size is fixed."""
        request = self.request
        return self.services.store.builds.target(request.list_ref, request.import_id)

    def plan(self) -> Plan:
        """The plan that the first stage wrote."""
        plan = self.services.store.jobs.read(self.request.ref, PLAN)
        if plan is None:
            message = f"import {self.request.import_id} has lost its plan; import the list again"
            raise ImportStopped(message)
        return plan

    def files(self, plan: Plan, first: int, stop: int) -> list[ImportFile]:
        """Some of the import's files, by their numbers.

        Raises:
            ImportStopped: they are lost.
        """
        kept = self.services.store.import_files
        files = kept.read_files(self.request.ref, plan.attempt, first, stop)
        if len(files) != stop - first:
            raise lost_files(self.request.import_id)
        return files

    def chunk_results(self, plan: Plan) -> list[ChunkResult]:
        """Results of all chunks, in order of the rows."""
        jobs = self.services.store.jobs
        return jobs.results(self.request.ref, "scatter", len(plan.chunks), _CHUNK_RESULTS)

    def range_results(self) -> list[RangeResult]:
        """Results of all ranges."""
        jobs, ref = self.services.store.jobs, self.request.ref
        count = jobs.read(ref, RANGE_COUNT) or 0
        return jobs.results(ref, "gather", count, _RANGE_RESULTS)

    def finish_chunk(self, result: ChunkResult) -> bool:
        """Record this chunk's result; whether it was the first one."""
        return self._finish(_CHUNK_RESULTS.encode(result))

    def finish_range(self, result: RangeResult) -> None:
        """Record this range's result."""
        self._finish(_RANGE_RESULTS.encode(result))

    def _finish(self, result: bytes) -> bool:
        left = self.services.store.jobs.finish(
            self.request.ref,
            self.unit,
            result,
            rows=self.progress.rows,
            size_bytes=self.progress.size_bytes,
        )
        return left is not None

    def note_entered(self, stage: str) -> None:
        """Record that this unit continues with another stage's work."""
        self.services.store.jobs.note_entered(self.request.ref, stage)

    def open_scatter(
        self, plan: Plan, detected: DetectedList | None, selected: SelectedFiles | None
    ) -> None:
        """Write the plan and open scatter; a list without chunks has one unit, too."""
        entries = [PLAN.entry(plan), BYTES_TOTAL.entry(plan.bytes_total)]
        if selected is not None:
            entries.append(SELECTED.entry(selected))
        if detected is not None:
            entries.append(DETECTED.entry(detected))
        self._advance("scatter", max(1, len(plan.chunks)), *entries)

    def open_gather(self, range_count: int) -> None:
        """Open gather with this many ranges."""
        self._advance("gather", range_count, RANGE_COUNT.entry(range_count))

    def open_publish(self, chunks: Sequence[ChunkResult], result: RangeResult) -> None:
        """Open publish after gathering without spills."""
        entries = [
            (result_name("scatter", number), _CHUNK_RESULTS.encode(chunk))
            for number, chunk in enumerate(chunks)
        ]
        entries.append((result_name("gather", 0), _RANGE_RESULTS.encode(result)))
        self._advance("publish", 1, RANGE_COUNT.entry(1), *entries)

    def _advance(self, stage: str, units: int, *entries: Entry) -> None:
        jobs = self.services.store.jobs
        if jobs.advance(self.request.ref, self.unit.stage, stage, units, *entries):
            self._announce(units)

    def reopen(self, stage: str, units: int, numbers: Sequence[int]) -> None:
        """Go back to an earlier stage to repeat some of its units."""
        jobs = self.services.store.jobs
        if jobs.reopen(self.request.ref, self.unit.stage, stage, units, numbers):
            self._announce(len(numbers))

    def _announce(self, units: int) -> None:
        # The worker that opens a stage takes a unit itself.
        hints = min(_MOST_HINTS, units - 1)
        if hints:
            self.services.announce(self.request.ref, hints)
