"""``bigseg export``: write a segment's included keys into a file."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.connection import CommandError, Connection
from api.cli.following import Watch, follow, watching
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
        Path | None, typer.Option("--output", "-o", help="File to write; standard output if unset.")
    ] = None,
    file_format: Annotated[
        Literal["csv", "parquet"], typer.Option("--format", help="How the keys are written.")
    ] = "csv",
    *,
    as_json: AsJson = False,
) -> None:
    """Export the included keys of a segment; the file can be imported again as it is."""
    if as_json and output is None:
        raise typer.BadParameter("--json needs --output: both would write to standard output")
    place = place_of(segment, project, environment)
    with command(as_json=as_json) as connection, watching(quiet=as_json) as watch:
        started = connection.post(f"{place.path}/exports", {"format": file_format})
        job = follow(connection, started.headers["Location"], watch)
        if job["status"] != "complete":
            raise CommandError(f"export {job['id']} was stopped: {job['reason']}")
        link = job["_links"]["download"]["href"]
        _download(connection, link, output, job["sizeBytes"], watch)
    if as_json:
        show_json(job)
    elif output is not None:
        typer.echo(f"{job['rows'] or 0:,} keys, {job['size']}, in {output}")


def _download(
    connection: Connection, link: str, output: Path | None, size_bytes: int, watch: Watch
) -> None:
    done = 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        watch.show("download", done, size_bytes, 0, 0.0, None)

    if output is None:
        connection.download(link, sys.stdout.buffer, on_bytes)
        sys.stdout.buffer.flush()
        return
    # Only a whole download takes the name.
    partial = output.with_name(f"{output.name}.part")
    try:
        with partial.open("wb") as file:
            connection.download(link, file, on_bytes)
        partial.replace(output)
    except OSError as exc:
        raise CommandError(f"cannot write {output}: {exc.strerror}") from exc
    finally:
        partial.unlink(missing_ok=True)
