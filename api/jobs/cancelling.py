"""Cancelling an import, in any dialect."""

from typing import Final

from api.access.auth import Caller
from api.errors import Conflict, NotFound
from api.jobs.starting import Record
from api.rest.operations import Refusals
from api.services.services import Services
from worker.store import ImportRequest, cancel_import

REFUSES: Final[Refusals] = {
    NotFound: "The import does not exist, or is no longer on record.",
    Conflict: "The import is published or was stopped for another reason. An earlier revision of "
    "a list can be published again.",
}


def cancel(services: Services, caller: Caller, request: ImportRequest, record: Record) -> None:
    """Cancel an import before its list is live, put that on record, and have it freed.

    Cancelling it again changes nothing, and has it freed again.

    Raises:
        ImportOver: it is published, or has ended for another reason.
        StoreUnavailable: no answer. Safe to retry.
    """
    if cancel_import(services.store(), request, caller.name):
        record(
            "cancelBigSegmentImport",
            "cancelled an import into the segment",
            {"importId": request.import_id, "mode": request.mode},
        )
    services.work.free(request.ref)
