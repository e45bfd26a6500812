"""Direct uploads: lists of values that clients send straight to the bucket."""

from typing import Final

from fastapi import APIRouter

from api.jobs.documentation import location_header
from api.jobs.uploads.place import UploadPlace
from api.jobs.uploads.routes import OperationIds, UploadDialect, add_upload_routes
from api.services.services import ServicesOf
from api.vercel.lists.paths import LIST, ChangedListOf, ListPathOf
from api.vercel.lists.refusals import NO_UPLOAD
from api.vercel.lists.starting import upload_place
from api.vercel.operations import NO_SEGMENT, READ, WRITE
from worker.store import open_project_lists

router = APIRouter(prefix=f"{LIST}/uploads", tags=["Vercel lists"])


def find_place(path: ListPathOf) -> UploadPlace:
    """The uploads for the list that the path names."""
    return upload_place(path)


def find_changed_place(path: ChangedListOf, services: ServicesOf) -> UploadPlace:
    """The same for a caller who may change the list. Upkeep finds them from now on."""
    open_project_lists(services.store(), path.project)
    return upload_place(path)


_DIALECT: Final = UploadDialect(
    OperationIds(
        start="createFlagSegmentListUpload",
        list_all="listFlagSegmentListUploads",
        get="getFlagSegmentListUpload",
        get_parts="getFlagSegmentListUploadParts",
        complete="completeFlagSegmentListUpload",
        delete="deleteFlagSegmentListUpload",
    ),
    find_place=find_place,
    find_changed_place=find_changed_place,
    read=READ,
    write=WRITE,
    no_list=NO_SEGMENT,
    no_upload=NO_UPLOAD,
    location=location_header("/v1/projects/.+/lists/.+", "upload"),
)
add_upload_routes(router, _DIALECT)
