"""Work on an import: runs the stage of each unit, ends the import and frees what it used."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from worker.errors import TerminalError, TransientError
from worker.imports.building.gather import gather_range
from worker.imports.building.size import size_import
from worker.imports.composing.build import compose_range
from worker.imports.composing.plan import plan_composition
from worker.imports.planning.plan import plan_import
from worker.imports.publishing.publish import publish_import
from worker.imports.reading.scatter import scatter_chunk
from worker.imports.rejected_rows import keep_rejected_rows
from worker.imports.report import complete_report
from worker.imports.spill_store import SpillStore
from worker.imports.stage_run import StageRun
from worker.inbox import settle_import
from worker.jobs.progress import UnitProgress
from worker.jobs.services import Services
from worker.lists.errors import DecoderLost
from worker.store import Fenced, JobState, ListUnknown, SegmentNotFound
from worker.store.jobs import COUNTED, ImportRequest, Unit
from worker.store.lists import Published
from worker.store.workflows import (
    DELETED,
    is_deleted,
    reclaim_list,
    record_end,
    release_sources,
    why_lost,
)

logger = logging.getLogger("bigseg.imports")

_STAGES: Final[dict[str, Callable[[StageRun], Published | None]]] = {
    "plan": plan_import,
    "scatter": scatter_chunk,
    "size": size_import,
    "gather": gather_range,
    "publish": publish_import,
}
#: Of an import that is made of other lists.
_COMPOSED: Final[dict[str, Callable[[StageRun], Published | None]]] = {
    "plan": plan_composition,
    "gather": compose_range,
    "publish": publish_import,
}


class ImportWork:
    """Work on one import; see ``worker.jobs.runner``."""

    next_stages: Final[Mapping[str, str]] = {"scatter": "size", "gather": "publish"}

    def __init__(self, services: Services, request: ImportRequest) -> None:
        self._services = services
        self._request = request

    def do(self, unit: Unit, progress: UnitProgress) -> bool:
        """Do one unit, and complete the import once its revision is live."""
        published = self._published()
        if published is None:
            run = StageRun(self._services, self._request, unit, progress)
            stages = _STAGES if self._request.composition is None else _COMPOSED
            published = stages[unit.stage](run)
        if published is None:
            return True
        self._complete(published)
        return False

    def reason_to_stop(self, unit: Unit, error: TerminalError | TransientError) -> str | None:
        """Why the import is stopped by this error; ``None`` to try the unit again."""
        store, request = self._services.store, self._request
        match error:
            case Fenced():
                return why_lost(store, request)
            case SegmentNotFound() | ListUnknown() if is_deleted(store, request):
                return DELETED
            case TerminalError():
                return str(error)
            case DecoderLost() if unit.attempt > 1:
                # If the decoder is killed twice, the file may be the reason, by its use of memory.
                return str(error)
            case _:
                return None

    def stop(self, reason: str) -> None:
        """End the import and leave the live list as it was.

        When its revision turns out to be live, the import is complete instead.
        """
        store, request = self._services.store, self._request
        if store.builds.cancel(request.list_ref, request.import_id):
            published = self._published()
            if published is not None:
                self._complete(published)
                return
        keep_s = self._services.settings.job_retention_s
        ended = store.jobs.end(request.ref, "stopped", reason=reason, keep_s=keep_s)
        self.tidy_up()
        if ended:
            logger.warning("import.stopped", extra={"job": str(request.ref), "reason": reason})

    def tidy_up(self) -> None:
        """Free what an ended import used, record how it ended, and remove it from the active jobs.

        A sweep comes back to an import whose worker died before, or whose segment was
        deleted while it ran.
        """
        services, request = self._services, self._request
        if request.dry_run:
            services.store.builds.cancel(request.list_ref, request.import_id)
            reclaim_list(services.store, request.list_ref, services.retention)
        services.store.build_memory.release(request.ref)
        if request.sources:
            keep_rejected_rows(services, request)
            SpillStore(services.objects, services.settings.spill_dir, request).discard()
        if request.composition is not None:
            release_sources(services.store, request.import_id, request.composition.sources)
        for file in request.sources:
            if file.uploaded:
                services.objects.delete(file.key)
        if services.store.builds.cancelled_by(request.list_ref, request.import_id) is not None:
            # Nothing can be written to it any more. Who cancels wants the memory now.
            reclaim_list(services.store, request.list_ref, services.retention)
        record_end(services.store, request)
        if settle_import(services, request):
            services.store.jobs.forget(request.ref)

    def _published(self) -> Published | None:
        request = self._request
        return self._services.store.builds.published(request.list_ref, request.import_id)

    def _complete(self, published: Published) -> None:
        """End an import whose revision is live, or a dry run; the first report stays."""
        jobs, ref, now_ms = self._services.store.jobs, self._request.ref, self._services.clock_ms()
        counted = jobs.read(ref, COUNTED)
        draft = {} if counted is None else counted.report
        seconds = _stage_seconds(jobs.get(ref), now_ms)
        report = complete_report(draft, published, seconds, side=self._request.side)
        keep_s = self._services.settings.job_retention_s
        ended = jobs.end(ref, "complete", report=report, keep_s=keep_s)
        self.tidy_up()
        if ended:
            facts = {name: report.get(name) for name in ("rowsRead", "accepted", "rejected")}
            extra = {"job": str(ref), **facts}
            if self._request.dry_run:
                logger.info("import.tried", extra=extra)
            else:
                logger.info("import.published", extra=extra)


def _stage_seconds(state: JobState, now_ms: int) -> dict[str, float]:
    """Wall time of each stage, from the time it was last entered, and in total."""
    started_ms = state.progress.started_ms or state.request.created_ms
    # A stage may have been entered again after a later one.
    entered = sorted({**state.entered, "plan": started_ms}.items(), key=lambda moment: moment[1])
    ends_ms = [moment_ms for _, moment_ms in entered[1:]] + [now_ms]
    seconds = {
        stage: (end_ms - moment_ms) / 1000
        for (stage, moment_ms), end_ms in zip(entered, ends_ms, strict=True)
    }
    return seconds | {"total": (now_ms - started_ms) / 1000}
