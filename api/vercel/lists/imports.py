"""Imports into a list that is attached to a segment."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.bodies.media_types import read_media_type
from api.errors import (
    Conflict,
    InvalidRequest,
    KeyReused,
    UnsupportedMediaType,
)
from api.jobs.cancelling import REFUSES as CANCEL_REFUSES
from api.jobs.cancelling import cancel
from api.jobs.documentation import (
    DIFFERENT_KEY_USE,
    LIST_FILE,
    ImportId,
    inline_schema,
    location_header,
)
from api.jobs.events.stream import REFUSES as STREAM_REFUSES
from api.jobs.events.stream import RESPONSES as STREAM_RESPONSES
from api.jobs.events.stream import import_streams_of, stream_import
from api.jobs.events.watching import ImportStreams
from api.jobs.files import FileLimit, FileOffset, count_files, list_files
from api.jobs.idempotency import IdempotencyKeyOf
from api.jobs.imports import (
    FORM_TYPE,
    import_source,
    import_upload,
    read_list_body,
    require_list_type,
)
from api.jobs.options import ImportOptions, SourceBody
from api.jobs.previews import ImportPreview, preview_import
from api.jobs.sources import require_importable
from api.jobs.uploads.importing import import_uploads
from api.jobs.uploads.models import UploadsBody
from api.rest.operations import component, document_body, operation
from api.rest.requests import RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.lists.audit_entries import audit_list
from api.vercel.lists.models import (
    ListImport,
    ListImportFiles,
    find_list_import,
    import_path,
    represent_import,
    response_with_nulls,
)
from api.vercel.lists.paths import LIST, ChangedListOf, ListPath, ListPathOf
from api.vercel.lists.refusals import NO_IMPORT, NO_PREVIEW
from api.vercel.lists.starting import attached, list_start, upload_place
from api.vercel.operations import NO_SEGMENT, READ, WRITE
from worker.store import JobState, ListRef, approve_import

router = APIRouter(prefix=f"{LIST}/imports", tags=["Vercel lists"])

_LOCATION: Final = location_header("/v1/projects/.+/lists/.+", "import")


@router.put(
    "",
    operation_id="createFlagSegmentListImport",
    status_code=202,
    response_model=ListImport,
    responses={202: {"description": "The import was accepted.", "headers": _LOCATION}},
    openapi_extra=document_body(
        "A list as a file, where it is in S3, or which uploads it is.",
        form=inline_schema(ImportOptions, file=LIST_FILE),
        json={"anyOf": [component("SourceBody"), component("UploadsBody")]},
    ),
)
@operation(
    needs=WRITE,
    refuses={
        **NO_SEGMENT,
        Conflict: "Another import into the list is running, or a request with this "
        "`Idempotency-Key` is under way.",
        KeyReused: DIFFERENT_KEY_USE,
        UnsupportedMediaType: "The body is neither a form nor JSON.",
    },
)
async def create_import(
    request: Request,
    path: ChangedListOf,
    services: ServicesOf,
    caller: CallerOf,
    key: IdempotencyKeyOf,
) -> Response:
    """Attach a list of any size to a segment, or import into the one that is attached.

    The body is a form with the list as a file, or JSON with its `source` in S3, or with `uploads`:
    ids of completed direct uploads, whose files become one import. The values become
    visible all at once when the import is complete. With `waitOnApprovals` it is built and stays
    `pending_approval` until it is approved. A repeated request with the same `Idempotency-Key`
    gets the first answer and starts nothing.
    """
    kind = read_media_type(request)
    require_list_type(kind)
    body = None
    if kind != FORM_TYPE:
        body = await read_list_body(request)
        if isinstance(body, SourceBody):
            named = body.named(services.settings.sources)
            await require_importable(services, named, body.reading)
    async with attached(services, path) as (ref, is_new):
        respond = partial(_respond, services, path, ref)
        start = list_start(services, caller, path, ref, key, respond, is_new=is_new)
        if body is None:
            return await import_upload(request, start)
        if isinstance(body, UploadsBody):
            return await import_uploads(body, start, upload_place(path))
        return await import_source(body, start)


@router.get("/{importID}", operation_id="getFlagSegmentListImport", response_model=ListImport)
@operation(needs=READ, refuses=NO_IMPORT)
def get_import(
    path: ListPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> Response:
    """Get an import: its progress, how it ended, and its report when it is complete."""
    store = services.store()
    request, state = find_list_import(store, path, importID)
    return response_with_nulls(represent_import(store, path, request, state, services.clock))


@router.get(
    "/{importID}/files",
    operation_id="listFlagSegmentListImportFiles",
    response_model=ListImportFiles,
)
@operation(needs=READ, refuses=NO_IMPORT)
def get_files(
    path: ListPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    limit: FileLimit = 100,
    offset: FileOffset = 0,
) -> Response:
    """List the list files of an import, in the order in which they are read, with their figures."""
    store = services.store()
    request, state = find_list_import(store, path, importID)
    page = list_files(store, request, state, limit=limit, offset=offset)
    return response_with_nulls(ListImportFiles(data=page, total=count_files(request, state)))


@router.get(
    "/{importID}/events",
    operation_id="streamFlagSegmentListImport",
    response_class=StreamingResponse,
    responses=STREAM_RESPONSES,
)
@operation(needs=READ, refuses=STREAM_REFUSES)
async def stream_events(
    path: ListPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
    streams: Annotated[ImportStreams, Depends(import_streams_of)],
) -> Response:
    """Stream an import's progress as server-sent events until it has ended, or for ten minutes."""
    store = await run_in_threadpool(services.store)
    request, state = await run_in_threadpool(find_list_import, store, path, importID)

    def represent(now: JobState) -> ListImport:
        return represent_import(store, path, request, now, services.clock)

    return stream_import(services, streams, caller, state, represent)


