"""Schedules of exports as callers send and see them."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from api.bodies.models import Flag, Int32, Int64, StrictBody, WireModel, null_is
from api.errors import InvalidRequest
from api.jobs.exports.options import ExportBody
from worker.dated_prefixes import find_fault
from worker.options.exports import ExportOptions
from worker.store import ExportSchedule, Retention, ScheduleRun
from worker.timetables import (
    LONGEST_EXPRESSION,
    LONGEST_ZONE,
    Timetable,
    TimetableRefused,
    ZoneRefused,
)

#: The same as for the keys of other resources.
KEY_PATTERN: Final = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$"
_MOST_RUNS: Final = 1_000
_MOST_DAYS: Final = 3_650
#: The time zone of a schedule that names none.
_UTC: Final = "UTC"

Cron = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_EXPRESSION,
        description="Minute, hour, day of month, month and day of week, as in a crontab.",
        examples=["0 2 * * *"],
    ),
]
Zone = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_ZONE,
        description="The IANA name of the time zone in which `cron` is read.",
        examples=["Europe/Berlin"],
    ),
    null_is(_UTC),
]
KeepLast = Annotated[
    Int32 | None,
    Field(
        ge=1,
        le=_MOST_RUNS,
        strict=True,
        description="Only the files of this many runs are kept, the newest; null keeps all.",
    ),
]
KeepDays = Annotated[
    Int32 | None,
    Field(
        ge=1,
        le=_MOST_DAYS,
        strict=True,
        description="Files are kept for this many days, of at most 1,000 runs; null keeps all.",
    ),
]


def _require_placeholders(body: ExportBody) -> ExportBody:
    destination = body.options.destination
    fault = None if destination is None else find_fault(destination)
    if fault is not None:
        message = f"destination: {fault}"
        raise ValueError(message)
    return body


Export = Annotated[
    ExportBody,
    Field(
        description="What an export is asked for. In its destination, `{date}`, `{time}`, "
        "`{segment}` and others stand for what they are at each run.",
    ),
    AfterValidator(_require_placeholders),
]


class NewScheduleBody(StrictBody):
    """A new schedule."""

    key: Annotated[
        str, Field(pattern=KEY_PATTERN, description="Names the schedule within its segment.")
    ]
    cron: Cron
    time_zone: Zone = _UTC
    export: Export = Field(default_factory=ExportBody)
    keep_last: KeepLast = None
    keep_days: KeepDays = None
    paused: Flag = False

    @property
    def keep(self) -> Retention:
        """Which files are kept."""
        return Retention(self.keep_last, self.keep_days)


class SchedulePatch(StrictBody):
    """The fields that change; a field that is left out stays as it is."""

    cron: Cron | None = None
    time_zone: Zone | None = None
    export: Export | None = None
    keep_last: KeepLast = None
    keep_days: KeepDays = None
    paused: Annotated[bool | None, Field(strict=True)] = None
    version: Annotated[
        Int32 | None,
        Field(ge=1, description="Change it only if it has this version."),
    ] = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set - {"version"}:
            raise ValueError("send at least one field that is to be changed")
        return self

    def changes(self, current: ExportSchedule) -> dict[str, Any]:
        """The fields of the record that change, with their new values."""
        sent = self.model_fields_set
        keep = Retention(
            self.keep_last if "keep_last" in sent else current.keep.last,
            self.keep_days if "keep_days" in sent else current.keep.days,
        )
        wanted: dict[str, Any] = {
            "cron": self.cron or current.cron,
            "time_zone": self.time_zone or current.time_zone,
            "options": current.options if self.export is None else self.export.options,
            "keep": keep,
            "paused": current.paused if self.paused is None else self.paused,
        }
        return {name: new for name, new in wanted.items() if new != getattr(current, name)}


class RunRepresentation(WireModel):
    """One run of a schedule."""

    export_id: str
    due_at: Int64
    """When it was due; of one started by hand, when that was."""
    started_at: Int64
    ended_at: Int64 | None
    cause: Literal["due", "caught_up", "manual"]
    passed_over: Int32
    """Due times before it that were missed and have no run; at most 1,000 are counted."""
    status: Literal["running", "complete", "stopped"]
    reason: str | None
    """Why it was stopped."""
    rows: Int64 | None


class ScheduleFields(WireModel):
    """What every dialect shows of a schedule."""

    key: str
    cron: str
    time_zone: str
    export: ExportBody
    keep_last: Int32 | None
    keep_days: Int32 | None
    paused: bool
    version: Int32
    created_at: Int64
    modified_at: Int64
    created_by: str
    next_run_at: Int64 | None
    """When it is due next; null while it is paused, or if that never comes."""
    runs: list[RunRepresentation]
    """The last ten, and those that have not ended; the newest first."""


def schedule_fields(schedule: ExportSchedule) -> dict[str, Any]:
    """The fields of a schedule's representation."""
    return {
        "key": schedule.key,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "export": describe_options(schedule.options),
        "keep_last": schedule.keep.last,
        "keep_days": schedule.keep.days,
        "paused": schedule.paused,
        "version": schedule.version,
        "created_at": schedule.created_ms,
        "modified_at": schedule.modified_ms,
        "created_by": schedule.created_by,
        "next_run_at": None if schedule.paused else schedule.next_ms,
        "runs": [_represent(run) for run in schedule.runs],
    }


def describe_options(options: ExportOptions) -> ExportBody:
    """The options of an export as a caller would ask for them."""
    return ExportBody.model_validate(
        {
            field.alias or name: getattr(options, name)
            for name, field in ExportBody.model_fields.items()
        }
    )


def parse_timetable(cron: str, zone: str, least_s: int) -> Timetable:
    """Read when a schedule is due, and check that it is not too often.

    Args:
        cron: The expression.
        zone: The time zone.
        least_s: The least time between two runs.

    Raises:
        InvalidRequest: it cannot be read, or is due too often.
    """
    try:
        table = Timetable.parse(cron, zone)
    except ZoneRefused as exc:
        raise InvalidRequest(f"timeZone: {exc}") from exc
    except TimetableRefused as exc:
        raise InvalidRequest(f"cron: {exc}") from exc
    if table.least_gap_s() < least_s:
        raise InvalidRequest(
            f"cron: {table.expression!r} is due after {table.least_gap_s()} seconds at times: "
            f"leave at least {least_s} between two runs, or lower BIGSEG_SCHEDULE_GAP_S"
        )
    return table


def _represent(run: ScheduleRun) -> RunRepresentation:
    return RunRepresentation(
        export_id=run.export_id,
        due_at=run.due_ms,
        started_at=run.started_ms,
        ended_at=run.ended_ms,
        cause=run.cause,
        passed_over=run.passed_over,
        status=run.status,
        reason=run.reason,
        rows=run.rows,
    )
