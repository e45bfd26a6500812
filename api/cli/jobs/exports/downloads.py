"""Downloads the files of a complete export: a single file, or its parts into a directory."""

from pathlib import Path
from typing import Any

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, UsageError
from api.cli.jobs.downloading import describe_part, download
from api.cli.jobs.interrupts import explain_interrupt
from api.cli.jobs.outputs import Write, is_standard_output, open_output
from api.progress.display import ProgressDisplay


def require_directory(output: Path | None) -> Path:
    """The directory that parts go into, which is made if it is missing.

    Raises:
        UsageError: none is named.
        CommandError: it cannot be made.
    """
    if is_standard_output(output) or output is None:
        raise UsageError("an export of parts needs --output DIRECTORY, or --destination")
    try:
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise CommandError(f"cannot make the directory {output}: {exc.strerror or exc}") from exc
    return output


def download_file(
    connection: Connection,
    job: dict[str, Any],
    write: Write,
    output: Path | None,
    display: ProgressDisplay,
) -> None:
    """Download the only file of an export."""
    with explain_interrupt(f"interrupted: {describe_part(output, 'export')}"):
        path = job["_links"]["download"]["href"]
        download(connection, path, write, display, sha256=job["result"]["sha256"])


def download_parts(
    connection: Connection, location: str, directory: Path, display: ProgressDisplay
) -> int:
    """Download all parts of an export; how many there are."""
    files = connection.get_all(f"{location}/files")
    for file in files:
        path = directory / file["filename"]
        left = f"interrupted: {path} and the parts after it were not written"
        with open_output(path) as write, explain_interrupt(left):
            download(connection, file["download"], write, display, sha256=file["sha256"])
    return len(files)
