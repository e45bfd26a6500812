"""``bigseg import``, ``bigseg approve`` and ``bigseg imports show``."""

from typing import Annotated, Any, Final, Literal

import typer

from api.cli.connection import Connection
from api.cli.errors import CommandError, ExitStatus
from api.cli.following import Watch, follow, watch_progress
from api.cli.list_files import open_list
from api.cli.options import SegmentOptions, with_options
from api.cli.refusals import speak_options
from api.cli.session import OutputFormat, Session
from api.cli.tables import FIELDS, Table

_S3: Final = "s3://"
_NOT_FOUND: Final = 404
_COUNTS: Final = (
    ("rows read", "rowsRead"),
    ("accepted", "accepted"),
    ("duplicates", "duplicates"),
    ("rejected", "rejected"),
    ("members before", "membersBefore"),
    ("added", "added"),
    ("removed", "removed"),
    ("unchanged", "unchanged"),
    ("members after", "membersAfter"),
)
_REJECTED_SHOWN: Final = 10
_WARNED_SHOWN: Final = 5


def register(app: typer.Typer) -> None:
    """Add the commands ``import``, ``approve`` and ``imports``."""
    app.command("import")(with_options(_import))
    app.command("approve")(with_options(_approve))
    imports = typer.Typer(help="Show imports.", no_args_is_help=True)
    imports.command("show")(with_options(_show))
    app.add_typer(imports, name="imports")


def _import(
    source: Annotated[
        str,
        typer.Argument(metavar="FILE|S3-URI", help="A CSV or Parquet list; `-` is standard input."),
    ],
    target: SegmentOptions,
    session: Session,
    mode: Annotated[
        Literal["merge", "replace"],
        typer.Option(help="Add the list to the segment, or replace its members."),
    ] = "merge",
    *,
    create: Annotated[bool, typer.Option(help="Create the segment if it is missing.")] = False,
    allow_empty: Annotated[
        bool, typer.Option(help="Let a list without keys empty the segment.")
    ] = False,
    allow_rejected: Annotated[
        bool, typer.Option(help="Import a list even if most of its rows are rejected.")
    ] = False,
    allow_shrink: Annotated[
        bool, typer.Option(help="Let a replace remove most of the segment's members.")
    ] = False,
    wait_for_approval: Annotated[
        bool, typer.Option(help="Prepare the import, but publish it only after `bigseg approve`.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait until the import has ended or waits for approval.")
    ] = True,
) -> None:
    """Import a list of context keys into a segment, from a file or from S3.

    Exits with status 1 if the import was stopped or if it accepted no keys.
    """
    flags = {
        "allowEmpty": allow_empty,
        "allowRejected": allow_rejected,
        "allowShrink": allow_shrink,
        "waitOnApprovals": wait_for_approval,
    }
    flags = {name: True for name, flag in flags.items() if flag}
    with (
        session.open_connection() as connection,
        watch_progress(quiet=session.hides_progress) as watch,
    ):
        if create:
            _ensure_segment(connection, target)
        location = _start(connection, target, source, mode, flags, watch)
        try:
            job = follow(connection, location, watch) if wait else connection.get(location)
        except KeyboardInterrupt as exc:
            import_id = location.rpartition("/")[2]
            typer.echo(
                f"the import continues; see `bigseg imports show {import_id} -s {target.segment}`",
                err=True,
            )
            raise typer.Exit(ExitStatus.INTERRUPTED) from exc
    _show_import(session, job)


def _approve(
    import_id: Annotated[str, typer.Argument(metavar="ID", help="The import's id.")],
    target: SegmentOptions,
    session: Session,
    *,
    wait: Annotated[bool, typer.Option(help="Wait until the import has ended.")] = True,
) -> None:
    """Publish an import that waits for an approval."""
    path = f"{target.path}/imports/{import_id}"
    instruction = {"kind": "processBigSegmentImport", "importId": import_id}
    with (
        session.open_connection() as connection,
        watch_progress(quiet=session.hides_progress) as watch,
    ):
        connection.instruct(target.path, instruction)
        job = follow(connection, path, watch) if wait else connection.get(path)
    _show_import(session, job)


