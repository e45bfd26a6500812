"""``…/export-schedules``: exports of a segment that start by themselves."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from api.access.auth import Caller
from api.audit import audit_segment
from api.bodies.models import Int32, WireModel
from api.errors import Conflict, KeyReused, KeyTaken, NotFound, PreconditionFailed
from api.jobs.documentation import DIFFERENT_KEY_USE, location_header
from api.jobs.exports.starting import start_export
from api.jobs.idempotency import IdempotencyKeyOf
from api.jobs.starting import Start
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.links import PREFIX, Links, SegmentPath, link
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, WRITE, Refusals, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.schedules.changing import (
    change_schedule,
    claim_now,
    create_schedule,
    delete_schedule,
    require_allowed,
    summarise_schedule,
)
from api.schedules.models import (
    KEY_PATTERN,
    NewScheduleBody,
    ScheduleFields,
    SchedulePatch,
    schedule_fields,
)
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import ExportRequest, ExportSchedule, Segment, Store, Summary

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/export-schedules", tags=["Segments"])

_NO_SCHEDULE: Final[Refusals] = {
    NotFound: "The project, the environment, the segment or the schedule does not exist."
}
ScheduleKey = Annotated[
    str,
    Path(description="The schedule's key.", json_schema_extra={"pattern": KEY_PATTERN}),
]


class ScheduleRepresentation(ScheduleFields):
    """A schedule of exports."""

    segment_key: str
    links: Links = Field(alias="_links")


class ScheduleCollection(WireModel):
    """The schedules of a segment."""

    items: list[ScheduleRepresentation]
    total_count: Int32
    links: Links = Field(alias="_links")


class RunStarted(WireModel):
    """The run that was started by hand."""

    export_id: str
    links: Links = Field(alias="_links")


@router.post(
    "",
    operation_id="createBigSegmentExportSchedule",
    status_code=201,
    response_model=ScheduleRepresentation,
    dependencies=[RequireJson],
)
@operation(
    needs=WRITE,
    refuses={
        **NO_SEGMENT,
        KeyTaken: "The segment has a schedule with this key.",
    },
)
def create(
    body: NewScheduleBody, path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Export a segment at set times, each of them once.

    The first run is at the first due time from now on. Of several that are missed the last one is
    caught up. Where clocks go forward, a skipped time of day is due when the skipped hour is over;
    where they go back, a time of day that comes twice is due the first time.
    """
    segment = find_big_segment(services.store(), path)
    schedule = create_schedule(services, caller, segment, body)
    _record(services, caller, segment, "create", "created an export schedule of", after=schedule)
    shown = represent_schedule(path, schedule)
    location = {"Location": shown.links["self"]["href"]}
    return JSONResponse(shown.model_dump(mode="json"), status_code=201, headers=location)


@router.get("", operation_id="getBigSegmentExportSchedules")
@operation(needs=READ, refuses=NO_SEGMENT)
def list_schedules(path: SegmentPathOf, services: ServicesOf) -> ScheduleCollection:
    """List the export schedules of a segment by their keys: next and last runs, and their state."""
    store = services.store()
    found = store.export_schedules.read_of(find_big_segment(store, path).ref)
    items = [represent_schedule(path, one.value) for one in found]
    links = {"self": link(f"{path.href}/export-schedules"), "parent": link(path.href)}
    return ScheduleCollection(items=items, total_count=len(items), links=links)


