"""Direct uploads: lists that clients send straight to the bucket."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from api.errors import Conflict, TooLarge
from api.jobs.uploads.models import (
    Fingerprint,
    FirstPart,
    LastBytes,
    PartCount,
    PartUrls,
    StartedUpload,
    UploadBody,
    UploadCollection,
    UploadId,
    UploadRepresentation,
    UploadSummary,
)
from api.jobs.uploads.place import UploadPlace
from api.jobs.uploads.uploading import (
    TAKEN,
    complete_upload,
    delete_upload,
    issue_urls,
    list_uploads,
    show_upload,
    start_upload,
)
from api.launchdarkly.jobs.documentation import NO_UPLOAD, segment_location
from api.launchdarkly.jobs.starting import segment_uploads
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, WRITE, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, ServicesOf

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/uploads", tags=["Segments"])


def find_place(path: SegmentPathOf, services: ServicesOf) -> UploadPlace:
    """The uploads of the big segment that the path names."""
    return segment_uploads(path, find_big_segment(services.store(), path))


PlaceOf = Annotated[UploadPlace, Depends(find_place)]


@router.post(
    "",
    operation_id="createBigSegmentUpload",
    status_code=201,
    response_model=StartedUpload,
    responses={
        201: {"description": "The upload was started.", "headers": segment_location("upload")}
    },
    dependencies=[RequireJson],
)
@operation(
    needs=WRITE,
    refuses={
        **NO_SEGMENT,
        Conflict: "Too many uploads are open, or wait for their import.",
        TooLarge: "The file is longer than any may be.",
    },
)
async def start(
    body: UploadBody, place: PlaceOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Start to upload a list of any size straight to the bucket, in parts.

    The answer has URLs for the first parts. `PUT` each part of the file to its URL, several at a
    time, then complete the upload, and name it in the `uploads` of an import.
    """
    upload = await services.object_threads.run(start_upload, services, caller, place, body)
    location = {"Location": f"{place.href}/{upload.id}"}
    return JSONResponse(upload.model_dump(mode="json"), status_code=201, headers=location)


@router.get("", operation_id="getBigSegmentUploads", response_model=UploadCollection)
@operation(needs=READ, refuses=NO_SEGMENT)
def get_uploads(place: PlaceOf, services: ServicesOf, fingerprint: Fingerprint = "") -> Response:
    """List the uploads that have not been imported, newest first."""
    found = list_uploads(services.store(), place, fingerprint)
    return JSONResponse(found.model_dump(mode="json"))


@router.get("/{uploadID}", operation_id="getBigSegmentUpload", response_model=UploadRepresentation)
@operation(needs=READ, refuses={**NO_UPLOAD, Conflict: TAKEN})
async def get_upload(
    uploadID: UploadId,  # noqa: N803 - the documented name
    place: PlaceOf,
    services: ServicesOf,
) -> Response:
    """Get an upload, and which parts have arrived: one that was cut off goes on with the others."""
    upload = await services.object_threads.run(show_upload, services, place, uploadID)
    return JSONResponse(upload.model_dump(mode="json"))


@router.get("/{uploadID}/parts", operation_id="getBigSegmentUploadParts", response_model=PartUrls)
@operation(needs=WRITE, refuses={**NO_UPLOAD, Conflict: "The upload is complete, or was imported."})
async def get_part_urls(
    uploadID: UploadId,  # noqa: N803 - the documented name
    place: PlaceOf,
    services: ServicesOf,
    first: FirstPart = 1,
    count: PartCount = 10,
    last_bytes: LastBytes = None,
) -> Response:
    """Issue URLs for parts, as often as they are needed; each takes its part only."""
    urls = await services.object_threads.run(
        issue_urls, services, place, uploadID, first, count, last_bytes
    )
    return JSONResponse(urls.model_dump(mode="json"))


@router.post(
    "/{uploadID}/complete",
    operation_id="completeBigSegmentUpload",
    response_model=UploadSummary,
    dependencies=[RequireNoBody],
)
@operation(
    needs=WRITE,
    refuses={
        **NO_UPLOAD,
        Conflict: "Parts are missing or have the wrong length, or the upload was imported.",
    },
)
async def complete(
    uploadID: UploadId,  # noqa: N803 - the documented name
    place: PlaceOf,
    services: ServicesOf,
) -> Response:
    """Make one file of the parts, after looking which have arrived. May be repeated."""
    upload = await services.object_threads.run(complete_upload, services, place, uploadID)
    return JSONResponse(upload.model_dump(mode="json"))


@router.delete(
    "/{uploadID}",
    operation_id="deleteBigSegmentUpload",
    status_code=204,
    dependencies=[RequireNoBody],
)
@operation(needs=WRITE, refuses={**NO_UPLOAD, Conflict: TAKEN})
async def delete(
    uploadID: UploadId,  # noqa: N803 - the documented name
    place: PlaceOf,
    services: ServicesOf,
) -> Response:
    """Delete an upload and what has arrived of it."""
    await services.object_threads.run(delete_upload, services, place, uploadID)
    return Response(status_code=204)
