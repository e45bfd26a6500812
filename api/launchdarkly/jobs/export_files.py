"""``GET …/exports/{id}/files``: the files of an export, with their digests and links."""

from fastapi import APIRouter
from pydantic import Field

from api.bodies.models import Int32, WireModel
from api.errors import NotFound
from api.jobs.documentation import ExportId
from api.jobs.exports.files import ExpiresIn, ExportFileStatus, find_files, represent_files
from api.jobs.files import SHOWN_FILES, FileLimit, FileOffset
from api.launchdarkly.jobs.models import find_segment_export
from api.launchdarkly.wire.links import Links, SegmentPath
from api.launchdarkly.wire.pages import encode_query, page_links
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf
from api.rest.operations import READ, operation
from api.services.services import Services, ServicesOf

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/exports", tags=["Segments"])


class ExportFilePage(WireModel):
    """Some files of an export."""

    items: list[ExportFileStatus]
    links: Links = Field(alias="_links")
    total_count: Int32
    """Files of the export."""


@router.get("/{exportID}/files", operation_id="getBigSegmentExportFiles")
@operation(
    needs=READ,
    refuses={
        NotFound: "The project, the environment, the segment or the export does not exist, or the "
        "export has no files: it is not complete, or they were deleted."
    },
)
async def get_export_files(
    path: SegmentPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    limit: FileLimit = SHOWN_FILES,
    offset: FileOffset = 0,
    expires_in: ExpiresIn = None,
) -> ExportFilePage:
    """List the files of a complete export, with their digests and, on request, with URLs.

    With `expiresIn` each has a URL from which anybody downloads it, without a token, until that
    many seconds are over; it cannot be revoked before, but by deleting the export.
    """
    return await services.object_threads.run(
        _list_files, services, path, exportID, (limit, offset), expires_in
    )


def _list_files(
    services: Services,
    path: SegmentPath,
    export_id: str,
    page: tuple[int, int],
    expires_in: int | None,
) -> ExportFilePage:
    store = services.store()
    request, state = find_segment_export(store, path, export_id)
    objects, own, (limit, offset) = services.objects(), path.export(export_id), page
    files = find_files(store, objects, request, state)
    expires = None if expires_in is None else (expires_in, services.clock())
    query = encode_query(expiresIn="" if expires_in is None else str(expires_in))
    return ExportFilePage(
        items=represent_files(
            objects,
            files[offset : offset + limit],
            request,
            path.segment,
            f"{own}/download",
            expires,
        ),
        links=page_links(f"{own}/files", query, limit=limit, offset=offset, total=len(files)),
        total_count=len(files),
    )
