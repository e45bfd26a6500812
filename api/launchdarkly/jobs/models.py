"""Imports and exports as callers see them: LaunchDarkly's fields first, then bigseg's own."""

from collections.abc import Callable
from math import floor
from typing import Annotated, Final, Literal, NotRequired, get_args

from pydantic import Field, SkipValidation
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from api.bodies.models import Int64, WireModel
from api.errors import NotFound
from api.launchdarkly.wire.links import JOB_ID, Links, SegmentPath, link
from worker.store import (
    WAITING_STAGE,
    ExportRequest,
    ImportRequest,
    JobKind,
    JobRef,
    JobState,
    Phase,
    Stage,
    Status,
    Store,
)

_UNITS: Final = ("kB", "MB", "GB", "TB")
_STEP: Final = 1_000

#: A job's record keeps it as text.
StageName = Annotated[str, Field(json_schema_extra={"enum": list(get_args(Stage))})]

PhaseName = Annotated[str, Field(json_schema_extra={"enum": list(get_args(Phase))})]


class Initiator(TypedDict, total=False):
    """Who started a job, as far as is known."""

    name: str
    email: str


class RejectedRow(TypedDict):
    """A rejected row; never its content."""

    row: Int64
    reason: str


class DoubtfulRows(TypedDict):
    """Rows of one kind that look like a mistake."""

    kind: str
    count: Int64
    rows: list[Int64]
    """The first of them, counted from 1; empty if the whole file is meant."""
    message: str


class ImportReport(TypedDict):
    """Figures of an import, which balance.

    ``rowsRead = accepted + duplicates + rejected``, and
    ``membersAfter = membersBefore + added - removed + editedWhileImporting``.
    """

    rowsRead: Int64
    accepted: Int64
    duplicates: Int64
    rejected: Int64
    rejectedByReason: dict[str, Int64]
    membersBefore: Int64
    added: Int64
    removed: Int64
    unchanged: Int64
    rejectedSample: list[RejectedRow]
    warnings: NotRequired[list[DoubtfulRows]]
    membersAfter: NotRequired[Int64]
    editedWhileImporting: NotRequired[Int64]
    seconds: NotRequired[dict[str, float]]


class FileStatus(WireModel):
    """One list file of an import."""

    filename: str
    status: Status


class JobProgress(WireModel):
    """A job's progress, over all its stages.

    ``percent`` and ``bytesDone`` never decrease; ``rowsDone`` may, when a part of a file turns out
    to have been read wrongly.
    """

    stage: StageName
    phase: PhaseName
    """The stage in words for people."""
    percent: float
    """Of the whole job's time, to a tenth; 100 only when it is complete."""
    bytes_done: Int64
    bytes_total: Int64
    rows_done: Int64
    rate: float | None
    """Rows per second; null before the first."""
    eta_seconds: float | None
    """Of the whole job, from its pace so far; null while it is not known."""


class PreviousImport(WireModel):
    """The import that was live when another one was created."""

    id: str
    completion_time: Int64
    edits_since: Int64
    """Requests that have edited the list since, and removals of expired members."""


class ImportRepresentation(WireModel):
    """An import: LaunchDarkly's seven fields first."""

    id: str
    segment_key: str
    creation_time: Int64
    mode: Annotated[str, Field(json_schema_extra={"enum": ["merge", "replace"]})]
    status: Status
    files: list[FileStatus]
    links: Links = Field(alias="_links")
    stage: StageName
    reason: str | None
    progress: JobProgress
    report: SkipValidation[ImportReport] | None
    """Null until the import is complete or pending approval."""
    previous_import: PreviousImport | None
    """The import that was live when this one was created; a `replace` discards what edits have
    added since. Null if the segment had none."""
    supersedes: str | None
    """The import that waited for an approval and was dropped when this one was created."""


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
    format: Literal["csv", "parquet"]
    rows: Int64 | None
    stage: StageName
    reason: str | None
    progress: JobProgress


