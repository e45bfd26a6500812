"""Attached lists, their imports and their exports, as callers see them."""

from collections.abc import Callable

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import SkipValidation

from api.bodies.models import Int32, Int64, WireModel
from api.jobs.exports.files import ExportFileStatus, ExportResult, represent_result
from api.jobs.exports.options import ExportOptionsRepresentation
from api.jobs.files import FileStatus, SkippedFiles, count_files, list_files, skipped_files
from api.jobs.models import (
    DetectedList,
    Guard,
    ImportReport,
    JobProgress,
    ModeName,
    PreviousImport,
    StageName,
    detected_list,
    guard_of,
    job_progress,
    previous_import,
)
from api.jobs.previews import has_preview
from api.jobs.records import find_export, find_import
from api.vercel.lists.paths import ListPath
from api.vercel.wire.list_names import ListSide
from worker.options.exports import ExportFormat
from worker.store import ExportRequest, ImportRequest, JobRef, JobState, Status, Store


class ListRepresentation(WireModel):
    """A list that is attached to a segment."""

    side: ListSide
    kind: str
    attribute: str
    path: str
    """Below it are its imports and exports."""
    members: Int64 | None
    """Null if the store has lost the list: delete it, and import it again."""
    updated_at: Int64 | None
    """When its values changed last; null as `members`."""
    import_in_progress: str | None
    """The id of the import that builds its next state."""


class AttachedLists(WireModel):
    """All lists that are attached to a segment."""

    data: list[ListRepresentation]


class ListImport(WireModel):
    """An import into an attached list."""

    id: str
    segment_id: str
    side: ListSide
    kind: str
    attribute: str
    path: str
    created_at: Int64
    mode: ModeName
    status: Status
    files: list[FileStatus]
    """The first 100; `…/files` has all of them."""
    files_total: Int32
    files_skipped: SkippedFiles | None
    """Null until a worker has looked for the files."""
    stage: StageName
    reason: str | None
    progress: JobProgress
    report: SkipValidation[ImportReport] | None
    """Null until the import is complete or pending approval."""
    rejected_rows: str | None
    """The path of the file of all rejected rows; null if there are none, or not all are read."""
    previous_import: PreviousImport | None
    """The import that was live when this one was created."""
    detected: DetectedList | None
    """What the list is; null until a worker has looked at it."""
    supersedes: str | None
    """The import that waited for an approval and was dropped when this one was created."""
    guard: Guard | None
    """What kept the import from being published at once: it waits for an approval, or was stopped.
    Of a dry run, what would."""
    preview: str | None
    """The path of what it would change, while it waits for its approval, or if it was a dry run."""
    dry_run: bool
    """Whether the import only reported what it would do."""


class ListImports(WireModel):
    """Imports into an attached list, newest first."""

    data: list[ListImport]
    total_count: Int32
    """Imports that can be listed and match."""


class ListImportFiles(WireModel):
    """Some list files of an import."""

    data: list[FileStatus]
    total: Int32
    """Files of the import."""


class ListExport(WireModel):
    """An export of an attached list."""

    id: str
    segment_id: str
    side: ListSide
    kind: str
    attribute: str
    path: str
    created_at: Int64
    status: Status
    format: ExportFormat
    options: ExportOptionsRepresentation
    rows: Int64 | None
    size_bytes: Int64 | None
    download: str | None
    """The path of the file, once the export is complete."""
    result: ExportResult | None
    """What it has written; null until it is complete."""
    initiator: str
    """The name of the token that started it."""
    stage: StageName
    reason: str | None
    progress: JobProgress


class ListExports(WireModel):
    """Some exports of an attached list, the newest first."""

    data: list[ListExport]
    total_count: Int32
    """Exports that can be listed and match."""


class ListExportFiles(WireModel):
    """Some files of an export."""

    data: list[ExportFileStatus]
    total: Int32
    """Files of the export."""


def find_list_import(store: Store, path: ListPath, job_id: str) -> tuple[ImportRequest, JobState]:
    """Find an import into this list; see :func:`find_import`."""
    key = path.require_key()
    return find_import(store, JobRef("import", path.env, job_id), key, path.owner)


def find_list_export(store: Store, path: ListPath, job_id: str) -> tuple[ExportRequest, JobState]:
    """Find an export of this list; see :func:`find_export`."""
    key = path.require_key()
    return find_export(store, JobRef("export", path.env, job_id), key, path.owner)


def import_path(path: ListPath, import_id: str) -> str:
    """The path of an import."""
    return f"{path.href}/imports/{import_id}"


def export_path(path: ListPath, export_id: str) -> str:
    """The path of an export."""
    return f"{path.href}/exports/{export_id}"


def response_with_nulls(
    model: WireModel, status: int = 200, location: str | None = None
) -> Response:
    """Answer with a model, in which fields without a value are null.

    Args:
        model: the body.
        status: of the answer.
        location: the path of what was started.
    """
    headers = {} if location is None else {"Location": location}
    return JSONResponse(model.model_dump(mode="json"), status, headers)


def represent_import(
    store: Store,
    path: ListPath,
    request: ImportRequest,
    state: JobState,
    clock: Callable[[], int],
) -> ListImport:
    """Make an import's representation."""
    own = import_path(path, request.import_id)
    return ListImport(
        id=request.import_id,
        segment_id=path.segment.id,
        side=path.name.side,
        kind=path.name.kind,
        attribute=path.name.attribute,
        path=own,
        created_at=request.created_ms,
        mode=request.mode,
        status=state.status,
        files=list_files(store, request, state),
        files_total=count_files(request, state),
        files_skipped=skipped_files(state),
        stage=state.progress.stage,
        reason=state.reason,
        progress=job_progress(state, clock()),
        report=state.report,
        rejected_rows=f"{own}/rejected" if state.rejected is not None else None,
        previous_import=previous_import(state),
        detected=detected_list(state),
        supersedes=state.supersedes,
        guard=guard_of(state),
        preview=f"{import_path(path, request.import_id)}/preview"
        if has_preview(request, state)
        else None,
        dry_run=request.dry_run,
    )


def represent_export(
    path: ListPath, request: ExportRequest, state: JobState, clock: Callable[[], int]
) -> ListExport:
    """Make an export's representation; it has a download once it is complete."""
    report, own = state.report or {}, export_path(path, request.export_id)
    return ListExport(
        id=request.export_id,
        segment_id=path.segment.id,
        side=path.name.side,
        kind=path.name.kind,
        attribute=path.name.attribute,
        path=own,
        created_at=request.created_ms,
        status=state.status,
        format=request.options.format,
        options=ExportOptionsRepresentation.of(request.options),
        rows=report.get("rows"),
        size_bytes=report.get("sizeBytes"),
        download=f"{own}/download" if state.status == "complete" else None,
        result=represent_result(request, state, clock()),
        initiator=request.initiator,
        stage=state.progress.stage,
        reason=state.reason,
        progress=job_progress(state, clock()),
    )
