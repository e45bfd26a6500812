"""``bigseg export``: write a segment's included keys into a file."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, UsageError
from api.cli.jobs.downloading import describe_part, download
from api.cli.jobs.export_files import is_standard_output, open_output
from api.cli.jobs.following import follow
from api.cli.jobs.interrupts import defer_interrupt, explain_interrupt
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
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; standard output if unset or `-`."),
    ] = None,
    file_format: Annotated[
        Literal["csv", "parquet"], typer.Option("--format", help="How the keys are written.")
    ] = "csv",
) -> None:
    """Export the included keys of a segment; the file can be imported again as it is."""
    to_file = not is_standard_output(output)
    if session.as_json and not to_file:
        raise UsageError("--json needs --output FILE: both would write to standard output")
    with (
        session.open_connection() as connection,
        ProgressDisplay(hidden=session.hides_progress) as display,
        explain_interrupt(_NOTHING_STARTED),
        open_output(output) as write,
    ):
        job = _run_job(connection, f"{target.path}/exports", file_format, display)
        with explain_interrupt(f"interrupted: {describe_part(output, 'export')}"):
            download(connection, job["_links"]["download"]["href"], write, display)
    if to_file:
        session.say(f"{job['rows'] or 0:,} keys, {job['size']}, in {output}", job)


def _run_job(
    connection: Connection, path: str, file_format: str, display: ProgressDisplay
) -> dict[str, Any]:
    """Start an export and wait for its end."""
    goes_on = "interrupted, nothing was written; the export goes on, and bigseg deletes its file"
    with explain_interrupt(_UNSURE), defer_interrupt(goes_on):
        location = connection.location(connection.post(path, {"format": file_format}))
    with explain_interrupt(goes_on):
        job = follow(connection, location, display)
    if job["status"] != "complete":
        raise CommandError(f"export {job['id']} was stopped: {job['reason']}")
    return job
