"""``bigseg export``: write a segment's included keys into a file."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from api.cli.connection import Connection
from api.cli.errors import CommandError, UsageError
from api.cli.following import Watch, follow, watch_progress
from api.cli.options import SegmentOptions, with_options
from api.cli.outputs import Write, is_standard_output, open_output
from api.cli.session import Session


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
        watch_progress(quiet=session.hides_progress) as watch,
        open_output(output) as write,
    ):
        job = _run_job(connection, f"{target.path}/exports", file_format, watch)
        _download(connection, job, write, watch)
    if to_file:
        session.say(f"{job['rows'] or 0:,} keys, {job['size']}, in {output}", job)


def _run_job(connection: Connection, path: str, file_format: str, watch: Watch) -> dict[str, Any]:
    """Start an export and wait for its end."""
    started = connection.post(path, {"format": file_format})
    job = follow(connection, connection.location(started), watch)
    if job["status"] != "complete":
        raise CommandError(f"export {job['id']} was stopped: {job['reason']}")
    return job


def _download(connection: Connection, job: dict[str, Any], write: Write, watch: Watch) -> None:
    done = 0

    def take(piece: bytes) -> None:
        nonlocal done
        write(piece)
        done += len(piece)
        watch.show("download", done, job["sizeBytes"], 0, 0.0, None)

    connection.download(job["_links"]["download"]["href"], take)
