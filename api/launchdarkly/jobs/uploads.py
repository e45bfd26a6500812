"""Direct uploads: lists that clients send straight to the bucket."""

from typing import Final

from fastapi import APIRouter

from api.jobs.uploads.place import UploadPlace
from api.jobs.uploads.routes import OperationIds, UploadDialect, add_upload_routes
from api.launchdarkly.jobs.documentation import NO_UPLOAD, segment_location
from api.launchdarkly.jobs.starting import segment_uploads
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, WRITE
from api.services.services import ServicesOf

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/uploads", tags=["Segments"])


def find_place(path: SegmentPathOf, services: ServicesOf) -> UploadPlace:
    """The uploads of the big segment that the path names."""
    return segment_uploads(path, find_big_segment(services.store(), path))


_DIALECT: Final = UploadDialect(
    OperationIds(
        start="createBigSegmentUpload",
        list_all="getBigSegmentUploads",
        get="getBigSegmentUpload",
        get_parts="getBigSegmentUploadParts",
        complete="completeBigSegmentUpload",
        delete="deleteBigSegmentUpload",
    ),
    find_place=find_place,
    find_changed_place=find_place,
    read=READ,
    write=WRITE,
    no_list=NO_SEGMENT,
    no_upload=NO_UPLOAD,
    location=segment_location("upload"),
)
add_upload_routes(router, _DIALECT)
