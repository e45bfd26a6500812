"""Starts the export of a run: claimed with its record in one step, then announced."""

import logging
from dataclasses import replace

from worker.jobs.services import Services
from worker.objects import DestinationNotAllowed, parse_destination
from worker.schedules.planning import DueRun, follow_clock, plan_run
from worker.store import ExportRequest, JobNotFound, JobRef, UnreadableRecord
from worker.store.schedules import ScheduleRun, StoredSchedule
from worker.store.workflows import (
    admit_export,
    announce_schedule_failure,
    record_scheduled_start,
    scheduled_export,
)

logger = logging.getLogger("bigseg.schedules")


def start_due(services: Services, stored: StoredSchedule) -> bool:
    """Start what is due of a schedule, once, whoever else looks at it.

    Returns:
        Whether an export was started.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    now_ms, schedules = services.clock_ms(), services.store.export_schedules
    earlier = follow_clock(stored.value, now_ms)
    if earlier is not None:
        logger.warning("schedule.clock", extra={"schedule": stored.value.field, "now_ms": now_ms})
        schedules.replace(stored, earlier)
        return False  # what is due by that clock is looked for in the next turn
    due = plan_run(stored.value, now_ms)
    if due is None:
        return False
    request = scheduled_export(stored.value, due.run)
    try:
        _require_allowed(services, request)
    except DestinationNotAllowed as exc:
        _refuse(services, stored, due, str(exc))
        return False
    claimed = schedules.claim(stored, due.schedule, request)
    if claimed == "gone":
        schedules.forget(stored.value.list_ref)
    elif claimed == "ran":
        schedules.replace(stored, due.skipped)
    elif claimed != "changed":
        facts = {"job": str(request.ref), "schedule": stored.value.field, "cause": due.run.cause}
        logger.info("schedule.started", extra=facts)
        announce_new(services, claimed)
        return True
    return False


def announce_new(services: Services, stored: StoredSchedule) -> StoredSchedule:
    """Announce each run that has started and is not yet marked as announced.

    A process may have died before it could announce it. Safe to repeat and to interrupt.

    Returns:
        The schedule as it is now.
    """
    for run in stored.value.runs:
        if run.announced or run.status != "running":
            continue
        try:
            request = services.store.jobs.request(_ref(stored, run))
        except (JobNotFound, UnreadableRecord):
            continue  # settling notes how it ended
        if isinstance(request, ExportRequest):
            _announce(services, run, request)
        changed = stored.value.with_run(replace(run, announced=True))
        stored = services.store.export_schedules.replace(stored, changed) or stored
    return stored


def _announce(services: Services, run: ScheduleRun, request: ExportRequest) -> None:
    admit_export(services.store, request)
    if run.cause != "manual":  # else the audit log already names who started it
        record_scheduled_start(services.store, run, request)
    services.announce(request.ref, 1)


def _require_allowed(services: Services, request: ExportRequest) -> None:
    """Check the destination again: the setting may have changed since the schedule was made."""
    if request.options.destination is not None:
        settings = services.settings
        parse_destination(request.options.destination, settings.destinations, inbox=settings.inbox)


def _refuse(services: Services, stored: StoredSchedule, due: DueRun, reason: str) -> None:
    """Note that a run cannot be started."""
    ended = due.run.end("stopped", due.run.started_ms, reason=reason)
    announce_schedule_failure(services.store, stored.value, ended)
    if services.store.export_schedules.replace(stored, due.skipped.with_run(ended)):
        facts = {"schedule": stored.value.field, "reason": reason}
        logger.warning("schedule.refused", extra=facts)


def _ref(stored: StoredSchedule, run: ScheduleRun) -> JobRef:
    return JobRef("export", stored.value.env, run.export_id)
