"""The file of an import's rejected rows."""

from typing import Final

from api.errors import NotFound
from api.jobs.downloads import MEDIA_TYPES, JobFile, describe_file, document_file
from api.jobs.records import require_list
from worker.objects import ObjectInfo
from worker.store import ImportRequest, JobState, Store

REJECTED_ROWS_RESPONSES: Final = document_file(
    "The rejected rows, in the order of the files and their rows: CSV with the columns `file`, "
    "`row`, `offset`, `reason` and `cell`.",
    {"text/csv": {"schema": {"type": "string"}}},
)
#: Of the operations that answer with it.
NO_REJECTED_ROWS: Final = (
    "or there is no file: no row was rejected, not all rows are read yet, or it was deleted."
)


def find_rejected_rows(store: Store, request: ImportRequest, state: JobState, stem: str) -> JobFile:
    """The file of an import's rejected rows.

    Args:
        store: the store.
        request: the import.
        state: how far it is.
        stem: what the file is called; ``-rejected.csv`` follows.

    Raises:
        NotFound: there is none, and the message says why.
    """
    require_list(store, request)
    found = state.rejected
    if found is None:
        raise NotFound(_why_missing(request, state))
    info = ObjectInfo(found.bucket, found.key, found.size_bytes, found.etag)
    headers = describe_file(info, f"{stem}-rejected.csv", MEDIA_TYPES["csv"])
    return JobFile(info, headers, f"the rejected rows of import {request.import_id} were deleted")


def _why_missing(request: ImportRequest, state: JobState) -> str:
    name = f"import {request.import_id}"
    if state.report is not None:
        if state.report["rejected"] == 0:
            return f"no row of {name} was rejected"
        return f"{name} was read by an earlier version, which did not keep rejected rows"
    if state.status == "stopped":
        return f"{name} has no rejected rows: it was stopped before all rows were read, or had none"
    return f"{name} has no rejected rows yet: it is {state.status}; ask when all rows are read"
