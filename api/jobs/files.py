"""The list files of an import as callers see them: LaunchDarkly's fields first, then figures."""

from typing import Annotated, Final

from fastapi import Query

from api.bodies.models import Int32, Int64, WireModel
from worker.store import FileFigures as Figures
from worker.store import ImportFile, ImportRequest, JobState, Status, Store

#: Files that an import's representation shows; an operation of their own pages through all.
SHOWN_FILES: Final = 100


FileLimit = Annotated[
    Int32, Query(ge=1, le=1_000, description="The largest number of files to return.")
]
FileOffset = Annotated[
    Int32, Query(ge=0, le=1_000_000, description="The number of files to skip at the beginning.")
]


class FileStatus(WireModel):
    """One list file of an import.

    The figures are null until all files have been read. ``rows = valid + rejected``; over all
    files ``rows`` add up to ``rowsRead``, ``valid`` to ``accepted + duplicates`` and ``rejected``
    to ``rejected``.
    """

    filename: str
    """The name it was uploaded under, or its address where there are several."""
    status: Status
    rows: Int64 | None
    valid: Int64 | None
    """Rows with a usable key."""
    rejected: Int64 | None
    size_bytes: Int64 | None
    etag: str | None
    """Of the state that is imported; null until a worker has looked at it."""
    read_as: str | None
    """What it is, such as `csv, gzip, utf-8, comma`."""


class SkippedFile(WireModel):
    """An object that was named and is not imported."""

    filename: str
    reason: str
    """`hidden`, `checksum`, `folder`, `empty`, `missing` (and not mandatory) or `repeated`."""


class SkippedFiles(WireModel):
    """Objects that were named and are not imported."""

    total: Int32
    by_reason: dict[str, Int32]
    first: list[SkippedFile]
    """Some of them."""


def list_files(
    store: Store,
    request: ImportRequest,
    state: JobState,
    *,
    limit: int = SHOWN_FILES,
    offset: int = 0,
) -> list[FileStatus]:
    """Some list files of an import, each with the status of the whole.

    Until a worker has looked for them they are what the request names. Cost: one round trip.
    """
    if state.files is None:
        named = request.sources[offset : offset + limit]
        return [_represent(source.filename, state.status, None, None) for source in named]
    page = store.import_files.read_page(request.ref, state.files.attempt, offset, offset + limit)
    return [_represent(file.name, state.status, file, figures) for file, figures in page]


def count_files(request: ImportRequest, state: JobState) -> int:
    """How many list files an import has; as :func:`list_files`."""
    return len(request.sources) if state.files is None else state.files.total


def skipped_files(state: JobState) -> SkippedFiles | None:
    """What an import has skipped; ``None`` before a worker has looked for its files."""
    found = state.files
    if found is None:
        return None
    return SkippedFiles(
        total=sum(found.skipped.values()),
        by_reason=dict(sorted(found.skipped.items())),
        first=[SkippedFile(filename=name, reason=reason) for name, reason in found.skipped_first],
    )


def _represent(
    name: str, status: Status, file: ImportFile | None, figures: Figures | None
) -> FileStatus:
    """One file; null is what is not known yet."""
    return FileStatus(
        filename=name,
        status=status,
        rows=figures and figures.rows,
        valid=figures and figures.valid,
        rejected=figures and figures.rows - figures.valid,
        size_bytes=file and file.size_bytes,
        etag=file and file.etag.strip('"'),
        read_as=figures and figures.form,
    )
