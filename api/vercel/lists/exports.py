"""Exports of a list that is attached to a segment."""

from functools import partial
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.errors import Conflict, KeyReused, NotFound, RangeNotSatisfiable, UnsupportedMediaType
from api.jobs.documentation import DIFFERENT_KEY_USE, ExportId, inline_schema, location_header
from api.jobs.downloads import FILE_RESPONSES, JobFile, WantedOf, find_file, send_file
from api.jobs.exports import ExportBody, read_options, start_export
from api.jobs.idempotency import IdempotencyKeyOf
from api.rest.operations import document_body, operation
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.lists.models import (
    ListExport,
    export_path,
    find_list_export,
    represent_export,
    response_with_nulls,
)
from api.vercel.lists.paths import LIST, ListPath, ListPathOf
from api.vercel.lists.refusals import NO_EXPORT, NO_LIST
from api.vercel.lists.starting import list_start
from api.vercel.operations import READ, WRITE

router = APIRouter(prefix=f"{LIST}/exports", tags=["Vercel lists"])

_LOCATION: Final = location_header("/v1/projects/.+/lists/.+", "export")


@router.post(
    "",
    operation_id="createFlagSegmentListExport",
    status_code=202,
    response_model=ListExport,
    responses={202: {"description": "The export was accepted.", "headers": _LOCATION}},
    openapi_extra=document_body(
        "The format; CSV if there is no body.", required=False, json=inline_schema(ExportBody)
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

    The body may name the `format`, `csv` or `parquet`. A repeated request with the same
    `Idempotency-Key` gets the first answer and starts nothing.
    """
    options = await read_options(request)

    def start() -> Response:
        ref = services.store().segments.get(path.env, path.require_key()).ref
        respond = partial(_respond, services, path)
        return start_export(options, list_start(services, caller, path, ref, key, respond))

    return await run_in_threadpool(start)


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
        "export has no file: it is not complete, or the file was deleted.",
        RangeNotSatisfiable: "The file has no byte in the range; `Content-Range` gives its size.",
    },
)
async def download(
    request: Request,
    path: ListPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    wanted: WantedOf,
) -> Response:
    """Stream the file of a complete export, or one range of its bytes."""

    def find() -> JobFile:
        found, state = find_list_export(services.store(), path, exportID)
        return find_file(found, state, f"{path.segment.slug}-{path.name.side}")

    return await send_file(request, services, await run_in_threadpool(find), wanted)


def _respond(services: Services, path: ListPath, export_id: str) -> Response:
    request, state = find_list_export(services.store(), path, export_id)
    found = represent_export(path, request, state, services.clock)
    return response_with_nulls(found, 202, export_path(path, export_id))
