"""Exports of a list that is attached to a segment."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.errors import Conflict, KeyReused, NotFound, UnsupportedMediaType
from api.jobs.documentation import DIFFERENT_KEY_USE, ExportId, inline_schema, location_header
from api.jobs.downloads import FILE_RESPONSES, NO_BYTE_IN_RANGE, JobFile, WantedOf, send_file
from api.jobs.exports.cancelling import REFUSES as CANCEL_REFUSES
from api.jobs.exports.cancelling import cancel
from api.jobs.exports.files import ExpiresIn, Part, find_file, find_files, represent_files
from api.jobs.exports.options import ExportBody, read_options
from api.jobs.exports.starting import start_export
from api.jobs.files import SHOWN_FILES, FileLimit, FileOffset
from api.jobs.idempotency import IdempotencyKeyOf
from api.jobs.records import PeriodOf, list_overviews
from api.rest.operations import document_body, operation
from api.rest.requests import RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.lists.audit_entries import audit_list
from api.vercel.lists.models import (
    ListExport,
    ListExportFiles,
    ListExports,
    export_path,
    find_list_export,
    represent_export,
    response_with_nulls,
)
from api.vercel.lists.parameters import InitiatorIs, Limit, Offset, StatusIs
from api.vercel.lists.paths import LIST, ChangedListOf, ListPath, ListPathOf
from api.vercel.lists.refusals import NO_EXPORT, NO_LIST
from api.vercel.lists.starting import list_start
from api.vercel.operations import READ, WRITE
from worker.options.exports import ExportFormat
from worker.store import ExportRequest

router = APIRouter(prefix=f"{LIST}/exports", tags=["Vercel lists"])

FormatIs = Annotated[ExportFormat | None, Query(alias="format", description="Only of this format.")]
_LOCATION: Final = location_header("/v1/projects/.+/lists/.+", "export")


@router.post(
    "",
    operation_id="createFlagSegmentListExport",
    status_code=202,
    response_model=ListExport,
    responses={202: {"description": "The export was accepted.", "headers": _LOCATION}},
    openapi_extra=document_body(
        "How the keys are written; one CSV file if there is no body.",
        required=False,
        json=inline_schema(ExportBody),
    ),
)
@operation(
    needs=WRITE,
    refuses={
        **NO_LIST,
        Conflict: "A request with this `Idempotency-Key` is under way; try again.",
        UnsupportedMediaType: "The body is not JSON.",
        KeyReused: DIFFERENT_KEY_USE,
    },
)
async def create_export(
    request: Request,
    path: ListPathOf,
    services: ServicesOf,
    caller: CallerOf,
    key: IdempotencyKeyOf,
) -> Response:
    """Start an export of an attached list, as it is when the export begins.

    `createBigSegmentExport` describes the options; an attached list has no excluded keys. A
    repeated request with the same `Idempotency-Key` gets the first answer and starts nothing.
    """
    options = await read_options(request, services.settings)

    def start() -> Response:
        ref = services.store().segments.get(path.env, path.require_key()).ref
        respond = partial(_respond, services, path)
        return start_export(options, list_start(services, caller, path, ref, key, respond))

    return await run_in_threadpool(start)


@router.get("", operation_id="listFlagSegmentListExports", response_model=ListExports)
@operation(needs=READ, refuses=NO_LIST)
def list_exports(
    path: ListPathOf,
    services: ServicesOf,
    period: PeriodOf,
    limit: Limit = 20,
    offset: Offset = 0,
    status: StatusIs = None,
    format_is: FormatIs = None,
    initiator: InitiatorIs = None,
) -> Response:
    """List the exports of an attached list, newest first: the last 100 whose records are kept."""
    store = services.store()
    overviews = list_overviews(store.exports, path.require_ref(), period)
    refs = [
        overview.request.ref
        for overview in overviews
        if status in (None, overview.status)
        and format_is in (None, overview.request.options.format)
        and initiator in (None, overview.request.initiator)
    ]
    found = [
        represent_export(path, state.request, state, services.clock)
        for state in store.jobs.get_all(refs[offset : offset + limit])
        if isinstance(state.request, ExportRequest)
    ]
    return response_with_nulls(ListExports(data=found, total_count=len(refs)))


@router.get("/{exportID}", operation_id="getFlagSegmentListExport", response_model=ListExport)
@operation(needs=READ, refuses=NO_EXPORT)
def get_export(
    path: ListPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> Response:
    """Get an export: its progress, and where its file is."""
    request, state = find_list_export(services.store(), path, exportID)
    return response_with_nulls(represent_export(path, request, state, services.clock))


@router.get(
    "/{exportID}/files",
    operation_id="listFlagSegmentListExportFiles",
    response_model=ListExportFiles,
)
@operation(
    needs=READ,
    refuses={
        NotFound: "The project, the segment, the list or the export does not exist, or the "
        "export has no files: it is not complete, or they were deleted."
    },
)
async def get_files(
    path: ListPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    limit: FileLimit = SHOWN_FILES,
    offset: FileOffset = 0,
    expires_in: ExpiresIn = None,
) -> Response:
    """List the files of a complete export, with their digests and, on request, with URLs."""

    def find() -> Response:
        store, objects = services.store(), services.objects()
        request, state = find_list_export(store, path, exportID)
        files = find_files(store, objects, request, state)
        data = represent_files(
            objects,
            files[offset : offset + limit],
            request,
            path.file_stem,
            f"{export_path(path, exportID)}/download",
            None if expires_in is None else (expires_in, services.clock()),
        )
        return response_with_nulls(ListExportFiles(data=data, total=len(files)))

    return await services.object_threads.run(find)


@router.delete(
    "/{exportID}",
    operation_id="cancelFlagSegmentListExport",
    response_model=ListExport,
    dependencies=[RequireNoBody],
)
@operation(needs=WRITE, refuses=CANCEL_REFUSES)
def cancel_export(
    path: ChangedListOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Cancel an export in any state and delete its files, also those at its destination."""
    request, _ = find_list_export(services.store(), path, exportID)
    cancel(services, caller, request, partial(audit_list, services, caller, path))
    return get_export(path, exportID, services)


@router.get(
    "/{exportID}/download",
    operation_id="downloadFlagSegmentListExport",
    response_class=StreamingResponse,
    responses=FILE_RESPONSES,
)
@router.head("/{exportID}/download", include_in_schema=False)
@operation(
    needs=READ,
    refuses={
        NotFound: "The project, the segment, the list or the export does not exist, or the "
        "export has no such file: it is not complete, or the file was deleted.",
        **NO_BYTE_IN_RANGE,
    },
)
async def download(
    request: Request,
    path: ListPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    wanted: WantedOf,
    part: Part = None,
) -> Response:
    """Stream a file of a complete export, or one range of its bytes."""

    def find() -> JobFile:
        store = services.store()
        found, state = find_list_export(store, path, exportID)
        return find_file(store, services.objects(), found, state, path.file_stem, part)

    file = await services.object_threads.run(find)
    return await send_file(request, services, file, wanted)


def _respond(services: Services, path: ListPath, export_id: str) -> Response:
    request, state = find_list_export(services.store(), path, export_id)
    found = represent_export(path, request, state, services.clock)
    return response_with_nulls(found, 202, export_path(path, export_id))
