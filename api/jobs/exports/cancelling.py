"""Cancelling an export, in any dialect."""

from typing import Final

from api.access.auth import Caller
from api.errors import NotFound
from api.jobs.starting import Record
from api.rest.operations import Refusals
from api.services.services import Services
from worker.store import ExportRequest, cancel_export

REFUSES: Final[Refusals] = {NotFound: "The export does not exist, or is no longer on record."}


def cancel(services: Services, caller: Caller, request: ExportRequest, record: Record) -> None:
    """End an export, or have the files of a complete one deleted, and put that on record.

    Doing it again changes nothing, and has its files freed again.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    if cancel_export(services.store(), request, caller.name):
        record(
            "cancelBigSegmentExport",
            "cancelled an export of the segment",
            {"exportId": request.export_id, "format": request.options.ending},
        )
    services.work.free(request.ref)
    services.work.tend()
