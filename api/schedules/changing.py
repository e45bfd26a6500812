"""Creating, changing and deleting schedules, and running one now."""

from dataclasses import replace

from api.access.auth import Caller
from api.errors import InvalidRequest, PreconditionFailed
from api.schedules.models import NewScheduleBody, SchedulePatch, parse_timetable
from api.services.services import Services
from worker.objects import DestinationNotAllowed, parse_destination
from worker.store import (
    ExportRequest,
    ExportSchedule,
    ListRef,
    ResourceChanged,
    ScheduleRun,
    Segment,
    SegmentNotFound,
    Store,
    StoredSchedule,
    Summary,
    admit_export,
    retry_on_change,
    scheduled_export,
)


def create_schedule(
    services: Services, caller: Caller, segment: Segment, body: NewScheduleBody
) -> ExportSchedule:
    """Create a schedule; its first run is at the first due time from now on.

    Raises:
        InvalidRequest: it is due too often, or its expression or its time zone cannot be read.
        ScheduleExists: or TooManySchedules, SegmentNotFound.
    """
    settings, now_ms = services.settings, services.clock()
    table = parse_timetable(body.cron, body.time_zone, settings.schedule_gap_s)
    schedule = ExportSchedule(
        env=segment.env,
        segment=segment.key,
        generation=segment.generation,
        key=body.key,
        id=services.ids(),
        cron=table.expression,
        time_zone=table.zone,
        options=body.export.options,
        keep=body.keep,
        paused=body.paused,
        version=1,
        created_ms=now_ms,
        modified_ms=now_ms,
        created_by=caller.name,
        checked_ms=now_ms,
        next_ms=table.next_after(now_ms),
    )
    require_allowed(services, schedule)
    return services.store().export_schedules.create(schedule, most=settings.schedules).value


def change_schedule(
    services: Services, ref: ListRef, key: str, patch: SchedulePatch
) -> tuple[ExportSchedule, ExportSchedule]:
    """Change a schedule; a run that was claimed before keeps the settings that it was claimed with.

    Returns:
        The schedule before and after; twice the same if nothing changes.

    Raises:
        PreconditionFailed: it does not have the version that the patch names.
        InvalidRequest: as :func:`create_schedule`.
        ScheduleNotFound: there is none.
        ResourceChanged: it changed during every attempt.
    """
    store = services.store()

    def attempt() -> tuple[ExportSchedule, ExportSchedule]:
        stored = store.export_schedules.get(ref, key)
        current = stored.value
        if patch.version not in {None, current.version}:
            raise PreconditionFailed(
                f"{current.name} has version {current.version}, not {patch.version}; read it again"
            )
        changes = patch.changes(current)
        if not changes:
            return current, current
        changed = _changed(services, current, replace(current, **changes))
        if changed.options != current.options:  # else it can be paused, whatever is allowed now
            require_allowed(services, changed)
        if store.export_schedules.replace(stored, changed) is None:
            raise ResourceChanged(f"{current.name} was changed at the same time")
        return current, changed

    return retry_on_change(f"schedule {key}", attempt)


def delete_schedule(store: Store, ref: ListRef, key: str) -> ExportSchedule:
    """Delete a schedule; exports that it has started go on, and files that it has written stay.

    Raises:
        ScheduleNotFound: there is none.
        ResourceChanged: it changed during every attempt.
    """

    def attempt() -> ExportSchedule:
        stored = store.export_schedules.get(ref, key)
        if not store.export_schedules.remove(stored):
            raise ResourceChanged(f"{stored.value.name} was changed at the same time")
        return stored.value

    return retry_on_change(f"schedule {key}", attempt)


def claim_now(store: Store, stored: StoredSchedule, request: ExportRequest) -> None:
    """Admit an export that somebody starts by hand, as one of the runs of a schedule.

    Args:
        store: The store.
        stored: The schedule as it was when the export was asked for.
        request: The export; its options are the schedule's, with placeholders not filled in.

    Raises:
        ResourceChanged: somebody changes the schedule at the same time.
        SegmentNotFound: the segment was deleted.
        ScheduleNotFound: the schedule was.
    """
    asked = stored.value

    def attempt() -> None:
        found = store.export_schedules.get(asked.list_ref, asked.key)
        if (found.value.id, found.value.version) != (asked.id, asked.version):
            raise ResourceChanged(f"{asked.name} was changed at the same time; read it again")
        run = ScheduleRun(request.export_id, request.created_ms, request.created_ms, "manual")
        filled = scheduled_export(found.value, run, initiator=request.initiator)
        claimed = store.export_schedules.claim(found, found.value.with_run(run), filled)
        if claimed == "changed":
            raise ResourceChanged(f"{asked.name} changes too fast; try again")
        if claimed == "gone":
            raise SegmentNotFound(f"segment {asked.segment} was deleted")
        admit_export(store, filled)

    retry_on_change(asked.name, attempt)


def require_allowed(services: Services, schedule: ExportSchedule) -> None:
    """Make sure that a schedule may write to its destination, as it would be if it were due now.

    Raises:
        InvalidRequest: it may not.
    """
    now_ms, settings = services.clock(), services.settings
    sample = ScheduleRun(schedule.run_id(now_ms), now_ms, now_ms, "due")
    destination = scheduled_export(schedule, sample).options.destination
    if destination is None:
        return
    try:
        parse_destination(destination, settings.destinations, inbox=settings.inbox)
    except DestinationNotAllowed as exc:
        raise InvalidRequest(f"export.destination: {exc}") from exc


def summarise_schedule(schedule: ExportSchedule) -> Summary:
    """What an audit entry says about a schedule."""
    return {
        "schedule": schedule.key,
        "cron": schedule.cron,
        "timeZone": schedule.time_zone,
        "format": schedule.options.ending,
        "destination": schedule.options.destination,
        "keepLast": schedule.keep.last,
        "keepDays": schedule.keep.days,
        "paused": schedule.paused,
        "version": schedule.version,
    }


def _changed(services: Services, current: ExportSchedule, wanted: ExportSchedule) -> ExportSchedule:
    """The wanted schedule with its next version, and its next due time if its times changed."""
    now_ms = services.clock()
    is_other = (current.cron, current.time_zone) != (wanted.cron, wanted.time_zone)
    least_s = services.settings.schedule_gap_s if is_other else 0
    table = parse_timetable(wanted.cron, wanted.time_zone, least_s)
    changed = replace(
        wanted, cron=table.expression, version=current.version + 1, modified_ms=now_ms
    )
    if not is_other and current.paused == wanted.paused:
        return changed
    # What was due during a pause, or would have been by the new times, is not caught up.
    return replace(changed, checked_ms=now_ms, next_ms=table.next_after(now_ms))
