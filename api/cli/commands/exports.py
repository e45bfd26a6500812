"""``bigseg export``: write a segment's keys into files."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, UsageError
from api.cli.jobs.exports.downloads import download_file, download_parts, require_directory
from api.cli.jobs.exports.options import WritingOptions
from api.cli.jobs.following import follow
from api.cli.jobs.interrupts import defer_interrupt, explain_interrupt
from api.cli.jobs.outputs import is_standard_output, open_output
from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session
from api.progress.display import ProgressDisplay

_NOTHING_STARTED: Final = "interrupted, nothing was started or written"
_UNSURE: Final = (
    "interrupted, nothing was written; an export may have been started, whose file bigseg deletes "
    "by itself"
)


def register(app: typer.Typer) -> None:
    """Add the command ``export``."""
    app.command("export")(with_options(_export))


def _export(
    target: SegmentOptions,
    session: Session,
    writing: WritingOptions,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; standard output if unset or `-`."),
    ] = None,
) -> None:
    """Export the keys of a segment; the file can be imported again.

    A download that is cut off resumes where it stopped, and is checked against the digest.
    """
    body = writing.body(output)
    if writing.destination is not None:
        if output is not None:
            raise UsageError("--output and --destination exclude each other")
        _export_to_destination(target, session, body)
    elif writing.part_rows is not None:
        _export_parts(target, session, body, require_directory(output))
    else:
        _export_file(target, session, body, output)


def _export_file(
    target: SegmentOptions, session: Session, body: dict[str, Any], output: Path | None
) -> None:
    to_file = not is_standard_output(output)
    if session.as_json and not to_file:
        raise UsageError("--json needs --output FILE: both would write to standard output")
    with (
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
        explain_interrupt(_NOTHING_STARTED),
        open_output(output) as write,
    ):
        job = _run_job(connection, f"{target.path}/exports", body, display)
        download_file(connection, job, write, output, display)
    if to_file:
        session.say(f"{job['rows'] or 0:,} keys, {job['size']}, in {output}", job)


def _export_parts(
    target: SegmentOptions, session: Session, body: dict[str, Any], directory: Path
) -> None:
    with (
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
        explain_interrupt(_NOTHING_STARTED),
    ):
        job = _run_job(connection, f"{target.path}/exports", body, display)
        location = job["_links"]["self"]["href"]
        parts = download_parts(connection, location, directory, display)
    count = "1 part" if parts == 1 else f"{parts:,} parts"
    session.say(f"{job['rows'] or 0:,} keys, {job['size']}, in {count} in {directory}", job)


def _export_to_destination(target: SegmentOptions, session: Session, body: dict[str, Any]) -> None:
    with (
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
        explain_interrupt(_NOTHING_STARTED),
    ):
        job = _run_job(connection, f"{target.path}/exports", body, display)
    said = f"{job['rows'] or 0:,} keys, {job['size']}, in {job['result']['address']}"
    session.say(said, job)


def _run_job(
    connection: Connection, path: str, body: dict[str, Any], display: ProgressDisplay
) -> dict[str, Any]:
    """Start an export and wait for its end."""
    goes_on = "interrupted, nothing was written; the export goes on, and bigseg deletes its file"
    if "destination" in body:
        goes_on = "interrupted; the export goes on"
    with explain_interrupt(_UNSURE), defer_interrupt(goes_on):
        location = connection.location(connection.post(path, body))
    with explain_interrupt(goes_on):
        job = follow(connection, location, display)
    if job["status"] != "complete":
        raise CommandError(f"export {job['id']} was stopped: {job['reason']}")
    return job
