"""``bigseg imports …``: what became of imports, and how to end or publish one that is at work."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.commands.imports import approve
from api.cli.errors import UsageError
from api.cli.jobs.downloading import describe_part, download
from api.cli.jobs.following import follow
from api.cli.jobs.import_reports import end_as, files_table, show_import
from api.cli.jobs.interrupts import describe_ongoing, explain_interrupt
from api.cli.jobs.job_lists import JobSelection, JobTable, show_jobs
from api.cli.jobs.outputs import is_standard_output, open_output
from api.cli.jobs.previews import count_table, key_table
from api.cli.jobs.terminal_text import escape_controls
from api.cli.session.options import EnvironmentOptions, SegmentOptions, with_options
from api.cli.session.session import Session
from api.cli.session.tables import moment
from api.progress.display import ProgressDisplay

_ImportId = Annotated[str, typer.Argument(metavar="ID", help="The import's id.")]
#: Files that a line of the list names.
_FILES_NAMED = 2
_COLUMNS = ("id", "status", "percent", "mode", "created", "files", "accepted", "rejected")


def register(app: typer.Typer) -> None:
    """Add the commands below ``imports``."""
    imports = typer.Typer(
        help="Show imports, wait for them, cancel or approve them.", no_args_is_help=True
    )
    imports.command("list")(with_options(_list))
    imports.command("show")(with_options(_show))
    imports.command("files")(with_options(_files))
    imports.command("preview")(with_options(_preview))
    imports.command("watch")(with_options(_watch))
    imports.command("wait")(with_options(_wait))
    imports.command("cancel")(with_options(_cancel))
    imports.command("approve")(with_options(approve))
    imports.command("rejected")(with_options(_rejected))
    app.add_typer(imports, name="imports")


def _list(
    target: EnvironmentOptions,
    selection: JobSelection,
    session: Session,
    mode: Annotated[str | None, typer.Option(help="Only of this mode, such as replace.")] = None,
) -> None:
    """List imports, newest first, as long as they are on record.

    These are the last 100 of a segment, or the last 1,000 of an environment.
    """
    table = JobTable("imports", "Imports into", _COLUMNS, _row)
    show_jobs(session, target, selection, table, mode=mode)


def _show(import_id: _ImportId, target: SegmentOptions, session: Session) -> None:
    """Show one import: how far it is, or how it ended."""
    with session.open_connection() as connection:
        job = connection.get(target.import_path(import_id))
    show_import(session, target, job)


def _files(import_id: _ImportId, target: SegmentOptions, session: Session) -> None:
    """List all files of an import, each with its rows."""
    with session.open_connection() as connection:
        files = connection.get_all(f"{target.import_path(import_id)}/files")
    session.show(files, files_table(files, f"Files of import {import_id}"))


def _preview(import_id: _ImportId, target: SegmentOptions, session: Session) -> None:
    """Show what an import would change, with some of the keys.

    It must wait for its approval, or be a dry run.
    """
    with session.open_connection() as connection:
        preview = connection.get(f"{target.import_path(import_id)}/preview")
    session.show(preview, key_table(preview), count_table(preview))


def _watch(import_id: _ImportId, target: SegmentOptions, session: Session) -> None:
    """Show an import's progress until it has ended or waits for approval, then its report."""
    with (
        explain_interrupt(describe_ongoing(target, import_id)),
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
    ):
        job = follow(connection, target.import_path(import_id), display)
    show_import(session, target, job)


def _wait(
    import_id: _ImportId,
    target: SegmentOptions,
    session: Session,
    timeout: Annotated[
        float | None, typer.Option(help="The most seconds to wait.", min=0, show_default="no limit")
    ] = None,
) -> None:
    """Wait until an import has ended or waits for approval, and print nothing.

    Exits with status 1 if the import was stopped, accepted no keys, or is not over in time, and
    with 6 if a guard has it wait for an approval.
    """
    with (
        explain_interrupt(describe_ongoing(target, import_id)),
        session.open_connection() as connection,
        ProgressDisplay(hidden=True) as display,
    ):
        job = follow(connection, target.import_path(import_id), display, limit_s=timeout)
    end_as(session, job)


def _cancel(import_id: _ImportId, target: SegmentOptions, session: Session) -> None:
    """Cancel an import that is not published yet; the segment stays as it is."""
    path = target.import_path(import_id)
    with session.open_connection() as connection:
        connection.delete(path)
        job = connection.get(path)
    session.say(f"import {import_id} is cancelled; {target.segment} is as it was", job)


def _rejected(
    import_id: _ImportId,
    target: SegmentOptions,
    session: Session,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; standard output if unset or `-`."),
    ] = None,
) -> None:
    """Download all rejected rows of an import as CSV, each with the reason and the cell.

    On a terminal, control characters are spelled out; a file and a pipe get the exact cells.
    """
    to_file = not is_standard_output(out)
    if session.as_json and not to_file:
        raise UsageError("--json needs --out FILE: both would write to standard output")
    with (
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
        open_output(out) as write,
        explain_interrupt(f"interrupted: {describe_part(out, 'file')}"),
    ):
        path = f"{target.import_path(import_id)}/rejected"
        shown = not to_file and sys.stdout.isatty()
        size_bytes = download(connection, path, escape_controls(write) if shown else write, display)
    if to_file:
        written = {"file": str(out), "sizeBytes": size_bytes}
        session.say(f"rejected rows of import {import_id}, {size_bytes:,} bytes, in {out}", written)


def _row(job: dict[str, Any]) -> tuple[object, ...]:
    report = job["report"] or {}
    return (
        job["id"],
        job["status"],
        job["progress"]["percent"],
        job["mode"],
        moment(job["creationTime"]),
        _name_sources(job),
        report.get("accepted"),
        report.get("rejected"),
    )


def _name_sources(job: dict[str, Any]) -> str:
    """The files of an import, or what it is composed of; the first few."""
    if composition := job.get("composition"):
        segments = [source["segmentKey"] for source in composition["segments"]]
        named, more = segments[:_FILES_NAMED], len(segments[_FILES_NAMED:])
        return f"{composition['op']} of {_join(named, more)}"
    names = [file["filename"] for file in job["files"][:_FILES_NAMED]]
    more = job["filesTotal"] - len(names)
    return _join(names, more)


def _join(names: list[str], more: int) -> str:
    return ", ".join(names) + (f" and {more:,} more" if more else "")
