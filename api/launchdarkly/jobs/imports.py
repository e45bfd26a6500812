"""Create imports, from an upload or from a list in S3, and get them."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from api.access.auth import Caller
from api.bodies.json_values import read_json
from api.bodies.media_types import is_json, read_media_type
from api.errors import (
    ApiError,
    Conflict,
    InvalidRequest,
    KeyReused,
    NotFound,
    UnsupportedMediaType,
)
from api.jobs.admission import admit, import_request, require_free
from api.jobs.idempotency import (
    EarlierRequest,
    IdempotencyKeyOf,
    PendingRequest,
    begin_request,
    keep_pending,
    start_once,
)
from api.jobs.options import ImportOptions, SourceBody, read_options, read_source
from api.jobs.sources import require_importable
from api.jobs.upload import UploadedList, receive_upload, require_size
from api.launchdarkly.jobs.documentation import (
    DIFFERENT_KEY_USE,
    NO_IMPORT,
    ImportId,
    inline_schema,
    location_header,
)
from api.launchdarkly.jobs.models import ImportRepresentation, find_job, represent_import
from api.launchdarkly.operations import NO_SEGMENT
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf, find_big_segment
from api.rest.operations import READ, WRITE, Refusals, document_body, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services, ServicesOf
from worker.objects import ObjectStore, cleaning_up, parse_source, upload_key
from worker.store import (
    ImportRequest,
    Segment,
    SourceFile,
    StoreError,
    digest_of,
)

router = APIRouter(prefix=f"{SEGMENT_ROUTE}/imports", tags=["Segments"])

_NO_LIST: Final = "no list: send multipart/form-data with a part named file, or JSON with a source"
#: Types that generated clients send with a form without a file.
_EMPTY_TYPES: Final = ("", "application/x-www-form-urlencoded")
#: Re-shards are imports that the service starts itself; callers do not see them.
_OWN_MODE: Final = "reshard"
_FILE: Final = {
    "type": "string",
    "format": "binary",
    "description": "CSV (keys in the first column, no header) or Parquet.",
}
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
            "headers": location_header("import"),
        }
    },
    openapi_extra=document_body("A list as a file.", form=inline_schema(ImportOptions, file=_FILE)),
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
    `processBigSegmentImport` publishes it. A later import replaces it.
    A repeated request with the same `Idempotency-Key` gets the first answer and starts nothing.

    The body is a form with the list as a file. JSON with a `source` is accepted here as well,
    and answered like `createBigSegmentImportFromSource`, which is the operation for it.
    """
    kind = read_media_type(request)
    store = await run_in_threadpool(services.store)
    segment = await run_in_threadpool(find_big_segment, store, path)
    if kind == "multipart/form-data":
        return await _upload(request, path, segment, services, caller, key)
    if is_json(kind):
        body = read_source(await _read_json(request))
        await require_importable(services, body.source)
        return await run_in_threadpool(_from_source, body, path, segment, services, caller, key)
    if kind in _EMPTY_TYPES:
        raise InvalidRequest(_NO_LIST)
    raise UnsupportedMediaType(f"{_NO_LIST}; not {kind[:80]}")


