"""``bigseg export``: write a segment's included keys into a file."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from api.cli.connection import CommandError, Connection
from api.cli.following import Watch, follow, watching
from api.cli.outputs import Write, is_standard_output, open_output
from api.cli.terminal import (
    AsJson,
    Environment,
    Project,
    Segment,
    command,
    place_of,
    show_json,
)


def register(app: typer.Typer) -> None:
    """Add the command ``export``."""
    app.command("export")(_export)


def _export(
    segment: Segment,
    project: Project = "default",
    environment: Environment = "production",
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
    shown = not is_standard_output(output)
    if as_json and not shown:
        raise typer.BadParameter("--json needs --output: both would write to standard output")
    place = place_of(segment, project, environment)
    with (
        command(as_json=as_json) as connection,
        watching(quiet=as_json) as watch,
        open_output(output) as write,
    ):
        started = connection.post(f"{place.path}/exports", {"format": file_format})
        job = follow(connection, started.headers["Location"], watch)
        if job["status"] != "complete":
            raise CommandError(f"export {job['id']} was stopped: {job['reason']}")
        _download(connection, job, write, watch)
    if as_json:
        show_json(job)
    elif shown:
        typer.echo(f"{job['rows'] or 0:,} keys, {job['size']}, in {output}")


def _download(connection: Connection, job: dict[str, Any], write: Write, watch: Watch) -> None:
    done = 0

    def take(piece: bytes) -> None:
        nonlocal done
        write(piece)
        done += len(piece)
        watch.show("download", done, job["sizeBytes"], 0, 0.0, None)

    connection.download(job["_links"]["download"]["href"], take)
