"""What callers see of imports and exports in any dialect: progress, reports, figures."""

from math import floor
from typing import Annotated, Final, Literal, NotRequired, get_args

from pydantic import Field
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from api.bodies.models import Int32, Int64, WireModel
from worker.options.lists import Compression, Encoding
from worker.store import (
    WAITING_STAGE,
    ExportRequest,
    GuardName,
    ImportRequest,
    JobState,
    Phase,
    Stage,
)

_UNITS: Final = ("kB", "MB", "GB", "TB")
_STEP: Final = 1_000


#: A job's record keeps it as text.
StageName = Annotated[str, Field(json_schema_extra={"enum": list(get_args(Stage))})]

#: How an import changes its list; a job's record keeps it as text.
ModeName = Annotated[str, Field(json_schema_extra={"enum": ["merge", "replace", "remove"]})]

PhaseName = Annotated[str, Field(json_schema_extra={"enum": list(get_args(Phase))})]


class Initiator(TypedDict, total=False):
    """Who started a job, as far as is known."""

    name: str
    email: str


class RejectedRow(TypedDict):
    """A rejected row; never its content."""

    file: NotRequired[str]
    """The file that it is in, where there are several."""
    row: Int64
    reason: str


class DoubtfulRows(TypedDict):
    """Rows of one kind that look like a mistake."""

    kind: str
    count: Int64
    rows: list[Int64]
    """The first of them, counted from 1; empty if the whole file is meant."""
    files: NotRequired[list[str]]
    """Where there are several files, the one that each of the rows is in; without rows, the files
    that are meant."""
    message: str


class ImportReport(TypedDict):
    """Figures of an import, which balance. Those of members are of the list that it changes.

    ``rowsRead = accepted + duplicates + rejected``, ``+ erased`` if there are such rows, and of a
    composition ``+ leftOut``;
    ``accepted = added + unchanged``, or for `remove` ``accepted = removed + unmatched``; and
    ``membersAfter = membersBefore + added - removed + editedWhileImporting``.
    """

    rowsRead: Int64
    accepted: Int64
    duplicates: Int64
    rejected: Int64
    erased: NotRequired[Int64]
    """Rows that were left out because their key was erased from the environment."""
    leftOut: NotRequired[Int64]
    """Of a composition, whose rows are the keys of its segments: those not in the result."""
    rejectedByReason: dict[str, Int64]
    membersBefore: Int64
    added: Int64
    removed: Int64
    unchanged: Int64
    """Keys of the list that were members before and still are."""
    unmatched: NotRequired[Int64]
    """Of a `remove`: keys of the list that were no members."""
    rejectedSample: list[RejectedRow]
    warnings: NotRequired[list[DoubtfulRows]]
    membersAfter: NotRequired[Int64]
    editedWhileImporting: NotRequired[Int64]
    seconds: NotRequired[dict[str, float]]


class Guard(WireModel):
    """What kept an import from being published at once."""

    name: Annotated[str, Field(json_schema_extra={"enum": list(get_args(GuardName))})]
    message: str


class DetectedList(WireModel):
    """How a list is read, as its content and the request say."""

    format: Literal["csv", "jsonl", "parquet"]
    compression: Compression
    encoding: Encoding | None
    """Null of Parquet."""
    delimiter: Literal["comma", "semicolon", "pipe", "tab"] | None
    """Null of what is no text in columns."""
    header: bool
    column: Int32
    """The column of the keys, or the place of their field in the first JSON object, from 1."""
    first_rows: list[list[str]]
    """The first rows, masked: `9` is a digit, `x` and `X` are letters. Of Parquet and JSON the
    keys alone."""


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


def detected_list(state: JobState) -> DetectedList | None:
    """What the list of an import is, once a worker has looked at it."""
    found = state.detected
    if found is None:
        return None
    return DetectedList(
        format=found.format,
        compression=found.compression,
        encoding=found.encoding,
        delimiter=found.delimiter,
        header=found.header,
        column=found.column,
        first_rows=[list(row) for row in found.first_rows],
    )


def guard_of(state: JobState) -> Guard | None:
    """The guard that tripped, if one did."""
    found = state.objection
    return None if found is None else Guard(name=found.guard, message=found.message)


def previous_import(state: JobState) -> PreviousImport | None:
    """The import before this one, if there was any."""
    found = state.previous
    if found is None:
        return None
    return PreviousImport(
        id=found.import_id, completion_time=found.published_ms, edits_since=found.edits_since
    )


def inbox_object(request: ImportRequest) -> str | None:
    """The address of the inbox's object that an import is of, if it is of one."""
    if request.inbox_ms is None:
        return None
    source = request.sources[0]
    return f"s3://{source.bucket}/{source.key}"


def initiator_of(request: ImportRequest | ExportRequest) -> Initiator:
    """Who started a job."""
    return {"name": request.initiator} if request.initiator else {}


def format_size(size_bytes: int) -> str:
    """Format a size for people, in decimal units: ``18 B`` or ``1.2 MB``."""
    if size_bytes < _STEP:
        return f"{size_bytes} B"
    power = min(len(_UNITS), (len(str(size_bytes)) - 1) // 3)
    return f"{size_bytes / _STEP**power:.1f} {_UNITS[power - 1]}"


def job_progress(state: JobState, now_ms: int) -> JobProgress:
    """How far a job is at this time, Unix ms."""
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
