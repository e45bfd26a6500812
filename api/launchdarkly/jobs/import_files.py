"""``GET …/imports/{id}/files``: the list files of an import, each with its figures."""

from fastapi import APIRouter
from pydantic import Field

from api.bodies.models import Int32, WireModel
from api.jobs.documentation import ImportId
from api.jobs.files import SHOWN_FILES, FileLimit, FileOffset, FileStatus, count_files, list_files
from api.launchdarkly.jobs.documentation import NO_IMPORT
from api.launchdarkly.jobs.models import find_segment_import
from api.launchdarkly.wire.links import Links
from api.launchdarkly.wire.pages import page_links
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf
from api.rest.operations import READ, operation
from api.services.services import ServicesOf

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/imports", tags=["Segments"])


class ImportFilePage(WireModel):
    """Some list files of an import."""

    items: list[FileStatus]
    links: Links = Field(alias="_links")
    total_count: Int32
    """Files of the import."""


@router.get("/{importID}/files", operation_id="getBigSegmentImportFiles")
@operation(needs=READ, refuses=NO_IMPORT)
def get_import_files(
    path: SegmentPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    limit: FileLimit = SHOWN_FILES,
    offset: FileOffset = 0,
) -> ImportFilePage:
    """List the list files of an import, in the order in which they are read.

    Their figures are there once all of them have been read, also if the import is stopped then.
    """
    store = services.store()
    request, state = find_segment_import(store, path, importID)
    total = count_files(request, state)
    return ImportFilePage(
        items=list_files(store, request, state, limit=limit, offset=offset),
        links=page_links(
            f"{path.import_(importID)}/files", "", limit=limit, offset=offset, total=total
        ),
        total_count=total,
    )
