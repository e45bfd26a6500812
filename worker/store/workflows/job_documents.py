"""Jobs as receivers of events are told of them: by the names and values of the API's answers.

What an event says is a part of what ``GET`` of the job answers: not how far it is, its files one
by one, or rows of its list. There is no context key in it.
"""

from collections.abc import Mapping
from typing import Any, Final

from worker.store.jobs.records import ImportRequest, JobRequest, JobState

#: Of a report: its figures, not the places of rows.
_NO_FIGURES: Final = frozenset({"rejectedSample", "warnings", "bucket", "key", "etag", "filename"})


def describe_job(state: JobState) -> dict[str, Any]:
    """Describe a job as it is."""
    request = state.request
    facts = {
        "id": request.ref.job_id,
        "segmentKey": request.list_ref.segment,
        "creationTime": request.created_ms,
        "status": state.status,
        "reason": state.reason,
        "initiator": {"name": request.initiator} if request.initiator else {},
        "_links": _links(request),
    }
    if isinstance(request, ImportRequest):
        guard = state.objection
        return facts | {
            "mode": request.mode,
            "target": request.side,
            "report": _figures(state.report),
            "supersedes": state.supersedes,
            "guard": None if guard is None else {"name": guard.guard, "message": guard.message},
            "dryRun": request.dry_run,
        }
    report = state.report or {}
    return facts | {
        "format": request.options.format,
        "rows": report.get("rows"),
        "sizeBytes": int(report.get("sizeBytes", 0)),
    }


def _figures(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not report:
        return None
    return {name: value for name, value in report.items() if name not in _NO_FIGURES}


def _links(request: JobRequest) -> dict[str, dict[str, str]]:
    ref = request.list_ref
    parent = f"/api/v2/segments/{ref.project}/{ref.environment}/{ref.segment}"
    own = f"{parent}/{request.ref.kind}s/{request.ref.job_id}"
    kind = "application/json"
    return {"self": {"href": own, "type": kind}, "parent": {"href": parent, "type": kind}}
