"""Create imports, from an upload or from a list in S3, and get them."""

from contextlib import suppress
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from api.audit import audit_segment
from api.bodies.media_types import read_media_type
from api.errors import UnsupportedMediaType
from api.jobs.cancelling import REFUSES as CANCEL_REFUSES
from api.jobs.cancelling import cancel
from api.jobs.documentation import LIST_FILE, ImportId, inline_schema
from api.jobs.events.stream import REFUSES as STREAM_REFUSES
from api.jobs.events.stream import RESPONSES as STREAM_RESPONSES
from api.jobs.events.stream import import_streams_of, stream_import
from api.jobs.events.watching import ImportStreams
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
from api.jobs.uploads.importing import import_uploads
from api.jobs.uploads.models import UploadsBody
from api.launchdarkly.jobs.documentation import (
    IMPORT_ACCEPTED,
    NO_IMPORT,
    NO_IMPORT_STARTED,
    NO_PREVIEW,
    segment_location,
)
from api.launchdarkly.jobs.models import (
    ImportRepresentation,
    find_segment_import,
    represent_import,
)
from api.launchdarkly.jobs.starting import segment_start, segment_uploads
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, WRITE, document_body, operation
from api.rest.requests import RequireJson, RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from worker.store import JobState, Segment, SegmentNotFound, Summary

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/imports", tags=["Segments"])


@router.post(
    "",
    operation_id="createBigSegmentImport",
    status_code=204,
    responses={
        204: {
            "description": "The upload was accepted; `Location` is the import.",
            "headers": segment_location("import"),
        }
    },
    openapi_extra=document_body(
        "A list as a file.", form=inline_schema(ImportOptions, file=LIST_FILE)
    ),
)
@operation(
    needs=WRITE,
    refuses={**NO_IMPORT_STARTED, UnsupportedMediaType: "The body is neither a form nor JSON."},
)
async def create_import(
    request: Request,
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    key: IdempotencyKeyOf,
) -> Response:
    """Start an import; its keys become visible all at once when it is complete.

    With `waitOnApprovals` it is built and stays `pending_approval` until a semantic patch with
    `processBigSegmentImport` publishes it. A later import replaces it. An import to which a guard
    objects waits in the same way; `guard` says why. With `dryRun` nothing is published or kept.
    A repeated request with the same `Idempotency-Key` gets the first answer and starts nothing.

    The body is a form with the list as a file. JSON with a `source` or with `uploads` is accepted
    here as well, and answered like `createBigSegmentImportFromSource` and
    `createBigSegmentImportFromUploads`, which are the operations for them.
    """
    kind = read_media_type(request)
    segment = await _find_segment(services, path)
    require_list_type(kind)
    if kind == FORM_TYPE:
        upload = segment_start(services, caller, segment, key, partial(_accept, path))
        return await import_upload(request, upload)
    body = await read_list_body(request)
    start = segment_start(services, caller, segment, key, partial(respond_started, services, path))
    if isinstance(body, UploadsBody):
        return await import_uploads(body, start, segment_uploads(path, segment))
    return await import_source(body, start)


@router.post(
    "/from-source",
    operation_id="createBigSegmentImportFromSource",
    status_code=202,
    response_model=ImportRepresentation,
    responses=IMPORT_ACCEPTED,
    dependencies=[RequireJson],
)
@operation(needs=WRITE, refuses=NO_IMPORT_STARTED)
async def create_import_from_source(
    body: SourceBody,
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    key: IdempotencyKeyOf,
) -> Response:
    """Start an import of a list that is already in S3.

    `mode`, `waitOnApprovals` and the other options have the same meaning as for an upload, and the
    keys become visible in the same way.
    """
    segment = await _find_segment(services, path)
    start = segment_start(services, caller, segment, key, partial(respond_started, services, path))
    return await import_source(body, start)