@router.get("/{scheduleKey}", operation_id="getBigSegmentExportSchedule")
@operation(needs=READ, refuses=_NO_SCHEDULE)
def get(
    path: SegmentPathOf,
    scheduleKey: ScheduleKey,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> ScheduleRepresentation:
    """Get an export schedule: when it is due next, and how its last runs ended."""
    store = services.store()
    found = store.export_schedules.get(find_big_segment(store, path).ref, scheduleKey)
    return represent_schedule(path, found.value)


@router.patch(
    "/{scheduleKey}",
    operation_id="patchBigSegmentExportSchedule",
    dependencies=[RequireJson],
)
@operation(
    needs=WRITE,
    refuses={
        **_NO_SCHEDULE,
        PreconditionFailed: "The schedule does not have the `version` that was sent.",
        Conflict: "The schedule keeps changing; try again.",
    },
)
def patch(
    body: SchedulePatch,
    path: SegmentPathOf,
    scheduleKey: ScheduleKey,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> ScheduleRepresentation:
    """Change, pause or resume an export schedule.

    After this answer no run starts with the old settings. What was due during a pause is not caught
    up.
    """
    segment = find_big_segment(services.store(), path)
    before, after = change_schedule(services, segment.ref, scheduleKey, body)
    if after != before:
        verb = "changed an export schedule of"
        _record(services, caller, segment, "update", verb, before=before, after=after)
    return represent_schedule(path, after)


@router.delete(
    "/{scheduleKey}",
    operation_id="deleteBigSegmentExportSchedule",
    status_code=204,
    dependencies=[RequireNoBody],
)
@operation(
    needs=WRITE,
    refuses={**_NO_SCHEDULE, Conflict: "The schedule keeps changing; try again."},
)
def delete(
    path: SegmentPathOf,
    scheduleKey: ScheduleKey,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Delete an export schedule. Exports that are running go on, and files stay."""
    segment = find_big_segment(services.store(), path)
    gone = delete_schedule(services.store(), segment.ref, scheduleKey)
    _record(services, caller, segment, "delete", "deleted an export schedule of", before=gone)
    return Response(status_code=204)


@router.post(
    "/{scheduleKey}/run",
    operation_id="runBigSegmentExportSchedule",
    response_model=RunStarted,
    responses={
        200: {
            "description": "The export was accepted.",
            "headers": location_header(f"{PREFIX}/segments/.+", "export"),
        }
    },
    dependencies=[RequireNoBody],
)
@operation(
    needs=WRITE,
    refuses={
        **_NO_SCHEDULE,
        Conflict: "A request with this `Idempotency-Key` is under way, or the schedule keeps "
        "changing; try again.",
        KeyReused: DIFFERENT_KEY_USE,
    },
)
def run(
    path: SegmentPathOf,
    scheduleKey: ScheduleKey,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
    key: IdempotencyKeyOf,
) -> Response:
    """Start an export now, as the schedule says, even if it is paused.

    It counts as one of the schedule's runs, and does not change when the schedule is due.
    """
    segment = find_big_segment(services.store(), path)
    stored = services.store().export_schedules.get(segment.ref, scheduleKey)
    require_allowed(services, stored.value)

    def claim(store: Store, request: ExportRequest) -> None:
        claim_now(store, stored, request)

    start = _start(services, caller, segment, key, path)
    return start_export(stored.value.options, start, claim, of=stored.value.id)


def represent_schedule(path: SegmentPath, schedule: ExportSchedule) -> ScheduleRepresentation:
    """A schedule as this dialect shows it."""
    own = f"{path.href}/export-schedules/{schedule.key}"
    links = {"self": link(own), "parent": link(path.href)}
    if schedule.runs:
        links["lastExport"] = link(path.export(schedule.runs[0].export_id))
    fields = schedule_fields(schedule)
    return ScheduleRepresentation(segment_key=path.segment, links=links, **fields)


def _start(
    services: Services, caller: Caller, segment: Segment, key: str | None, path: SegmentPath
) -> Start:
    def record(action: str, verb: str, after: Summary) -> None:
        audit_segment(services, caller, segment, action=action, verb=verb, after=after)

    respond = partial(_respond, path)
    return Start(services, caller, segment.ref, key, respond, record, f"segment {segment.key}")


def _respond(path: SegmentPath, export_id: str) -> Response:
    href = path.export(export_id)
    shown = RunStarted(export_id=export_id, links={"export": link(href)})
    return JSONResponse(shown.model_dump(mode="json"), headers={"Location": href})


def _record(
    services: Services,
    caller: Caller,
    segment: Segment,
    action: str,
    verb: str,
    *,
    before: ExportSchedule | None = None,
    after: ExportSchedule | None = None,
) -> None:
    audit_segment(
        services,
        caller,
        segment,
        action=f"{action}BigSegmentExportSchedule",
        verb=f"{verb} the segment",
        before=None if before is None else summarise_schedule(before),
        after=None if after is None else summarise_schedule(after),
    )
