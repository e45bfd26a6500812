"""Records in the audit log how imports start, how jobs end, and that an import waits for approval.

Recorded are numbers, reasons and names of files; never a context key.
"""

from collections.abc import Mapping
from typing import Any, Final

from worker.options.guards import GuardOptions
from worker.options.lists import ListOptions
from worker.store.audit import (
    OURSELVES,
    Change,
    project_segment_resource,
    segment_resource,
)
from worker.store.errors import EnvironmentNotFound, ProjectNotFound, SegmentNotFound
from worker.store.jobs.records import ImportRequest, JobRequest, JobState, Status
from worker.store.keyspace import EXCLUDED
from worker.store.segments import Segment
from worker.store.store import Store
from worker.store.workflows.announcing import announce_job

#: Action and verb; ``{}`` stands for ``import into`` or ``export of``.
_WORDS: Final[Mapping[Status, tuple[str, str]]] = {
    "complete": ("complete", "completed an {} the segment"),
    "stopped": ("stop", "stopped an {} the segment"),
    "pending_approval": ("hold", "built, and holds until it is approved, an {} the segment"),
}
_FIGURES: Final = (
    *("rowsRead", "accepted", "duplicates", "rejected", "erased", "leftOut"),
    "rejectedByReason",
    *("membersBefore", "added", "removed", "unchanged", "unmatched", "membersAfter"),
    *("rows", "sizeBytes"),
)


#: What an import's start is on record as, in LaunchDarkly's words and ours.
START_ACTION: Final = "createBigSegmentImport"
START_VERB: Final = "started an import into the segment"


def record_start(store: Store, request: ImportRequest) -> None:
    """Put on record that an import was started that no caller has asked for, once. Safe to repeat.

    Cost: two round trips.
    """
    segment = _segment_of(store, request)
    change = Change(
        actor=request.initiator,
        token_id="",
        actions=(START_ACTION,),
        kind="segment",
        resource=_resource_of(request, segment),
        name=request.list_ref.segment if segment is None else segment.name,
        verb=START_VERB,
        after=summarise_start(request),
    )
    store.audit.append_outcome(request.ref, "preparing", change)


def summarise_start(request: ImportRequest) -> dict[str, Any]:
    """What was asked of an import, for its entry in the audit log."""
    sizes = [file.size_bytes for file in request.sources]
    after = {
        "importId": request.import_id,
        "mode": request.mode,
        "target": EXCLUDED if request.side == EXCLUDED else None,
        "source": request.source_names,
        "sizeBytes": None if not sizes or None in sizes else sum(size or 0 for size in sizes),
        "allowEmpty": request.allow_empty,
        "waitOnApprovals": request.waits or None,
        "allowRejected": request.allow_rejected or None,
        "allowShrink": request.allow_shrink or None,
        "allowErased": request.allow_erased or None,
        "inbox": _inbox_address(request),
        **_describe_guards(request.guards),
        **_describe_reading(request.reading),
    }
    return {name: value for name, value in after.items() if value is not None}


def _inbox_address(request: ImportRequest) -> str | None:
    if request.inbox_ms is None:
        return None
    return f"s3://{request.sources[0].bucket}/{request.sources[0].key}"


def _describe_guards(guards: GuardOptions) -> dict[str, str | float | None]:
    """What was said of the guards, apart from what is usual."""
    return {
        "onGuard": None if guards.on_guard == "pend" else guards.on_guard,
        "onWarning": guards.on_warning,
        "maxRejectedShare": guards.max_rejected_share,
        "maxWarningShare": guards.max_warning_share,
        "maxShrinkShare": guards.max_shrink_share,
        "maxGrowthShare": guards.max_growth_share,
    }


def _describe_reading(reading: ListOptions) -> dict[str, str | bool | None]:
    """What was said of the list, without the text that may be a key."""
    return {
        "format": reading.format,
        "delimiter": reading.delimiter,
        "header": reading.header,
        "column": reading.column,
        "compression": reading.compression,
        "encoding": reading.encoding,
        "trim": reading.trim or None,
        "lowercase": reading.lowercase or None,
    }


def record_end(store: Store, request: JobRequest) -> None:
    """Put on record how an ended import or export ended, and announce it, once. Safe to repeat.

    Cost: two round trips, two more for the record and the segment's name, and one if the
    environment has webhooks.

    Raises:
        JobNotFound: its record has expired.
        StoreUnavailable: no answer. Safe to retry.
    """
    state = store.jobs.get(request.ref)
    if isinstance(request, ImportRequest) and request.inbox_ms is not None:
        record_start(store, request)  # upkeep may have died before it could
    if state.ended_ms is not None:
        record_outcome(store, request, state.status, _ended_summary(state))
        announce_job(store, state)


def record_outcome(
    store: Store, request: JobRequest, status: Status, figures: Mapping[str, Any]
) -> None:
    """Put a status of an import or export on record, once; a re-shard or dry run is not recorded.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    kind = request.ref.kind
    if kind == "reshard" or (isinstance(request, ImportRequest) and request.dry_run):
        return
    action, verb = _WORDS[status]
    what = "import into" if kind == "import" else "export of"
    segment = _segment_of(store, request)
    change = Change(
        actor=OURSELVES.name,
        token_id=OURSELVES.token_id,
        actions=(f"{action}BigSegment{kind.capitalize()}",),
        kind="segment",
        resource=_resource_of(request, segment),
        name=request.list_ref.segment if segment is None else segment.name,
        verb=verb.format(what),
        after={**_facts_of(request), "status": status, **figures},
    )
    store.audit.append_outcome(request.ref, status, change)


def summarise(report: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a report, and how many rows have a warning, by its kind."""
    warnings = {each["kind"]: each["count"] for each in report.get("warnings") or ()}
    figures = {name: report[name] for name in _FIGURES if name in report}
    return figures | ({"warnings": warnings} if warnings else {})


def _ended_summary(state: JobState) -> dict[str, Any]:
    if state.report is not None:
        return summarise(state.report)
    return {"reason": state.reason, "rowsRead": state.progress.rows_done}


def _facts_of(request: JobRequest) -> dict[str, Any]:
    if isinstance(request, ImportRequest):
        facts = {
            "importId": request.import_id,
            "mode": request.mode,
            "source": request.source_names,
        }
        if request.side == EXCLUDED:
            facts["target"] = EXCLUDED
    else:
        facts = {"exportId": request.export_id, "format": request.options.ending}
    return facts | {"startedBy": request.initiator or None}


def _segment_of(store: Store, request: JobRequest) -> Segment | None:
    """The definition of the list; ``None`` if it is deleted."""
    ref = request.list_ref
    try:
        return store.segments.get(ref.env, ref.segment)
    except (SegmentNotFound, EnvironmentNotFound, ProjectNotFound):
        return None


def _resource_of(request: JobRequest, segment: Segment | None) -> str:
    """The segment; of a list attached to a project's segment, that one."""
    ref = request.list_ref
    if ref.env.is_of_project and segment is not None and segment.description:
        return project_segment_resource(ref.project, segment.description)
    return segment_resource(ref.env, ref.segment)
