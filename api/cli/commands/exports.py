"""``bigseg export``: write a segment's included keys into a file."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from api.cli.connection import CommandError, Connection
from api.cli.following import Watch, follow, watch_progress
from api.cli.options import AsJson, SegmentOptions, with_options
from api.cli.outputs import Write, is_standard_output, open_output
from api.cli.terminal import open_connection, print_json


def register(app: typer.Typer) -> None:
    """Add the command ``export``."""
    app.command("export")(with_options(_export))


def _export(
    target: SegmentOptions,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; standard output if unset or `-`."),
    ] = None,
    file_format: Annotated[
        Literal["csv", "parquet"], typer.Option("--format", help="How the keys are written.")
    ] = "csv",
    *,
    as_json: AsJson = False,
) -> None:
    """Export the included keys of a segment; the file can be imported again as it is."""
    to_file = not is_standard_output(output)
    if as_json and not to_file:
        raise typer.BadParameter("--json needs --output: both would write to standard output")
    with (
        open_connection(as_json=as_json) as connection,
        watch_progress(quiet=as_json) as watch,
        open_output(output) as write,
    ):
        job = _run_job(connection, f"{target.path}/exports", file_format, watch)
        _download(connection, job, write, watch)
    if as_json:
        print_json(job)
    elif to_file:
        typer.echo(f"{job['rows'] or 0:,} keys, {job['size']}, in {output}")


def _run_job(connection: Connection, path: str, file_format: str, watch: Watch) -> dict[str, Any]:
    """Start an export and wait for its end."""
    started = connection.post(path, {"format": file_format})
    job = follow(connection, started.headers["Location"], watch)
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
