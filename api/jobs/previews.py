"""What publishing an import would change, with some of the keys, in any dialect."""

from api.bodies.models import Int64, WireModel
from api.errors import NotFound
from api.jobs.records import require_list
from worker.store import PREVIEW, ImportRequest, JobState, Store


class ChangedKeys(WireModel):
    """Keys with one fate."""

    count: Int64
    keys: list[str]
    """Some of them, at most twenty: the first by a hash, so as good as random."""


class ImportPreview(WireModel):
    """What publishing an import would change, compared with the live list."""

    id: str
    dry_run: bool
    members_before: Int64
    members_after: Int64
    added: ChangedKeys
    removed: ChangedKeys
    unchanged: ChangedKeys
    """Keys that are members and stay; of a merge also those that its list does not name."""


def has_preview(request: ImportRequest, state: JobState) -> bool:
    """Whether an import waits for its approval, or is a dry run that is complete."""
    return state.status == "pending_approval" or (request.dry_run and state.status == "complete")


def preview_import(store: Store, request: ImportRequest, state: JobState) -> ImportPreview:
    """Preview an import that waits for its approval, or that was a dry run.

    Cost: two round trips.

    Raises:
        NotFound: it is neither, or not built yet, or its list is deleted.
    """
    require_list(store, request)
    report = state.report
    found = store.jobs.read(request.ref, PREVIEW) if has_preview(request, state) else None
    if report is None or found is None:
        raise NotFound(
            f"import {request.import_id} has no preview: it is {state.status}; only one that waits "
            "for an approval, or a dry run that is complete, has one"
        )
    return ImportPreview(
        id=request.import_id,
        dry_run=request.dry_run,
        members_before=report["membersBefore"],
        members_after=report["membersAfter"],
        added=ChangedKeys(count=report["added"], keys=list(found.added)),
        removed=ChangedKeys(count=report["removed"], keys=list(found.removed)),
        unchanged=ChangedKeys(
            count=report["membersBefore"] - report["removed"], keys=list(found.unchanged)
        ),
    )
