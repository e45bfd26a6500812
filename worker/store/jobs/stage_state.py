"""The fields that stages of a job write to its record, each with its type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from worker.store.jobs.completion import done_share, phase_of
from worker.store.jobs.records import (
    STATUS_OF_STAGE,
    WAITING_STAGE,
    DetectedList,
    ExportRequest,
    ImportRequest,
    JobOverview,
    JobRef,
    JobRequest,
    JobState,
    Objection,
    Preview,
    PreviousImport,
    Progress,
    RejectedFile,
    Request,
    SelectedFiles,
    Status,
)
from worker.store.keyspace import INCLUDED, Side
from worker.store.records import RecordCodec, stored

Value = TypeVar("Value")
#: A field of a job's record and its stored form.
Entry = tuple[str, bytes]

_REQUESTS: Final[Mapping[str, RecordCodec[Any]]] = {
    "import": RecordCodec(ImportRequest),
    "export": RecordCodec(ExportRequest),
    "reshard": RecordCodec(ImportRequest),
}
_REPORTS: Final = RecordCodec(dict[str, Any])


class StageField(Generic[Value]):
    """A field that one stage writes for later ones, or for callers."""

    def __init__(self, name: str, kind: type[Value]) -> None:
        self.name: Final = f"field:{name}"
        self._label = name
        self._codec = RecordCodec(kind)

    def entry(self, value: Value) -> Entry:
        """The field as it is stored."""
        return self.name, self._codec.encode(value)

    def decode(self, ref: JobRef, text: bytes) -> Value:
        """Read the stored form.

        Raises:
            UnreadableRecord: it is damaged, or another release wrote it.
        """
        return self._codec.decode(text, f"{self._label} of {ref}")

    def find(self, ref: JobRef, fields: Mapping[str, bytes]) -> Value | None:
        """The field in a record that was read, ``None`` if it has none."""
        text = fields.get(self.name)
        return None if text is None else self.decode(ref, text)


@stored
@dataclass(frozen=True, slots=True)
class BuildCount:
    """The members of a sealed build, and the report of publishing it."""

    included: int
    excluded: int
    seal: int
    """The seal under which they were counted, and for which alone they are valid."""
    report: dict[str, Any]
    """The report without the figures that edits still change, in wire names."""

    @property
    def counts(self) -> tuple[int, int]:
        """Included and excluded members."""
        return self.included, self.excluded

    def count(self, side: Side) -> int:
        """Members of one list."""
        return self.included if side == INCLUDED else self.excluded


PREVIOUS: Final = StageField("previous", PreviousImport)
#: The import that waited for an approval and was dropped for this one.
SUPERSEDES: Final = StageField("supersedes", str)
DETECTED: Final = StageField("detected", DetectedList)
SELECTED: Final = StageField("files", SelectedFiles)
REJECTED: Final = StageField("rejected", RejectedFile)
#: The guard that tripped.
OBJECTION: Final = StageField("objection", Objection)
#: Of an import that waits for its approval, and of a dry run.
PREVIEW: Final = StageField("preview", Preview)
BYTES_TOTAL: Final = StageField("bytes_total", int)
COUNTED: Final = StageField("counted", BuildCount)
#: How edits replayed onto a build that waits have changed the count of the list it changes.
EDITED: Final = StageField("edited", int)
LAST_ERROR: Final = StageField("last_error", str)
#: Of a complete export: who has deleted its files, before their time.
DISCARDED: Final = StageField("discarded", str)
#: Of an export: when its files were deleted, Unix ms.
FILES_DELETED: Final = StageField("files_deleted", int)


#: The fields of a job's record that say what it is and its status.
OVERVIEW_FIELDS: Final = ("request", "stage", "status", f"entered:{WAITING_STAGE}")


def result_name(stage: str, number: int) -> str:
    """The field that holds the result of one unit."""
    return f"done:{stage}:{number}"


def entered_entry(stage: str, now_ms: int) -> Entry:
    """The field that holds when a stage was last entered."""
    return f"entered:{stage}", str(now_ms).encode()


def encode_request(request: JobRequest) -> bytes:
    """The stored form of a request."""
    return _REQUESTS[request.ref.kind].encode(request)


def decode_request(ref: JobRef, text: bytes) -> JobRequest:
    """Read a request.

    Raises:
        UnreadableRecord: it is damaged, or another release wrote it.
    """
    request: JobRequest = _REQUESTS[ref.kind].decode(text, str(ref))
    return request


def encode_report(report: Mapping[str, Any]) -> bytes:
    """The stored form of a report."""
    return _REPORTS.encode(dict(report))


def decode_state(ref: JobRef, fields: Mapping[str, bytes]) -> JobState:
    """Read a job's whole record.

    Raises:
        UnreadableRecord: it is damaged, or another release wrote it.
    """
    request = decode_request(ref, fields["request"])
    stage = fields["stage"].decode()
    ended = _number(fields, "ended")
    entered = _entered(fields)
    report = _REPORTS.decode(fields["report"], str(ref)) if "report" in fields else None
    shown = stage if ended is None else "ended"
    if shown == "scatter" and "gather" in entered:
        # The one unit of a small list gathers what it has read.
        shown = "gather"
    waits = ended is None and stage == WAITING_STAGE
    units, status = _number(fields, "units") or 0, _status(request, stage, entered, fields)
    progress = _progress(ref, shown, fields, report or {})
    objection = OBJECTION.find(ref, fields)
    reason = fields["reason"].decode() if "reason" in fields else None
    if waits and objection is not None:
        reason = objection.message
    if status != "complete":
        progress = replace(progress, share=done_share(stage, units, entered, fields))
    return JobState(
        request=request,
        stage=stage,
        units=units,
        status=status,
        reason=reason,
        progress=progress,
        ended_ms=ended,
        report=_expected_report(ref, request, fields) if waits else report,
        previous=PREVIOUS.find(ref, fields),
        entered=entered,
        supersedes=SUPERSEDES.find(ref, fields),
        detected=DETECTED.find(ref, fields),
        files=SELECTED.find(ref, fields),
        rejected=REJECTED.find(ref, fields),
        objection=objection,
        discarded_by=DISCARDED.find(ref, fields),
        files_deleted_ms=FILES_DELETED.find(ref, fields),
    )


def decode_overview(
    ref: JobRef, values: Sequence[bytes | None], kind: type[Request]
) -> JobOverview[Request] | None:
    """Read the fields of :data:`OVERVIEW_FIELDS` of a job; ``None`` if it has expired.

    Raises:
        UnreadableRecord: they are damaged, or another release wrote them.
    """
    pairs = zip(OVERVIEW_FIELDS, values, strict=True)
    fields = {name: value for name, value in pairs if value is not None}
    if "request" not in fields or "stage" not in fields:
        return None
    request = decode_request(ref, fields["request"])
    if not isinstance(request, kind):
        return None
    status = _status(request, fields["stage"].decode(), _entered(fields), fields)
    return JobOverview(request, status)


def _status(
    request: JobRequest, stage: str, entered: Mapping[str, int], fields: Mapping[str, bytes]
) -> Status:
    if "status" in fields:
        return fields["status"].decode()  # type: ignore[return-value]  # end() writes nothing else
    if isinstance(request, ImportRequest) and request.waits and stage != WAITING_STAGE:
        # It leaves the stage in which it waits only by its approval.
        return "in_progress" if WAITING_STAGE in entered else "preparing"
    return STATUS_OF_STAGE[stage]


def _expected_report(
    ref: JobRef, request: JobRequest, fields: Mapping[str, bytes]
) -> dict[str, Any]:
    """The report of a build that waits, as if it were published now."""
    counted, edited = COUNTED.find(ref, fields), EDITED.find(ref, fields) or 0
    if counted is None or not isinstance(request, ImportRequest):
        return {}
    after = {"membersAfter": counted.count(request.side) + edited, "editedWhileImporting": edited}
    return counted.report | after


def _progress(
    ref: JobRef, stage: str, fields: Mapping[str, bytes], report: Mapping[str, Any]
) -> Progress:
    def total(prefix: str) -> int:
        return sum(int(value) for name, value in fields.items() if name.startswith(prefix))

    # Only scatter reads the list; an export has only the stage write.
    counted = "scatter:" if any(name.startswith("rows:scatter:") for name in fields) else ""
    bytes_total = BYTES_TOTAL.find(ref, fields) or 0
    read_bytes = total(f"bytes:{counted}")
    # A complete job is done, whichever try of a unit was counted last.
    complete = bool(report)
    all_read = bool(bytes_total) and (
        complete or "entered:size" in fields or "entered:gather" in fields
    )
    rows = report.get("rowsRead", report.get("rows", 0))
    return Progress(
        stage=stage,
        phase=phase_of(stage, started="started" in fields),
        share=1.0,
        # A chunk reads on to the end of its last row, so the sum may be a little too large.
        bytes_done=bytes_total if all_read else min(read_bytes, bytes_total or read_bytes),
        bytes_total=bytes_total,
        rows_done=rows if complete else total(f"rows:{counted}"),
        started_ms=_number(fields, "started"),
        touched_ms=_number(fields, "touched"),
    )


def _entered(fields: Mapping[str, bytes]) -> dict[str, int]:
    return {
        name.partition(":")[2]: int(value)
        for name, value in fields.items()
        if name.startswith("entered:")
    }


def _number(fields: Mapping[str, bytes], name: str) -> int | None:
    return int(fields[name]) if name in fields else None
