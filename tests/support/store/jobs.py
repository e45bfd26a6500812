"""Jobs as a store has them, without an API or a worker."""

from typing import Final

from worker.store import ImportRequest, JobRef, ListRef, SourceFile, Store

_SOURCE: Final = SourceFile("bucket", "lists/a.csv", "a.csv", uploaded=True, size_bytes=3, etag="e")


def import_request(ref: ListRef, import_id: str = "i1") -> ImportRequest:
    """An import of one small file."""
    return ImportRequest(import_id, ref, "merge", (_SOURCE,), allow_empty=False, created_ms=5)


def new_job(store: Store, ref: ListRef, units: int = 3, stage: str = "scatter") -> JobRef:
    """A job that is in the middle of a stage."""
    request = import_request(ref)
    store.jobs.create(request, stage=stage, units=units)
    return request.ref
