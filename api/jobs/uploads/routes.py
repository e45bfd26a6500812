"""The routes of direct uploads, which are the same in every dialect but for where they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from api.access.permissions import Need
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
from api.rest.operations import Refusals, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, ServicesOf


@dataclass(frozen=True, slots=True)
class OperationIds:
    """What a dialect calls the operations on uploads."""

    start: str
    list_all: str
    get: str
    get_parts: str
    complete: str
    delete: str


@dataclass(frozen=True, slots=True)
class UploadDialect:
    """What one dialect says of the uploads for its lists."""

    ids: OperationIds
    find_place: Callable[..., UploadPlace]
    """The dependency that finds the list of a path, for who may see it."""
    find_changed_place: Callable[..., UploadPlace]
    """The same for who may change it."""
    read: Need
    write: Need
    no_list: Refusals
    """What is refused where the list cannot be."""
    no_upload: Refusals
    location: Mapping[str, Any]
    """The documented ``Location`` of an upload that was started."""


def add_upload_routes(router: APIRouter, dialect: UploadDialect) -> None:
    """Add all operations on uploads to the router of a dialect; its prefix is their path."""
    _add_start(router, dialect)
    _add_list(router, dialect)
    _add_get(router, dialect)
    _add_get_parts(router, dialect)
    _add_complete(router, dialect)
    _add_delete(router, dialect)


def _add_start(router: APIRouter, dialect: UploadDialect) -> None:
    @router.post(
        "",
        operation_id=dialect.ids.start,
        status_code=201,
        response_model=StartedUpload,
        responses={201: {"description": "The upload was started.", "headers": dialect.location}},
        dependencies=[RequireJson],
    )
    @operation(
        needs=dialect.write,
        refuses={
            **dialect.no_list,
            Conflict: "Too many uploads are open, or wait for their import.",
            TooLarge: "The file is longer than any may be.",
        },
    )
    async def start(
        body: UploadBody,
        place: Annotated[UploadPlace, Depends(dialect.find_changed_place)],
        services: ServicesOf,
        caller: CallerOf,
    ) -> Response:
        """Start to upload a list of any size straight to the bucket, in parts.

        The answer has URLs for the first parts. `PUT` each part of the file to its URL, several at
        a time, then complete the upload, and name it in the `uploads` of an import.
        """
        upload = await services.object_threads.run(start_upload, services, caller, place, body)
        location = {"Location": f"{place.href}/{upload.id}"}
        return JSONResponse(upload.model_dump(mode="json"), status_code=201, headers=location)


def _add_list(router: APIRouter, dialect: UploadDialect) -> None:
    @router.get("", operation_id=dialect.ids.list_all, response_model=UploadCollection)
    @operation(needs=dialect.read, refuses=dialect.no_list)
    def get_uploads(
        place: Annotated[UploadPlace, Depends(dialect.find_place)],
        services: ServicesOf,
        fingerprint: Fingerprint = "",
    ) -> Response:
        """List the uploads that have not been imported, newest first."""
        found = list_uploads(services.store(), place, fingerprint)
        return JSONResponse(found.model_dump(mode="json"))


def _add_get(router: APIRouter, dialect: UploadDialect) -> None:
    @router.get("/{uploadID}", operation_id=dialect.ids.get, response_model=UploadRepresentation)
    @operation(needs=dialect.read, refuses={**dialect.no_upload, Conflict: TAKEN})
    async def get_upload(
        uploadID: UploadId,  # noqa: N803 - the documented name
        place: Annotated[UploadPlace, Depends(dialect.find_place)],
        services: ServicesOf,
    ) -> Response:
        """Get an upload, and which parts have arrived: one that was cut off goes on with the others."""  # noqa: E501 - a sentence of the document
        upload = await services.object_threads.run(show_upload, services, place, uploadID)
        return JSONResponse(upload.model_dump(mode="json"))


def _add_get_parts(router: APIRouter, dialect: UploadDialect) -> None:
    @router.get("/{uploadID}/parts", operation_id=dialect.ids.get_parts, response_model=PartUrls)
    @operation(
        needs=dialect.write,
        refuses={**dialect.no_upload, Conflict: "The upload is complete, or was imported."},
    )
    async def get_part_urls(
        uploadID: UploadId,  # noqa: N803 - the documented name
        place: Annotated[UploadPlace, Depends(dialect.find_changed_place)],
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


def _add_complete(router: APIRouter, dialect: UploadDialect) -> None:
    @router.post(
        "/{uploadID}/complete",
        operation_id=dialect.ids.complete,
        response_model=UploadSummary,
        dependencies=[RequireNoBody],
    )
    @operation(
        needs=dialect.write,
        refuses={
            **dialect.no_upload,
            Conflict: "Parts are missing or have the wrong length, or the upload was imported.",
        },
    )
    async def complete(
        uploadID: UploadId,  # noqa: N803 - the documented name
        place: Annotated[UploadPlace, Depends(dialect.find_changed_place)],
        services: ServicesOf,
    ) -> Response:
        """Make one file of the parts, after looking which have arrived. May be repeated."""
        upload = await services.object_threads.run(complete_upload, services, place, uploadID)
        return JSONResponse(upload.model_dump(mode="json"))


def _add_delete(router: APIRouter, dialect: UploadDialect) -> None:
    @router.delete(
        "/{uploadID}",
        operation_id=dialect.ids.delete,
        status_code=204,
        dependencies=[RequireNoBody],
    )
    @operation(needs=dialect.write, refuses={**dialect.no_upload, Conflict: TAKEN})
    async def delete(
        uploadID: UploadId,  # noqa: N803 - the documented name
        place: Annotated[UploadPlace, Depends(dialect.find_changed_place)],
        services: ServicesOf,
    ) -> Response:
        """Delete an upload and what has arrived of it."""
        await services.object_threads.run(delete_upload, services, place, uploadID)
        return Response(status_code=204)
