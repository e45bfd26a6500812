"""One try at one unit, with what every stage asks for."""

from dataclasses import dataclass
from typing import Any, Final

from worker.imports.errors import ImportStopped
from worker.imports.plan import Plan
from worker.imports.spills import SpillStore
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Context
from worker.store.jobs.records import ImportRequest, JobRef, Unit
from worker.store.lists import Claim

#: Hints sent at once when a stage opens: more workers than this find work by the sweep.
MOST_HINTS: Final = 32


@dataclass(frozen=True, slots=True)
class StageRun:
    """One try at one unit."""

    context: Context
    request: ImportRequest
    unit: Unit
    progress: UnitProgress

    @property
    def spills(self) -> SpillStore:
        """The import's spills."""
        return SpillStore(self.context.objects, self.context.settings.spill_dir, self.request)

    def claim(self) -> Claim:
        """The import's claim; claiming again changes nothing."""
        request = self.request
        return self.context.store.builds.claim(
            request.list_ref, request.import_id, waits=request.waits
        )

    def plan(self) -> Plan:
        """The plan that the first stage left."""
        data = self.context.store.jobs.field(self.request.ref, "plan")
        if data is None:
            message = f"import {self.request.import_id} has lost its plan; import the list again"
            raise ImportStopped(message)
        return Plan.from_json(data)

    def results(self, stage: str, units: int) -> list[dict[str, Any]]:
        """Results of a finished stage."""
        return self.context.store.jobs.results(self.request.ref, stage, units)

    def done(self, result: dict[str, Any]) -> int | None:
        """Record this unit's result; how many units of the stage are left."""
        return self.context.store.jobs.finish(
            self.request.ref,
            self.unit,
            result,
            rows=self.progress.rows,
            size_bytes=self.progress.size_bytes,
        )

    def advance(self, stage: str, units: int) -> int:
        """Open the next stage; hints for its units if this call opened it."""
        opened = self.context.store.jobs.advance(
            self.request.ref,
            self.unit.stage,
            stage,
            units,
            entered=moments_with(self.context, self.request.ref, stage),
        )
        # The worker that opens a stage takes a unit itself.
        return min(MOST_HINTS, units - 1) if opened else 0

    def enter(self, stage: str) -> None:
        """Say which part of a small import is under way, and since when."""
        moments = moments_with(self.context, self.request.ref, stage)
        self.context.store.jobs.put_field(self.request.ref, "entered", moments)
        self.context.store.jobs.put_field(self.request.ref, "phase", stage)

    def seconds(self) -> dict[str, float]:
        """Wall time of each stage, from the moments they were entered last."""
        entered = self.context.store.jobs.field(self.request.ref, "entered") or {}
        state = self.context.store.jobs.get(self.request.ref)
        first = state.progress.started_ms or self.request.created_ms
        # A stage may have been entered again, behind one that comes after it.
        moments = [("plan", first), *sorted(entered.items(), key=lambda one: one[1])]
        ends = [moment for _, moment in moments[1:]] + [self.context.clock_ms()]
        return {
            name: (end - start) / 1000 for (name, start), end in zip(moments, ends, strict=True)
        }


def moments_with(context: Context, ref: JobRef, stage: str) -> dict[str, int]:
    """When each stage was entered last, Unix ms; this one now."""
    entered = context.store.jobs.field(ref, "entered") or {}
    return {**entered, stage: context.clock_ms()}