@router.post(
    "/from-uploads",
    operation_id="createBigSegmentImportFromUploads",
    status_code=202,
    response_model=ImportRepresentation,
    responses=IMPORT_ACCEPTED,
    dependencies=[RequireJson],
)
@operation(needs=WRITE, refuses=NO_IMPORT_STARTED)
async def create_import_from_uploads(
    body: UploadsBody,
    path: SegmentPathOf,
    services: ServicesOf,
    caller: CallerOf,
    key: IdempotencyKeyOf,
) -> Response:
    """Start one import of the files of direct uploads, which are deleted when it ends.

    `mode`, `waitOnApprovals` and the other options have the same meaning as for an upload, and the
    keys become visible in the same way.
    """
    segment = await _find_segment(services, path)
    start = segment_start(services, caller, segment, key, partial(respond_started, services, path))
    return await import_uploads(body, start, segment_uploads(path, segment))


@router.get("/{importID}", operation_id="getBigSegmentImport")
@operation(needs=READ, refuses=NO_IMPORT)
def get_import(
    path: SegmentPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> ImportRepresentation:
    """Get an import: its progress, how it ended, and its report when it is complete.

    While it is `pending_approval` the report says what publishing it would do: `added`,
    `removed` and `unchanged` compare the list as it was when the import was created with
    what was built from the file; edits made since are in `editedWhileImporting` and
    `membersAfter`, within seconds of being made.
    """
    store = services.store()
    request, state = find_segment_import(store, path, importID)
    return represent_import(store, path, request, state, services.clock)


@router.get(
    "/{importID}/events",
    operation_id="streamBigSegmentImport",
    response_class=StreamingResponse,
    responses=STREAM_RESPONSES,
)
@operation(needs=READ, refuses=STREAM_REFUSES)
async def stream_events(
    path: SegmentPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
    streams: Annotated[ImportStreams, Depends(import_streams_of)],
) -> Response:
    """Stream an import's progress as server-sent events until it has ended.

    `Last-Event-ID` is not needed: the first event says how far the import is. The stream ends
    after ten minutes, too, and when the token is revoked; clients of server-sent events connect
    again by themselves.
    """
    store = await run_in_threadpool(services.store)
    request, state = await run_in_threadpool(find_segment_import, store, path, importID)

    def represent(now: JobState) -> ImportRepresentation:
        return represent_import(store, path, request, now, services.clock)

    return stream_import(services, streams, caller, state, represent)


@router.delete("/{importID}", operation_id="cancelBigSegmentImport", dependencies=[RequireNoBody])
@operation(needs=WRITE, refuses=CANCEL_REFUSES)
def cancel_import(
    path: SegmentPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    caller: CallerOf,
) -> ImportRepresentation:
    """Cancel an import that is not published yet; the segment stays as it is.

    The import ends as `stopped`, and what it used is freed within seconds, also what was built
    and waits for an approval. Once this is answered, it is never published. Cancelling it again
    gives the same answer.
    """
    store = services.store()
    request, _ = find_segment_import(store, path, importID)

    def record(action: str, verb: str, after: Summary) -> None:
        with suppress(SegmentNotFound):  # deleted meanwhile; how it ended is on record all the same
            segment = store.segments.get(path.env, path.segment)
            audit_segment(services, caller, segment, action=action, verb=verb, after=after)

    cancel(services, caller, request, record)
    return get_import(path, importID, services)


@router.get("/{importID}/preview", operation_id="getBigSegmentImportPreview")
@operation(needs=READ, refuses=NO_PREVIEW)
def get_preview(
    path: SegmentPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> ImportPreview:
    """See what an import would change, with some of the keys, before it is approved.

    An import that waits for its approval has a preview, and so has a dry run.
    """
    store = services.store()
    request, state = find_segment_import(store, path, importID)
    return preview_import(store, request, state)


async def _find_segment(services: Services, path: SegmentPath) -> Segment:
    store = await run_in_threadpool(services.store)
    return await run_in_threadpool(find_big_segment, store, path)


def _accept(path: SegmentPath, import_id: str) -> Response:
    return Response(status_code=204, headers={"Location": path.import_(import_id)})


def respond_started(services: Services, path: SegmentPath, import_id: str) -> Response:
    """Answer that an import was accepted, with what it is now."""
    representation = get_import(path, import_id, services)
    location = {"Location": path.import_(import_id)}
    return JSONResponse(representation.model_dump(mode="json"), status_code=202, headers=location)
