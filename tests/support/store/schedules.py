"""Schedules of exports."""

import secrets
from typing import Any

from worker.options.exports import ExportOptions
from worker.store import ExportSchedule, ListRef, Retention, ScheduleRun
from worker.timetables import Timetable


def new_schedule(
    ref: ListRef, key: str = "nightly", *, now_ms: int = 0, **fields: Any
) -> ExportSchedule:
    """A schedule that is due each minute unless told otherwise, and has not been looked at yet."""
    known: dict[str, Any] = {
        "env": ref.env,
        "segment": ref.segment,
        "generation": ref.generation,
        "key": key,
        "id": secrets.token_hex(8),
        "cron": "* * * * *",
        "time_zone": "UTC",
        "options": ExportOptions(),
        "keep": Retention(),
        "paused": False,
        "version": 1,
        "created_ms": now_ms,
        "modified_ms": now_ms,
        "created_by": "ann",
        "checked_ms": now_ms,
    }
    known |= fields
    table = Timetable(known["cron"], known["time_zone"])
    return ExportSchedule(**known, next_ms=table.next_after(now_ms))


def run_of(schedule: ExportSchedule, due_ms: int) -> ScheduleRun:
    """The run of a due time."""
    return ScheduleRun(schedule.run_id(due_ms), due_ms, due_ms, "due")
