"""Downloads the file of a job, and says what a download that is cut off leaves."""

import hashlib
from pathlib import Path

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError
from api.cli.jobs.outputs import Write, is_standard_output, is_written_whole
from api.progress.display import ProgressDisplay
from api.progress.line import Progress


def download(
    connection: Connection,
    path: str,
    write: Write,
    display: ProgressDisplay,
    *,
    sha256: str | None = None,
) -> int:
    """Download a file and show how much of it is there; its size in bytes.

    Args:
        connection: to the API.
        path: the file's.
        write: takes it, piece by piece.
        display: where its progress is shown.
        sha256: its digest in hexadecimal, if it is known.

    Raises:
        CommandError: the API refused, or what came is not the file.
    """
    done, digest = 0, hashlib.sha256()

    def take(piece: bytes, total_bytes: int) -> None:
        nonlocal done
        write(piece)
        digest.update(piece)
        done += len(piece)
        display.show(Progress("downloading", done_bytes=done, total_bytes=total_bytes))

    connection.download(path, take)
    if sha256 and digest.hexdigest() != sha256:
        raise CommandError(
            f"what was downloaded has the digest {digest.hexdigest()}, and the file {sha256}: "
            "something between here and the server changes it; download it again"
        )
    return done


def describe_part(output: Path | None, whole: str) -> str:
    """What a download that is cut off leaves.

    Args:
        output: where it goes.
        whole: what is downloaded, such as ``export``.
    """
    if output is not None and is_written_whole(output):
        return f"{output} was not written"
    name = "standard output" if is_standard_output(output) else output
    return f"what was written to {name} is not the whole {whole}"
