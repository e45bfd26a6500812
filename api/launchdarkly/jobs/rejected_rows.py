"""``…/imports/{importID}/rejected``: the rejected rows of an import as a file."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.errors import NotFound
from api.jobs.documentation import ImportId
from api.jobs.downloads import NO_BYTE_IN_RANGE, JobFile, WantedOf, send_file
from api.jobs.rejected_rows import NO_REJECTED_ROWS, REJECTED_ROWS_RESPONSES, find_rejected_rows
from api.launchdarkly.jobs.models import find_segment_import
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf
from api.rest.operations import READ, operation
from api.services.services import ServicesOf

router = APIRouter(
    prefix=f"{SEGMENT_ROUTE}/imports/{{importID}}/rejected",
    tags=["Segments"],
)


@router.get(
    "",
    operation_id="downloadBigSegmentImportRejectedRows",
    response_class=StreamingResponse,
    responses=REJECTED_ROWS_RESPONSES,
)
@router.head("", include_in_schema=False)
@operation(
    needs=READ,
    refuses={
        NotFound: "The project, the environment, the segment or the import does not exist, "
        + NO_REJECTED_ROWS,
        **NO_BYTE_IN_RANGE,
    },
)
async def download_rejected_rows(
    request: Request,
    path: SegmentPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    wanted: WantedOf,
) -> Response:
    r"""Stream all rows that an import rejected, each with what stood in its cell.

    The file is there once all rows are read, also while the import waits for its approval and if
    too many rejected rows have stopped it. It is deleted with the import's record, and with the
    segment. `row` counts from 1 as in the report; `offset` is the byte of the file, decompressed,
    at which the row begins, and empty for Parquet. `cell` is exact: do not open the file in a
    program that takes cells for formulas. It is cut after 1,024 bytes, marked by `…[cut]`; in rows
    that are `too_long` or `invalid_utf8` a backslash is doubled, and a byte that is not UTF-8 is
    written as `\xff`. For JSON Lines it is the whole line. `HEAD` and the headers work as for
    `downloadBigSegmentExport`.
    """

    def find() -> JobFile:
        store = services.store()
        found, state = find_segment_import(store, path, importID)
        return find_rejected_rows(store, found, state, path.segment)

    return await send_file(request, services, await run_in_threadpool(find), wanted)
