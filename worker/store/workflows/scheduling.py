"""Exports that a schedule asks for: what they are, and how their start is put on record."""

from dataclasses import replace
from typing import Final

from worker.dated_prefixes import Filling
from worker.store.audit import Change, segment_resource
from worker.store.errors import EnvironmentNotFound, ProjectNotFound, SegmentNotFound
from worker.store.jobs.records import ExportRequest
from worker.store.schedules import ExportSchedule, ScheduleRun
from worker.store.store import Store
from worker.timetables import Timetable

#: What an export's start is on record as, in LaunchDarkly's words and ours.
_ACTION: Final = "createBigSegmentExport"
_VERB: Final = "started a scheduled export of the segment"


def initiator_of(schedule: ExportSchedule) -> str:
    """Who starts its exports, in records and in the audit log."""
    return f"schedule {schedule.key}"


def scheduled_export(
    schedule: ExportSchedule, run: ScheduleRun, *, initiator: str | None = None
) -> ExportRequest:
    """The export of a run, its destination filled in; whether that is allowed is not checked.

    Args:
        schedule: The schedule.
        run: The run.
        initiator: Who has started it by hand.
    """
    options, ref = schedule.options, schedule.list_ref
    if options.destination is not None:
        filling = Filling(
            due=Timetable(schedule.cron, schedule.time_zone).local(run.due_ms),
            project=ref.project,
            environment=ref.environment,
            segment=ref.segment,
            schedule=schedule.key,
            export_id=run.export_id,
        )
        options = replace(options, destination=filling.fill(options.destination))
    return ExportRequest(
        run.export_id, ref, run.started_ms, options, initiator or initiator_of(schedule)
    )


def record_scheduled_start(store: Store, run: ScheduleRun, request: ExportRequest) -> None:
    """Put on record that a schedule has started an export, once. Safe to repeat.

    Cost: two round trips.
    """
    ref = request.list_ref
    try:
        name = store.segments.get(ref.env, ref.segment).name
    except (SegmentNotFound, EnvironmentNotFound, ProjectNotFound):
        name = ref.segment
    change = Change(
        actor=request.initiator,
        token_id="",
        actions=(_ACTION,),
        kind="segment",
        resource=segment_resource(ref.env, ref.segment),
        name=name,
        verb=_VERB,
        after={
            "exportId": request.export_id,
            "format": request.options.ending,
            "dueAt": run.due_ms,
            "cause": run.cause,
        },
    )
    store.audit.append_outcome(request.ref, "preparing", change)
