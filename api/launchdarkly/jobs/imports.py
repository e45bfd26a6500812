"""Create imports, from an upload or from a list in S3, and get them."""

from functools import partial
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from api.bodies.media_types import read_media_type
from api.errors import Conflict, KeyReused, UnsupportedMediaType
from api.jobs.documentation import DIFFERENT_KEY_USE, LIST_FILE, ImportId, inline_schema
from api.jobs.idempotency import IdempotencyKeyOf
from api.jobs.imports import (
    FORM_TYPE,
    import_source,
    import_upload,
    read_source_body,
    require_list_type,
)
from api.jobs.options import ImportOptions, SourceBody
from api.jobs.previews import ImportPreview, preview_import
from api.launchdarkly.jobs.documentation import NO_IMPORT, NO_PREVIEW, segment_location
from api.launchdarkly.jobs.models import (
    ImportRepresentation,
    find_segment_import,
    represent_import,
)
from api.launchdarkly.jobs.starting import segment_start
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, WRITE, Refusals, document_body, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services, ServicesOf

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/imports", tags=["Segments"])

_REFUSES: Final[Refusals] = {
    **NO_SEGMENT,
    Conflict: "Another import of the segment is running, or a request with this "
    "`Idempotency-Key` is under way.",
    KeyReused: DIFFERENT_KEY_USE,
}


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
    refuses={**_REFUSES, UnsupportedMediaType: "The body is neither a form nor JSON."},
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

    The body is a form with the list as a file. JSON with a `source` is accepted here as well,
    and answered like `createBigSegmentImportFromSource`, which is the operation for it.
    """
    kind = read_media_type(request)
    store = await run_in_threadpool(services.store)
    segment = await run_in_threadpool(find_big_segment, store, path)
    require_list_type(kind)
    if kind == FORM_TYPE:
        upload = segment_start(services, caller, segment, key, partial(_accept, path))
        return await import_upload(request, upload)
    body = await read_source_body(request)
    return await import_source(
        body, segment_start(services, caller, segment, key, partial(_respond, services, path))
    )


@router.post(
    "/from-source",
    operation_id="createBigSegmentImportFromSource",
    status_code=202,
    response_model=ImportRepresentation,
    responses={
        202: {"description": "The import was accepted.", "headers": segment_location("import")}
    },
    dependencies=[RequireJson],
)
@operation(needs=WRITE, refuses=_REFUSES)
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
    store = await run_in_threadpool(services.store)
    segment = await run_in_threadpool(find_big_segment, store, path)
    return await import_source(
        body, segment_start(services, caller, segment, key, partial(_respond, services, path))
    )


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
    request, state = find_segment_import(services.store(), path, importID)
    return represent_import(path, request, state, services.clock)


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


def _accept(path: SegmentPath, import_id: str) -> Response:
    return Response(status_code=204, headers={"Location": path.import_(import_id)})


def _respond(services: Services, path: SegmentPath, import_id: str) -> Response:
    representation = get_import(path, import_id, services)
    location = {"Location": path.import_(import_id)}
    return JSONResponse(representation.model_dump(mode="json"), status_code=202, headers=location)
