"""Starting an export, in any dialect."""

from collections.abc import Callable

from fastapi import Response

from api.errors import InvalidRequest
from api.jobs.starting import Start
from worker.options.exports import ExportOptions
from worker.store import ExportRequest, Store, admit_export, digest_of


def start_export(
    options: ExportOptions,
    start: Start,
    admit: Callable[[Store, ExportRequest], None] = admit_export,
    *,
    of: str = "",
) -> Response:
    """Start an export of the list, or repeat the answer of an earlier request. Blocks.

    Args:
        options: How the keys are written, and where to.
        start: Who asks for it.
        admit: Writes its record.
        of: What else identifies the request, such as the id of a schedule; a repeated request must
            have the same.

    Raises:
        InvalidRequest: it is of excluded keys, and there is no list of them.
        Conflict: a request with this key is under way.
        StoreUnavailable: no answer; it may have been started.
    """
    if options.side != "included" and not start.has_excluded:
        raise InvalidRequest(
            "side: an attached list has no excluded keys; export the list of the other side"
        )
    services = start.services

    def admit_request(export_id: str) -> None:
        request = ExportRequest(export_id, start.ref, services.clock(), options, start.caller.name)
        admit(services.store(), request)
        _announce(start, request)

    return start.admit_once("export", digest_of("export", repr(options), of), admit_request)


def _announce(start: Start, request: ExportRequest) -> None:
    start.record(
        "createBigSegmentExport",
        "started an export of the segment",
        {"exportId": request.export_id, "format": request.options.ending},
    )
    start.services.work.work(request.ref)
