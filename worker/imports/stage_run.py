"""The run of one unit of an import: what its stage reads, records and opens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.imports.errors import ImportStopped, lost_files
from worker.imports.spill_store import SpillStore
from worker.imports.stage_results import PLAN, RANGE_COUNT, ChunkResult, Plan, RangeResult
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Services
from worker.store.erasures import ErasedKeys
from worker.store.jobs import (
    BYTES_TOTAL,
    DETECTED,
    SELECTED,
    DetectedList,
    Entry,
    ImportFile,
    ImportRequest,
    SelectedFiles,
    Unit,
    result_name,
)
from worker.store.lists import Claim, Revision
from worker.store.records import RecordCodec

#: Hints sent when a stage opens; further workers get work from the sweep.
_MOST_HINTS: Final = 32
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

    def erased_keys(self) -> ErasedKeys | None:
        """The keys that this import may not bring back; ``None`` if there are none.

        Cost: one round trip if nothing was ever erased from the environment.
        """
        request, store = self.request, self.services.store
        env = request.list_ref.env
        if request.allow_erased or request.mode in ("remove", "reshard"):
            return None
        if not store.erased_keys.has_any(env):
            return None
        segment = store.segments.get(env, request.list_ref.segment)
        return store.erased_keys.read(env, segment.context_kind)

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

    def open_gather(self, range_count: int, *, plan: Plan | None = None) -> None:
        """Open gather with this many ranges, and write the plan if none was written."""
        entries = [] if plan is None else [PLAN.entry(plan)]
        self._advance("gather", range_count, RANGE_COUNT.entry(range_count), *entries)

    def open_publish(self, chunks: Sequence[ChunkResult], result: RangeResult) -> bool:
        """Open publish after gathering without spills; ``False`` when another try did it."""
        entries = [
            (result_name("scatter", number), _CHUNK_RESULTS.encode(chunk))
            for number, chunk in enumerate(chunks)
        ]
        entries.append((result_name("gather", 0), _RANGE_RESULTS.encode(result)))
        return self._advance("publish", 1, RANGE_COUNT.entry(1), *entries)

    def _advance(self, stage: str, units: int, *entries: Entry) -> bool:
        jobs = self.services.store.jobs
        opened = jobs.advance(self.request.ref, self.unit.stage, stage, units, *entries)
        if opened:
            self._announce(units)
        return opened

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
