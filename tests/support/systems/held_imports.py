"""Brings an import to where it waits for its approval, as a worker would."""

from collections.abc import Iterable
from typing import Any, Final

from tests.support.store.building import build, publish, seal_and_count
from worker.store import PREVIEW, ImportRequest, JobRef, Preview, Store
from worker.store.jobs.stage_state import COUNTED, BuildCount
from worker.store.jobs.units import Unit
from worker.store.lists import Held

#: A draft of a report; what a worker counts is not looked at here.
DRAFT: Final[dict[str, Any]] = {
    "rowsRead": 3,
    "accepted": 3,
    "duplicates": 0,
    "rejected": 0,
    "rejectedByReason": {},
    "membersBefore": 1,
    "added": 2,
    "removed": 0,
    "unchanged": 1,
    "rejectedSample": [],
}


def hold_import(store: Store, job: JobRef, keys: Iterable[str]) -> None:
    """Build and hold an import that was admitted."""
    request = store.jobs.get(job).request
    assert isinstance(request, ImportRequest)
    unit = store.jobs.take(job, lease_ms=60_000, most_tries=3)
    assert isinstance(unit, Unit)
    ref = request.list_ref
    target = build(store, ref, job.job_id, keys)
    seal, counts = seal_and_count(store, ref, job.job_id, target)
    held = store.builds.hold(ref, job.job_id, counts=counts, seal=seal)
    assert isinstance(held, Held)
    store.jobs.write(job, COUNTED, BuildCount(*counts, seal, DRAFT))
    store.jobs.write(job, PREVIEW, Preview(added=("new-1", "new-2"), unchanged=("old-1",)))
    assert store.jobs.hold(job, unit.stage, held.edited_included)


def publish_import(store: Store, job: JobRef) -> None:
    """Publish and end an import that was approved."""
    request = store.jobs.get(job).request
    ref = request.list_ref
    published = publish(store, ref, job.job_id, store.builds.target(ref, job.job_id))
    report = DRAFT | {"membersAfter": published.included_count, "editedWhileImporting": 0}
    store.jobs.end(job, "complete", report=report, keep_s=600)
    store.jobs.forget(job)
