"""Notes how the runs of a schedule ended, and deletes the files that it no longer keeps."""

import logging
from typing import Final

from worker.errors import TerminalError
from worker.jobs.export_place import ExportPlace
from worker.jobs.services import Services
from worker.store import ExportRequest, JobNotFound, JobRef, UnreadableRecord
from worker.store.schedules import MOST_KEPT, ExportSchedule, KeptFiles, ScheduleRun, StoredSchedule
from worker.store.workflows import announce_schedule_failure, cancel_export, initiator_of

logger = logging.getLogger("bigseg.schedules")

_DAY_MS: Final = 86_400_000
#: The least time between two looks at the age of a schedule's files.
_LOOK_EVERY_MS: Final = 3_600_000


def settle(services: Services, stored: StoredSchedule) -> StoredSchedule:
    """Note which runs have ended since, and how. Safe to repeat and to interrupt.

    Returns:
        The schedule as it is now.
    """
    changed, ended = stored.value, False
    for run in stored.value.runs:
        if run.status != "running":
            continue
        after = _look_at(services, stored.value, run)
        if after is not None:
            if after.status == "stopped":
                announce_schedule_failure(services.store, stored.value, after)
            changed, ended = changed.with_run(after), True
    if not ended:
        return stored
    return services.store.export_schedules.replace(stored, changed) or stored


def delete_outdated(services: Services, stored: StoredSchedule) -> int:
    """Delete the files that a schedule no longer keeps, and none but its own.

    The names of its files contain the ids of its exports. Safe to repeat.

    Returns:
        Runs whose files were deleted.
    """
    schedule, gone = stored.value, 0
    if not schedule.keep.is_bounded or not _is_due(services, schedule):
        return 0
    kept = services.store.export_schedules.kept(schedule)
    for files in outdated(schedule, kept, services.clock_ms()):
        try:
            _delete(services, schedule, files)
        except TerminalError as exc:
            facts = {
                "schedule": schedule.field,
                "export": files.request.export_id,
                "reason": str(exc),
            }
            logger.warning("schedule.files", extra=facts)
            continue
        services.store.export_schedules.drop(schedule, files)
        gone += 1
    return gone


def outdated(schedule: ExportSchedule, kept: list[KeptFiles], now_ms: int) -> list[KeptFiles]:
    """Which files of a schedule it no longer keeps.

    Args:
        schedule: The schedule.
        kept: The files that it has, the newest first.
        now_ms: Unix milliseconds.
    """
    keep = schedule.keep
    most = MOST_KEPT if keep.last is None else min(keep.last, MOST_KEPT)
    oldest_ms = 0 if keep.days is None else now_ms - keep.days * _DAY_MS
    return [files for n, files in enumerate(kept) if n >= most or files.written_ms < oldest_ms]


def _is_due(services: Services, schedule: ExportSchedule) -> bool:
    """Whether to look at the files now: after each run, and once an hour."""
    newest = next((run.export_id for run in schedule.runs if run.status == "complete"), "none")
    name = f"schedule:{schedule.id}:{schedule.version}:{newest}"
    return services.store.jobs.take_turn(name, _LOOK_EVERY_MS)


def _look_at(services: Services, schedule: ExportSchedule, run: ScheduleRun) -> ScheduleRun | None:
    """The run with its end; ``None`` while it has none."""
    ref = JobRef("export", schedule.env, run.export_id)
    try:
        state = services.store.jobs.get(ref)
    except (JobNotFound, UnreadableRecord) as exc:
        return run.end("stopped", services.clock_ms(), reason=str(exc))
    if state.ended_ms is None:
        return None
    if state.status != "complete" or state.report is None:
        return run.end("stopped", state.ended_ms, reason=state.reason)
    if schedule.keep.is_bounded and isinstance(state.request, ExportRequest):
        files = KeptFiles(state.request, state.ended_ms)
        services.store.export_schedules.keep(schedule, files)
    return run.end("complete", state.ended_ms, rows=state.report.get("rows"))


def _delete(services: Services, schedule: ExportSchedule, files: KeptFiles) -> None:
    try:
        # Upkeep deletes them, and the export's record says so.
        cancel_export(services.store, files.request, initiator_of(schedule))
    except JobNotFound:
        ExportPlace.of(services.objects.bucket, files.request).clear(services.objects)
