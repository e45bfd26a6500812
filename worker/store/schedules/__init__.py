"""Schedules of exports: what is exported when, what was started, and which files are kept."""

from worker.store.schedules.records import (
    Cause,
    ExportSchedule,
    KeptFiles,
    Retention,
    ScheduleRun,
)
from worker.store.schedules.schedule_store import (
    MOST_KEPT,
    ExportScheduleStore,
    StoredSchedule,
)

__all__ = [
    "MOST_KEPT",
    "Cause",
    "ExportSchedule",
    "ExportScheduleStore",
    "KeptFiles",
    "Retention",
    "ScheduleRun",
    "StoredSchedule",
]
