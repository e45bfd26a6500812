"""Imports and exports as callers see them: LaunchDarkly's fields first, then bigseg's own."""

from collections.abc import Callable

from pydantic import Field, SkipValidation

from api.bodies.models import Int32, Int64, WireModel
from api.jobs.compositions import CompositionRepresentation, represent_composition
from api.jobs.exports.files import ExportResult, download_type, represent_result
from api.jobs.exports.options import ExportOptionsRepresentation
from api.jobs.files import FileStatus, SkippedFiles, count_files, list_files, skipped_files
from api.jobs.models import (
    DetectedList,
    Guard,
    ImportReport,
    Initiator,
    JobProgress,
    ModeName,
    PreviousImport,
    StageName,
    detected_list,
    format_size,
    guard_of,
    inbox_object,
    initiator_of,
    job_progress,
    previous_import,
)
from api.jobs.previews import has_preview
from api.jobs.records import find_export, find_import
from api.launchdarkly.wire.links import Links, SegmentPath, link
from worker.options.exports import ExportFormat
from worker.store import ExportRequest, ImportRequest, JobRef, JobState, Side, Status, Store


class ImportRepresentation(WireModel):
    """An import: LaunchDarkly's seven fields first."""

    id: str
    segment_key: str
    creation_time: Int64
    mode: ModeName
    target: Side
    """The list that it changes."""
    status: Status
    files: list[FileStatus]
    """The first 100; `…/files` has all of them."""
    links: Links = Field(alias="_links")
    files_total: Int32
    files_skipped: SkippedFiles | None
    """Null until a worker has looked for the files."""
    stage: StageName
    reason: str | None
    progress: JobProgress
    report: SkipValidation[ImportReport] | None
    """Null until the import is complete or pending approval."""
    previous_import: PreviousImport | None
    """The import that was live when this one was created; a `replace` discards what edits have
    added since. Null if the segment had none."""
    detected: DetectedList | None
    """What the list is; null until a worker has looked at it."""
    supersedes: str | None
    """The import that waited for an approval and was dropped when this one was created."""
    initiator: Initiator
    """Who started it: the name of a token, or `inbox`."""
    inbox: str | None
    """The object of the inbox that it imports; null if a caller has started it."""
    guard: Guard | None
    """What kept the import from being published at once: it waits for an approval, or was stopped.
    Of a dry run, what would."""
    dry_run: bool
    """Whether the import only reported what it would do."""
    composition: CompositionRepresentation | None
    """The segments of which it is made; null if it is made of files."""


class ExportRepresentation(WireModel):
    """An export: LaunchDarkly's eight fields first, never null."""

    id: str
    segment_key: str
    creation_time: Int64
    status: Status
    size_bytes: Int64
    size: str
    initiator: Initiator
    links: Links = Field(alias="_links")
    format: ExportFormat
    options: ExportOptionsRepresentation
    rows: Int64 | None
    result: ExportResult | None
    """What it has written; null until it is complete."""
    stage: StageName
    reason: str | None
    progress: JobProgress


def find_segment_import(
    store: Store, path: SegmentPath, import_id: str
) -> tuple[ImportRequest, JobState]:
    """Find an import of this segment; see :func:`find_import`."""
    ref = JobRef("import", path.env, import_id)
    return find_import(store, ref, path.segment, f"segment {path.segment}")


def find_segment_export(
    store: Store, path: SegmentPath, export_id: str
) -> tuple[ExportRequest, JobState]:
    """Find an export of this segment; see :func:`find_export`."""
    ref = JobRef("export", path.env, export_id)
    return find_export(store, ref, path.segment, f"segment {path.segment}")


def represent_import(
    store: Store,
    path: SegmentPath,
    request: ImportRequest,
    state: JobState,
    clock: Callable[[], int],
) -> ImportRepresentation:
    """Make an import's representation.

    It has a link to its rejected rows once there are any, and to a preview while it waits, or if
    it was a dry run.
    """
    own = path.import_(request.import_id)
    links = {"self": link(own), "parent": link(path.href)}
    if state.rejected is not None:
        links["rejectedRows"] = link(f"{own}/rejected", "text/csv")
    if has_preview(request, state):
        links["preview"] = link(f"{own}/preview")
    return ImportRepresentation(
        id=request.import_id,
        segment_key=path.segment,
        creation_time=request.created_ms,
        mode=request.mode,
        target=request.side,
        status=state.status,
        files=list_files(store, request, state),
        files_total=count_files(request, state),
        files_skipped=skipped_files(state),
        links=links,
        stage=state.progress.stage,
        reason=state.reason,
        progress=job_progress(state, clock()),
        report=state.report,
        previous_import=previous_import(state),
        detected=detected_list(state),
        supersedes=state.supersedes,
        initiator=initiator_of(request),
        inbox=inbox_object(request),
        guard=guard_of(state),
        dry_run=request.dry_run,
        composition=represent_composition(request),
    )


def represent_export(
    path: SegmentPath, request: ExportRequest, state: JobState, clock: Callable[[], int]
) -> ExportRepresentation:
    """Make an export's representation; it has a download link once it is complete."""
    report = state.report or {}
    size_bytes = int(report.get("sizeBytes", 0))
    own = path.export(request.export_id)
    links = {"self": link(own), "parent": link(path.href)}
    if state.status == "complete":
        links["download"] = link(f"{own}/download", download_type(request))
        links["files"] = link(f"{own}/files")
    return ExportRepresentation(
        id=request.export_id,
        segment_key=path.segment,
        creation_time=request.created_ms,
        status=state.status,
        size_bytes=size_bytes,
        size=format_size(size_bytes),
        initiator=initiator_of(request),
        links=links,
        format=request.options.format,
        options=ExportOptionsRepresentation.of(request.options),
        rows=report.get("rows"),
        result=represent_result(request, state, clock()),
        stage=state.progress.stage,
        reason=state.reason,
        progress=job_progress(state, clock()),
    )
