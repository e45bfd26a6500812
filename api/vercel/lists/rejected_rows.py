"""The rows that an import into an attached list rejected, as a file."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.errors import NotFound
from api.jobs.documentation import ImportId
from api.jobs.downloads import NO_BYTE_IN_RANGE, JobFile, WantedOf, send_file
from api.jobs.rejected_rows import NO_REJECTED_ROWS, REJECTED_ROWS_RESPONSES, find_rejected_rows
from api.rest.operations import operation
from api.services.services import ServicesOf
from api.vercel.lists.models import find_list_import
from api.vercel.lists.paths import LIST, ListPathOf
from api.vercel.operations import READ

router = APIRouter(prefix=f"{LIST}/imports", tags=["Vercel lists"])


@router.get(
    "/{importID}/rejected",
    operation_id="downloadFlagSegmentListImportRejectedRows",
    response_class=StreamingResponse,
    responses=REJECTED_ROWS_RESPONSES,
)
@router.head("/{importID}/rejected", include_in_schema=False)
@operation(
    needs=READ,
    refuses={
        NotFound: "The project, the segment, the list or the import does not exist, "
        + NO_REJECTED_ROWS,
        **NO_BYTE_IN_RANGE,
    },
)
async def download_rejected_rows(
    request: Request,
    path: ListPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    wanted: WantedOf,
) -> Response:
    """Stream all rows that an import rejected, each with what stood in its cell.

    `downloadBigSegmentImportRejectedRows` describes the file.
    """

    def find() -> JobFile:
        store = services.store()
        found, state = find_list_import(store, path, importID)
        return find_rejected_rows(store, found, state, path.file_stem)

    return await send_file(request, services, await run_in_threadpool(find), wanted)