@router.delete(
    "/{importID}",
    operation_id="cancelFlagSegmentListImport",
    response_model=ListImport,
    dependencies=[RequireNoBody],
)
@operation(needs=WRITE, refuses=CANCEL_REFUSES)
def cancel_import(
    path: ChangedListOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Cancel an import that is not published yet; the list stays as it is.

    The import ends as `stopped`, and what it used is freed within seconds. Cancelling it again
    gives the same answer.
    """
    request, _ = find_list_import(services.store(), path, importID)
    cancel(services, caller, request, partial(audit_list, services, caller, path))
    return get_import(path, importID, services)


@router.get(
    "/{importID}/preview",
    operation_id="getFlagSegmentListImportPreview",
    response_model=ImportPreview,
)
@operation(needs=READ, refuses=NO_PREVIEW)
def get_preview(
    path: ListPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> Response:
    """See what an import would change, with some of the values, before it is approved.

    An import that waits for its approval has a preview, and so has a dry run.
    """
    store = services.store()
    request, state = find_list_import(store, path, importID)
    return response_with_nulls(preview_import(store, request, state))


@router.post(
    "/{importID}/approve",
    operation_id="approveFlagSegmentListImport",
    status_code=202,
    response_model=ListImport,
    dependencies=[RequireNoBody],
)
@operation(
    needs=WRITE, refuses={**NO_IMPORT, InvalidRequest: "The import does not wait for an approval."}
)
async def approve(
    path: ChangedListOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> Response:
    """Publish an import that is built and waits for its approval."""

    def approve_waiting() -> Response:
        store = services.store()
        request, _ = find_list_import(store, path, importID)
        job = approve_import(store, request.list_ref, importID)
        services.work.work(job)
        verb = "approved an import into the segment"
        audit_list(services, caller, path, "processBigSegmentImport", verb, {"importId": importID})
        _, state = find_list_import(store, path, importID)
        found = represent_import(store, path, request, state, services.clock)
        return response_with_nulls(found, 202)

    return await run_in_threadpool(approve_waiting)


def _respond(services: Services, path: ListPath, ref: ListRef, import_id: str) -> Response:
    """The answer about an import into a list that the path's segment may not name yet."""
    named, store = path.with_key(ref.segment), services.store()
    request, state = find_list_import(store, named, import_id)
    found = represent_import(store, named, request, state, services.clock)
    return response_with_nulls(found, 202, import_path(path, import_id))