def _show(
    import_id: Annotated[str, typer.Argument(metavar="ID", help="The import's id.")],
    target: SegmentOptions,
    session: Session,
) -> None:
    """Show one import: how far it is, or how it ended."""
    with session.open_connection() as connection:
        job = connection.get(f"{target.path}/imports/{import_id}")
    _show_import(session, job)


def _ensure_segment(connection: Connection, target: SegmentOptions) -> None:
    try:
        connection.get(target.path)
    except CommandError as exc:
        if exc.status != _NOT_FOUND:
            raise
        body = {"key": target.segment, "name": target.segment, "unbounded": True}
        connection.post(target.segments_path, body)


def _start(
    connection: Connection,
    target: SegmentOptions,
    source: str,
    mode: str,
    flags: dict[str, bool],
    watch: Watch,
) -> str:
    """Start the import; gives its path."""
    path = f"{target.path}/imports"
    if source.startswith(_S3):
        body = {"source": source, "mode": mode, **flags}
        return connection.location(connection.post(f"{path}/from-source", body))
    fields = {"mode": mode} | {name: str(flag).lower() for name, flag in flags.items()}
    with open_list(source, watch) as (file, name):
        return connection.upload(path, file, name, fields)


def _show_import(session: Session, job: dict[str, Any]) -> None:
    """Print an import; if it was stopped or accepted no key, the command has failed."""
    if not session.as_json:
        _print_sentences(session, job)
    session.show(job, *_tables(session, job))
    if job["status"] == "stopped":
        raise typer.Exit(ExitStatus.FAILED)
    if job["report"] is not None and job["report"]["accepted"] == 0:
        session.note("no key in the list was accepted")
        raise typer.Exit(ExitStatus.FAILED)


def _print_sentences(session: Session, job: dict[str, Any]) -> None:
    say = typer.echo if session.format is OutputFormat.TABLE else session.note
    say(f"import {job['id']} into {job['segmentKey']} ({job['mode']}): {job['status']}")
    previous = job.get("previousImport")
    if previous and previous["editsSince"] and job["mode"] == "replace":
        say(
            f"it replaces import {previous['id']} and {previous['editsSince']:,} later "
            f"edit{'s' * (previous['editsSince'] != 1)}"
        )
    if job["reason"]:
        say(f"reason: {speak_options(job['reason'])}")
    if job["status"] == "pending_approval":
        approve = f"bigseg approve {job['id']} -s {job['segmentKey']}"
        say(f"nothing of it is visible yet; publish it with `{approve}`")


def _tables(session: Session, job: dict[str, Any]) -> list[Table]:
    """The report for people; for programs one table with what the import is, too."""
    report = job["report"] or {}
    rows: list[tuple[object, ...]] = [
        (name, report.get(field)) for name, field in _COUNTS if job["report"] is not None
    ]
    rows += [(f"{stage} (s)", took) for stage, took in (report.get("seconds") or {}).items()]
    if session.format is OutputFormat.TSV:
        about = [(name, job[name]) for name in ("id", "status", "reason")]
        return [Table("", FIELDS, [*about, *rows])]
    tables = [Table("Report", FIELDS, rows)] if rows else []
    if sample := report.get("rejectedSample"):
        first = [(row["row"], row["reason"]) for row in sample[:_REJECTED_SHOWN]]
        tables.append(Table("First rejected rows", ("row", "reason"), first))
    if warnings := report.get("warnings"):
        found = [(each["count"], _list_rows(each), each["message"]) for each in warnings]
        tables.append(Table("Warnings", ("rows", "first", "what"), found))
    return tables


def _list_rows(warning: dict[str, Any]) -> str:
    return ", ".join(map(str, warning["rows"][:_WARNED_SHOWN]))
