"""Jobs as a store has them, without an API or a worker."""

from typing import Final

from tests.support.store.stores import PRODUCTION
from worker.store import (
    EnvironmentRef,
    ImportRequest,
    JobRef,
    JobState,
    ListRef,
    SourceFile,
    Store,
)

_SOURCE: Final = SourceFile("bucket", "lists/a.csv", "a.csv", uploaded=True, size_bytes=3, etag="e")


def import_request(ref: ListRef, import_id: str = "i1") -> ImportRequest:
    """An import of one small file."""
    return ImportRequest(import_id, ref, "merge", (_SOURCE,), allow_empty=False, created_ms=5)


def new_job(store: Store, ref: ListRef, units: int = 3, stage: str = "scatter") -> JobRef:
    """A job that is in the middle of a stage."""
    request = import_request(ref)
    store.jobs.create(request, stage=stage, units=units)
    return request.ref


def jobs_of(store: Store, segment: str, env: EnvironmentRef = PRODUCTION) -> list[JobState]:
    """The jobs of a segment that have not been tidied up.

    Those of other tests may be listed beside them, and have lost their records meanwhile.
    """
    states = store.jobs.get_all(store.jobs.active(env))
    return [one for one in states if one.request.list_ref.segment == segment]
