"""``bigseg schedules``: exports of a segment that start by themselves."""

from typing import Annotated, Any, Final

import typer

from api.cli.arguments.resource_keys import encode_key
from api.cli.commands.schedule_options import ScheduleOptions
from api.cli.jobs.exports.options import WritingOptions
from api.cli.session.confirmation import Yes, confirm, require_answerable
from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import FIELDS, Table, moment

Key = Annotated[str, typer.Argument(metavar="KEY", help="The schedule's key.")]
_Cron = Annotated[
    str,
    typer.Option(
        metavar="EXPRESSION",
        help="Minute, hour, day of month, month, day of week, such as `0 2 * * *`.",
    ),
]
_LIST: Final = ("key", "cron", "time zone", "paused", "next run", "last run", "outcome", "reason")
_RUNS: Final = ("due", "started", "ended", "cause", "outcome", "keys", "export", "reason")


def register(app: typer.Typer) -> None:
    """Add the command group ``schedules``."""
    schedules = typer.Typer(
        help="Export a segment at set times, each of them once.", no_args_is_help=True
    )
    schedules.command("create")(with_options(_create))
    schedules.command("list")(with_options(_list))
    schedules.command("show")(with_options(_show))
    schedules.command("update")(with_options(_update))
    schedules.command("delete")(with_options(_delete))
    schedules.command("run")(with_options(_run))
    schedules.command("pause")(with_options(_pause))
    schedules.command("resume")(with_options(_resume))
    app.add_typer(schedules, name="schedules")


def _create(
    key: Key,
    target: SegmentOptions,
    options: ScheduleOptions,
    writing: WritingOptions,
    session: Session,
    cron: _Cron,
    *,
    paused: Annotated[bool, typer.Option("--paused", help="Do not run it until resumed.")] = False,
) -> None:
    """Create a schedule; its first run is at the first due time from now on."""
    body = {"key": key, "cron": cron, "paused": paused, **options.body(writing)}
    with session.open_connection() as connection:
        made = connection.create(f"{target.path}/export-schedules", body)
    _print(session, made)


def _list(target: SegmentOptions, session: Session) -> None:
    """List the schedules of a segment: their next runs, and how the last ones ended."""
    with session.open_connection() as connection:
        items = connection.get(f"{target.path}/export-schedules")["items"]
    rows = [_row(item) for item in items]
    title = f"Export schedules of {target.segment}"
    session.show(items, Table(title, _LIST, rows, frozenset({"key", "cron"})))


def _show(key: Key, target: SegmentOptions, session: Session) -> None:
    """Show a schedule and its last runs."""
    with session.open_connection() as connection:
        _print(session, connection.get(_path(target, key)))


def _update(
    key: Key,
    target: SegmentOptions,
    options: ScheduleOptions,
    writing: WritingOptions,
    session: Session,
    cron: Annotated[str | None, typer.Option(metavar="EXPRESSION", help="When it is due.")] = None,
    *,
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Keep all of its files from now on.")
    ] = False,
) -> None:
    """Change a schedule; from then on no run starts with the old settings.

    If any option of the export is given, all of them are replaced.
    """
    body: dict[str, Any] = options.body(writing)
    if keep_all:
        body |= {"keepLast": None, "keepDays": None}
    if cron is not None:
        body["cron"] = cron
    _patch(key, target, session, body)


def _pause(key: Key, target: SegmentOptions, session: Session) -> None:
    """Pause a schedule: no run starts until it is resumed, and none is caught up."""
    _patch(key, target, session, {"paused": True})


def _resume(key: Key, target: SegmentOptions, session: Session) -> None:
    """Resume a schedule with the first due time from now on."""
    _patch(key, target, session, {"paused": False})


def _run(key: Key, target: SegmentOptions, session: Session) -> None:
    """Start an export now, as the schedule says; its due times stay as they are."""
    with session.open_connection() as connection:
        started = connection.post(f"{_path(target, key)}/run", None).json()
    session.say(f"export {started['exportId']} was started", started)


def _delete(key: Key, target: SegmentOptions, session: Session, *, yes: Yes = False) -> None:
    """Delete a schedule; exports that are running go on, and files stay."""
    require_answerable(yes=yes, what="deleting a schedule")
    if not yes:
        confirm(f"This deletes the export schedule {key} of segment {target.segment}.", key)
    with session.open_connection() as connection:
        connection.delete(_path(target, key))
    session.say(f"schedule {key} is deleted", {"deleted": key})


def _patch(key: str, target: SegmentOptions, session: Session, body: dict[str, Any]) -> None:
    with session.open_connection() as connection:
        _print(session, connection.patch(_path(target, key), body))


def _path(target: SegmentOptions, key: str) -> str:
    return f"{target.path}/export-schedules/{encode_key(key)}"


def _row(schedule: dict[str, Any]) -> tuple[object, ...]:
    last: dict[str, Any] = next(iter(schedule["runs"]), {})
    return (
        schedule["key"],
        schedule["cron"],
        schedule["timeZone"],
        schedule["paused"],
        moment(schedule["nextRunAt"]),
        moment(last.get("dueAt")),
        last.get("status"),
        last.get("reason"),
    )


def _print(session: Session, schedule: dict[str, Any]) -> None:
    options = [(name, value) for name, value in schedule["export"].items() if value]
    rows = [
        ("cron", schedule["cron"]),
        ("time zone", schedule["timeZone"]),
        ("paused", schedule["paused"]),
        ("next run", moment(schedule["nextRunAt"])),
        *options,
        ("keep last", schedule["keepLast"]),
        ("keep days", schedule["keepDays"]),
        ("version", schedule["version"]),
        ("created by", schedule["createdBy"]),
    ]
    tables = [Table(f"Export schedule {schedule['key']}", FIELDS, rows)]
    if schedule["runs"]:
        runs = [_run_row(run) for run in schedule["runs"]]
        tables.append(Table("Last runs", _RUNS, runs, frozenset({"export"})))
    session.show(schedule, *tables)


def _run_row(run: dict[str, Any]) -> tuple[object, ...]:
    return (
        moment(run["dueAt"]),
        moment(run["startedAt"]),
        moment(run["endedAt"]),
        run["cause"].replace("_", " "),
        run["status"],
        run["rows"],
        run["exportId"],
        run["reason"],
    )
