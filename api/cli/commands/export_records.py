"""``bigseg exports …``: what became of exports, their files and links, and how to end one."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli.arguments.durations import parse_duration
from api.cli.errors import UsageError
from api.cli.jobs.downloading import describe_part, download
from api.cli.jobs.interrupts import explain_interrupt
from api.cli.jobs.job_lists import JobSelection, JobTable, show_jobs
from api.cli.jobs.outputs import is_standard_output, open_output
from api.cli.session.options import EnvironmentOptions, SegmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import Table, moment
from api.progress.display import ProgressDisplay

_ExportId = Annotated[str, typer.Argument(metavar="ID", help="The export's id.")]
_COLUMNS: Final = ("id", "status", "percent", "format", "side", "created", "files", "keys", "size")


def register(app: typer.Typer) -> None:
    """Add the commands below ``exports``."""
    exports = typer.Typer(
        help="Show exports, download or link their files, cancel them.", no_args_is_help=True
    )
    exports.command("list")(with_options(_list))
    exports.command("show")(with_options(_show))
    exports.command("files")(with_options(_files))
    exports.command("download")(with_options(_download))
    exports.command("cancel")(with_options(_cancel))
    app.add_typer(exports, name="exports")


def _list(
    target: EnvironmentOptions,
    selection: JobSelection,
    session: Session,
    file_format: Annotated[
        str | None, typer.Option("--format", help="Only of this format, such as csv.")
    ] = None,
) -> None:
    """List exports, newest first, as long as they are on record.

    These are the last 100 of a segment, or the last 1,000 of an environment.
    """
    table = JobTable("exports", "Exports of", _COLUMNS, _row)
    show_jobs(session, target, selection, table, format=file_format)


def _show(export_id: _ExportId, target: SegmentOptions, session: Session) -> None:
    """Show one export: how far it is, or how it ended."""
    with session.open_connection() as connection:
        job = connection.get(target.export_path(export_id))
    result = job["result"] or {}
    rows = list(zip(_COLUMNS, _row(job), strict=True))
    rows += [
        ("reason", job["reason"]),
        ("revision", result.get("revision")),
        ("as of", moment(result.get("asOf"))),
        ("sha256", result.get("sha256")),
        ("deleted", result.get("deleted")),
        ("deleted at", moment(result.get("expirationTime"))),
        ("address", result.get("address")),
    ]
    shown = [(name, value) for name, value in rows if value is not None]
    session.show(job, Table(f"Export {export_id}", ("field", "value"), shown))


def _files(
    export_id: _ExportId,
    target: SegmentOptions,
    session: Session,
    expires_in: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Add URLs that let anybody download the files for this long: 1h, at most 7d.",
            show_default="no URLs",
        ),
    ] = None,
) -> None:
    """List the files of a complete export, with digests and, if asked for, URLs."""
    parameters = {}
    if expires_in is not None:
        parameters["expiresIn"] = parse_duration(expires_in, "--expires-in")
    with session.open_connection() as connection:
        files = connection.get_all(f"{target.export_path(export_id)}/files", **parameters)
    columns = ("filename", "rows", "size", "sha256", "address", "url")
    rows = [
        tuple(file[name] for name in ("filename", "rows", "sizeBytes", "sha256", "address", "url"))
        for file in files
    ]
    session.show(files, Table(f"Files of export {export_id}", columns, rows, frozenset({"url"})))


def _download(
    export_id: _ExportId,
    target: SegmentOptions,
    session: Session,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; standard output if unset or `-`."),
    ] = None,
    part: Annotated[int, typer.Option(help="Which part of an export of parts.", min=1)] = 1,
) -> None:
    """Download a file of a complete export, as long as it is kept."""
    to_file = not is_standard_output(output)
    if session.as_json and not to_file:
        raise UsageError("--json needs --output FILE: both would write to standard output")
    path = target.export_path(export_id)
    with (
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
        open_output(output) as write,
        explain_interrupt(f"interrupted: {describe_part(output, 'file')}"),
    ):
        files = connection.get(f"{path}/files", limit=1, offset=part - 1)["items"]
        if not files:
            raise UsageError(f"export {export_id} has no part {part}")
        file = files[0]
        download(connection, file["download"], write, display, sha256=file["sha256"])
    if to_file:
        session.say(f"{file['rows']:,} keys in {output}", file)


def _cancel(export_id: _ExportId, target: SegmentOptions, session: Session) -> None:
    """Cancel an export that is at work, or delete the files of a complete one."""
    path = target.export_path(export_id)
    with session.open_connection() as connection:
        connection.delete(path)
        job = connection.get(path)
    ended = "is cancelled" if job["status"] == "stopped" else "has its files deleted"
    session.say(f"export {export_id} {ended}", job)


def _row(job: dict[str, Any]) -> tuple[object, ...]:
    result = job["result"] or {}
    return (
        job["id"],
        job["status"],
        job["progress"]["percent"],
        job["format"],
        job["options"]["side"],
        moment(job["creationTime"]),
        result.get("files"),
        job["rows"],
        job["size"],
    )