def find_job(store: Store, path: SegmentPath, kind: JobKind, job_id: str) -> JobState:
    """Find a job of this segment, which may be deleted, unlike its environment.

    Cost: two round trips.

    Raises:
        NotFound: the segment has no such job, or it is no longer kept.
        ProjectNotFound: or EnvironmentNotFound.
    """
    if JOB_ID.fullmatch(job_id) is None:
        raise NotFound(f"{kind} {job_id[:80]} does not exist")
    store.environments.require(path.env)
    state = store.jobs.get(JobRef(kind, path.env, job_id))
    if state.request.list_ref.segment != path.segment:
        raise NotFound(f"segment {path.segment} has no {kind} {job_id}")
    return state


def represent_import(
    path: SegmentPath, request: ImportRequest, state: JobState, clock: Callable[[], int]
) -> ImportRepresentation:
    """Make an import's representation."""
    return ImportRepresentation(
        id=request.import_id,
        segment_key=path.segment,
        creation_time=request.created_ms,
        mode=request.mode,
        status=state.status,
        files=[
            FileStatus(filename=source.filename, status=state.status) for source in request.sources
        ],
        links={"self": link(path.import_(request.import_id)), "parent": link(path.href)},
        stage=state.progress.stage,
        reason=state.reason,
        progress=_progress(state, clock()),
        report=state.report,
        previous_import=_previous(state),
        supersedes=state.supersedes,
    )


def _previous(state: JobState) -> PreviousImport | None:
    found = state.previous
    if found is None:
        return None
    return PreviousImport(
        id=found.import_id, completion_time=found.published_ms, edits_since=found.edits_since
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
        kind = "text/csv" if request.format == "csv" else "application/vnd.apache.parquet"
        links["download"] = link(f"{own}/download", kind)
    return ExportRepresentation(
        id=request.export_id,
        segment_key=path.segment,
        creation_time=request.created_ms,
        status=state.status,
        size_bytes=size_bytes,
        size=format_size(size_bytes),
        initiator={"name": request.initiator} if request.initiator else {},
        links=links,
        format=request.format,
        rows=report.get("rows"),
        stage=state.progress.stage,
        reason=state.reason,
        progress=_progress(state, clock()),
    )


def format_size(size_bytes: int) -> str:
    """Format a size for people, in decimal units: ``18 B`` or ``1.2 MB``."""
    if size_bytes < _STEP:
        return f"{size_bytes} B"
    power = min(len(_UNITS), (len(str(size_bytes)) - 1) // 3)
    return f"{size_bytes / _STEP**power:.1f} {_UNITS[power - 1]}"


def _progress(state: JobState, now_ms: int) -> JobProgress:
    progress = state.progress
    seconds = _working_seconds(state, now_ms)
    rate = progress.rows_done / seconds if seconds and progress.rows_done else None
    return JobProgress(
        stage=progress.stage,
        phase=progress.phase,
        percent=floor(progress.share * 1_000) / 10,
        bytes_done=progress.bytes_done,
        bytes_total=progress.bytes_total,
        rows_done=progress.rows_done,
        rate=None if rate is None else round(rate, 1),
        eta_seconds=_eta_s(state, seconds),
    )


def _working_seconds(state: JobState, now_ms: int) -> float:
    """For how long it has worked: not while it waited for an approval, nor since."""
    started_ms = state.progress.started_ms
    if started_ms is None:
        return 0.0
    until_ms = state.entered.get(WAITING_STAGE, state.ended_ms or now_ms)
    return max(0, until_ms - started_ms) / 1_000


def _eta_s(state: JobState, seconds: float) -> float | None:
    if state.ended_ms is not None:
        return 0.0
    share = state.progress.share
    if state.status == "pending_approval" or not share or not seconds:
        return None
    return round(seconds * (1 - share) / share, 1)
