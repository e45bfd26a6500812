"""What a schedule does next, by the clock alone."""

from dataclasses import dataclass, replace
from typing import Final

from worker.store.schedules import Cause, ExportSchedule, ScheduleRun
from worker.timetables import Timetable

#: Clocks of several hosts differ by less. One that is behind by more was set back, and what was
#: done by its earlier time is not done yet.
CLOCK_TOLERANCE_MS: Final = 60_000
#: A run that begins later than this after its due time was missed at first.
_LATE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run that is to be started now."""

    run: ScheduleRun
    schedule: ExportSchedule
    """The schedule once the run is started: its next due time, and the run among its runs."""
    skipped: ExportSchedule
    """The schedule if the run turns out to have been started before."""


def plan_run(schedule: ExportSchedule, now_ms: int) -> DueRun | None:
    """The run that is due, if any: of several due times that were missed the last one.

    Cost: negligible unless one is due, then a few milliseconds.
    """
    if schedule.paused or schedule.next_ms is None or now_ms < schedule.next_ms:
        return None
    table = Timetable(schedule.cron, schedule.time_zone)
    due_ms, following = schedule.next_ms, table.next_after(schedule.next_ms)
    if following is not None and following <= now_ms:
        due_ms = table.latest_by(now_ms) or due_ms
        following = table.next_after(due_ms)
    passed_over = 0
    if due_ms > schedule.next_ms:
        passed_over = 1 + table.count_between(schedule.next_ms, due_ms)
    cause: Cause = "caught_up" if now_ms - due_ms > _LATE_MS or passed_over else "due"
    run = ScheduleRun(schedule.run_id(due_ms), due_ms, now_ms, cause, passed_over)
    skipped = replace(schedule, checked_ms=due_ms, next_ms=following)
    return DueRun(run, skipped.with_run(run), skipped)


def follow_clock(schedule: ExportSchedule, now_ms: int) -> ExportSchedule | None:
    """The schedule after the clock was set back; ``None`` if it was not.

    Due times that come once more are due again; those that have a run are recognised by its id.
    """
    if schedule.paused or now_ms >= schedule.checked_ms - CLOCK_TOLERANCE_MS:
        return None
    table = Timetable(schedule.cron, schedule.time_zone)
    return replace(schedule, checked_ms=now_ms, next_ms=table.next_after(now_ms))
