"""Create exports, get them and cancel them."""

from contextlib import suppress
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.access.auth import Caller
from api.audit import audit_segment
from api.errors import Conflict, KeyReused, UnsupportedMediaType
from api.jobs.documentation import DIFFERENT_KEY_USE, ExportId, inline_schema
from api.jobs.exports.cancelling import REFUSES as CANCEL_REFUSES
from api.jobs.exports.cancelling import cancel
from api.jobs.exports.options import ExportBody, read_options
from api.jobs.exports.starting import start_export
from api.jobs.idempotency import IdempotencyKeyOf
from api.launchdarkly.jobs.documentation import NO_EXPORT, segment_location
from api.launchdarkly.jobs.models import (
    ExportRepresentation,
    find_segment_export,
    represent_export,
)
from api.launchdarkly.jobs.starting import segment_start
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, WRITE, document_body, operation
from api.rest.requests import RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from worker.options.exports import ExportOptions
from worker.store import SegmentNotFound, Summary

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/exports", tags=["Segments"])


@router.post(
    "",
    operation_id="createBigSegmentExport",
    response_model=ExportRepresentation,
    responses={
        200: {"description": "The export was accepted.", "headers": segment_location("export")}
    },
    openapi_extra=document_body(
        "How the keys are written; one CSV file of the included keys if there is no body.",
        required=False,
        json=inline_schema(ExportBody),
    ),
)
@operation(
    needs=WRITE,
    refuses={
        **NO_SEGMENT,
        Conflict: "A request with this `Idempotency-Key` is under way; try again.",
        UnsupportedMediaType: "The body is not JSON.",
        KeyReused: DIFFERENT_KEY_USE,
    },
)
async def create_export(
    request: Request,
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    key: IdempotencyKeyOf,
) -> Response:
    """Start an export of the keys of a segment, as they are when it begins.

    It is of one revision: edits that are answered before it begins are in it, and those that are
    answered later may be; `result` has both. It has no limit of size. The files are deleted after
    a while, but those at a `destination` are not. A repeated request with the same
    `Idempotency-Key` gets the first answer and starts nothing.
    """
    options = await read_options(request, services.settings)
    return await run_in_threadpool(_create, options, path, services, caller, key)


@router.get("/{exportID}", operation_id="getBigSegmentExport")
@operation(needs=READ, refuses=NO_EXPORT)
def get_export(
    path: SegmentPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> ExportRepresentation:
    """Get an export: its progress, and where its file is."""
    request, state = find_segment_export(services.store(), path, exportID)
    return represent_export(path, request, state, services.clock)


@router.delete("/{exportID}", operation_id="cancelBigSegmentExport", dependencies=[RequireNoBody])
@operation(needs=WRITE, refuses=CANCEL_REFUSES)
def cancel_export(
    path: SegmentPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> ExportRepresentation:
    """Cancel an export in any state and delete its files, also those at its destination.

    One that has not ended is `stopped`. A complete one stays on record, and its files are gone
    within seconds. Doing it again gives the same answer.
    """
    store = services.store()
    request, _ = find_segment_export(store, path, exportID)

    def record(action: str, verb: str, after: Summary) -> None:
        with suppress(SegmentNotFound):  # deleted meanwhile; its start and end are on record
            segment = store.segments.get(path.env, path.segment)
            audit_segment(services, caller, segment, action=action, verb=verb, after=after)

    cancel(services, caller, request, record)
    return get_export(path, exportID, services)


def _create(
    options: ExportOptions, path: SegmentPath, services: Services, caller: Caller, key: str | None
) -> Response:
    segment = find_big_segment(services.store(), path)
    respond = partial(_respond, services, path)
    return start_export(options, segment_start(services, caller, segment, key, respond))


def _respond(services: Services, path: SegmentPath, export_id: str) -> Response:
    representation = get_export(path, export_id, services)
    location = {"Location": path.export(export_id)}
    return JSONResponse(representation.model_dump(mode="json"), headers=location)