@router.post(
    "/from-source",
    operation_id="createBigSegmentImportFromSource",
    status_code=202,
    response_model=ImportRepresentation,
    responses={
        202: {"description": "The import was accepted.", "headers": location_header("import")}
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
    await require_importable(services, body.source)
    return await run_in_threadpool(_from_source, body, path, segment, services, caller, key)


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
    state = find_job(services.store(), path, "import", importID)
    request = state.request
    if not isinstance(request, ImportRequest) or request.mode == _OWN_MODE:
        raise NotFound(f"import {importID} does not exist")
    return represent_import(path, request, state, services.clock)


async def _upload(
    request: Request,
    path: SegmentPath,
    segment: Segment,
    services: Services,
    caller: Caller,
    key: str | None,
) -> Response:
    """Start an import of the form's list, or repeat the answer of an earlier request."""
    begun = await run_in_threadpool(_begin, services, segment, caller, key)
    if isinstance(begun, EarlierRequest):
        uploaded = await _receive(request, services, None, "", digest=True)
        return begun.repeat(_fingerprint(uploaded), lambda first: _accept(path, first))
    async with keep_pending(begun):
        await run_in_threadpool(require_free, services.store(), segment)
        import_id = services.ids()
        objects = await run_in_threadpool(services.objects)
        object_key = upload_key((path.project, path.environment, path.segment), import_id)
        uploaded = await _receive(request, services, objects, object_key, digest=begun is not None)
        try:
            return await run_in_threadpool(
                _admit_upload, uploaded, import_id, path, segment, services, caller, begun
            )
        except (StoreError, ApiError) as exc:
            with cleaning_up(exc):
                await services.object_threads.run(objects.delete, object_key)
            raise


async def _receive(
    request: Request, services: Services, objects: ObjectStore | None, key: str, *, digest: bool
) -> UploadedList:
    limit_bytes = services.settings.max_upload_bytes
    require_size(request, limit_bytes)
    return await receive_upload(
        request,
        objects,
        services.object_threads,
        key,
        limit_bytes=limit_bytes,
        check_fields=read_options,
        digest=digest,
    )


def _begin(
    services: Services, segment: Segment, caller: Caller, key: str | None
) -> PendingRequest | EarlierRequest | None:
    return begin_request(services.store(), segment.ref, "import", caller.token_id, key)


def _fingerprint(uploaded: UploadedList) -> str:
    options = read_options(uploaded.fields).model_dump()
    return digest_of("upload", options, uploaded.info.size_bytes, uploaded.digest)


def _accept(path: SegmentPath, import_id: str) -> Response:
    return Response(status_code=204, headers={"Location": path.import_(import_id)})


def _admit_upload(
    uploaded: UploadedList,
    import_id: str,
    path: SegmentPath,
    segment: Segment,
    services: Services,
    caller: Caller,
    begun: PendingRequest | None,
) -> Response:
    info = uploaded.info
    source = SourceFile(
        bucket=info.bucket,
        key=info.key,
        filename=uploaded.file_name or "file",
        uploaded=True,
        size_bytes=info.size_bytes,
        etag=info.etag,
    )
    options = read_options(uploaded.fields)
    request = import_request(import_id, segment, source, options, services, caller)

    def start() -> Response:
        admit(services, caller, segment, request)
        return _accept(path, import_id)

    return start_once(begun, _fingerprint(uploaded), import_id, start)


def _from_source(
    body: SourceBody,
    path: SegmentPath,
    segment: Segment,
    services: Services,
    caller: Caller,
    key: str | None,
) -> Response:
    bucket, object_key = parse_source(body.source, services.settings.sources)
    file_name = object_key.rpartition("/")[2] or object_key
    source = SourceFile(bucket, object_key, file_name, uploaded=False)
    fingerprint = digest_of("source", body.model_dump())
    begun = _begin(services, segment, caller, key)
    if isinstance(begun, EarlierRequest):
        return begun.repeat(fingerprint, lambda first: _respond(services, path, first))
    import_id = services.ids()
    request = import_request(import_id, segment, source, body, services, caller)

    def start() -> Response:
        admit(services, caller, segment, request)
        return _respond(services, path, import_id)

    return start_once(begun, fingerprint, import_id, start)


def _respond(services: Services, path: SegmentPath, import_id: str) -> Response:
    representation = get_import(path, import_id, services)
    location = {"Location": path.import_(import_id)}
    return JSONResponse(representation.model_dump(mode="json"), status_code=202, headers=location)


async def _read_json(request: Request) -> Any:  # noqa: ANN401 - any JSON
    raw = await request.body()
    body = read_json(raw) if raw else None
    if body is None:
        raise InvalidRequest(_NO_LIST)
    return body
