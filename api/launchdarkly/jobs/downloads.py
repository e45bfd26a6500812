"""``…/exports/{exportID}/download``: the file of an export, whole or in part."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from api.errors import NotFound
from api.jobs.documentation import ExportId
from api.jobs.downloads import FILE_RESPONSES, NO_BYTE_IN_RANGE, JobFile, WantedOf, send_file
from api.jobs.exports.files import Part, find_file
from api.launchdarkly.jobs.models import find_segment_export
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf
from api.rest.operations import READ, operation
from api.services.services import Services, ServicesOf

router = APIRouter(
    prefix=f"{SEGMENT_ROUTE}/exports/{{exportID}}/download",
    tags=["Segments"],
)


@router.get(
    "",
    operation_id="downloadBigSegmentExport",
    response_class=StreamingResponse,
    responses=FILE_RESPONSES,
)
@router.head("", include_in_schema=False)
@operation(
    needs=READ,
    refuses={
        NotFound: "The project, the environment, the segment or the export does not exist, or "
        "the export has no such file: it is not complete, or the file was deleted.",
        **NO_BYTE_IN_RANGE,
    },
)
async def download(
    request: Request,
    path: SegmentPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    wanted: WantedOf,
    part: Part = None,
) -> Response:
    """Stream a file of a complete export, or one range of its bytes.

    An export of parts has a file for each `part`, and without it its manifest.

    The file never changes: `ETag` identifies it, and an interrupted download is resumed with
    `Range` and `If-Range`. A request for several ranges gets the whole file. `HEAD` returns the
    headers alone.
    """
    file = await services.object_threads.run(_find, services, path, exportID, part)
    return await send_file(request, services, file, wanted)


def _find(services: Services, path: SegmentPath, export_id: str, part: int | None) -> JobFile:
    store = services.store()
    request, state = find_segment_export(store, path, export_id)
    return find_file(store, services.objects(), request, state, path.segment, part)
