"""Imports into a list that is attached to a segment."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.bodies.media_types import read_media_type
from api.bodies.models import Int32
from api.errors import Conflict, InvalidRequest, KeyReused, UnsupportedMediaType
from api.jobs.documentation import (
    DIFFERENT_KEY_USE,
    LIST_FILE,
    ImportId,
    inline_schema,
    location_header,
)
from api.jobs.idempotency import KEY_PATTERN, IdempotencyKeyOf
from api.jobs.imports import (
    FORM_TYPE,
    import_source,
    import_upload,
    read_source_body,
    require_list_type,
)
from api.jobs.options import ImportOptions
from api.jobs.previews import ImportPreview, preview_import
from api.jobs.records import find_imports
from api.jobs.sources import require_importable
from api.rest.operations import component, document_body, operation
from api.rest.requests import RequireNoBody
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.lists.audit_entries import audit_list
from api.vercel.lists.models import (
    ListImport,
    ListImports,
    find_list_import,
    import_path,
    represent_import,
    response_with_nulls,
)
from api.vercel.lists.paths import LIST, ChangedListOf, ListPath, ListPathOf
from api.vercel.lists.refusals import NO_IMPORT, NO_LIST, NO_PREVIEW
from api.vercel.lists.starting import attached, list_start
from api.vercel.operations import NO_SEGMENT, READ, WRITE
from worker.store import ImportRequest, ListRef, approve_import

router = APIRouter(prefix=f"{LIST}/imports", tags=["Vercel lists"])

#: A record takes a few kilobytes for each chunk and range of its list.
_MOST: Final = 100
_LOCATION: Final = location_header("/v1/projects/.+/lists/.+", "import")

Limit = Annotated[
    Int32, Query(ge=1, le=_MOST, description="The largest number of imports to return.")
]
IdempotencyKey = Annotated[
    str | None,
    Query(
        alias="idempotencyKey",
        pattern=KEY_PATTERN,
        description="Only the import that the caller has started with this `Idempotency-Key`.",
    ),
]


@router.put(
    "",
    operation_id="createFlagSegmentListImport",
    status_code=202,
    response_model=ListImport,
    responses={202: {"description": "The import was accepted.", "headers": _LOCATION}},
    openapi_extra=document_body(
        "A list as a file, or where it is in S3.",
        form=inline_schema(ImportOptions, file=LIST_FILE),
        json=component("SourceBody"),
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

    The body is a form with the list as a file, or JSON with its `source` in S3. The values become
    visible all at once when the import is complete. With `waitOnApprovals` it is built and stays
    `pending_approval` until it is approved. A repeated request with the same `Idempotency-Key`
    gets the first answer and starts nothing.
    """
    kind = read_media_type(request)
    require_list_type(kind)
    body = None
    if kind != FORM_TYPE:
        body = await read_source_body(request)
        await require_importable(services, body.source)
    async with attached(services, path) as (ref, is_new):
        respond = partial(_respond, services, path, ref)
        start = list_start(services, caller, path, ref, key, respond, is_new=is_new)
        if body is None:
            return await import_upload(request, start)
        return await import_source(body, start)


@router.get("", operation_id="listFlagSegmentListImports", response_model=ListImports)
@operation(
    needs=READ,
    refuses={
        **NO_LIST,
        Conflict: "The request with this `idempotencyKey` is under way; try again.",
    },
)
def list_imports(
    path: ListPathOf,
    services: ServicesOf,
    caller: CallerOf,
    limit: Limit = 20,
    key: IdempotencyKey = None,
) -> Response:
    """List the imports into an attached list, newest first: the last 100 whose records are kept."""
    store = services.store()
    refs = find_imports(store, path.require_ref(), caller.token_id, key)
    found = [
        represent_import(path, state.request, state, services.clock)
        for state in store.jobs.get_all(refs[:limit])
        if isinstance(state.request, ImportRequest)
    ]
    return response_with_nulls(ListImports(data=found))


@router.get("/{importID}", operation_id="getFlagSegmentListImport", response_model=ListImport)
@operation(needs=READ, refuses=NO_IMPORT)
def get_import(
    path: ListPathOf,
    importID: ImportId,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> Response:
    """Get an import: its progress, how it ended, and its report when it is complete."""
    request, state = find_list_import(services.store(), path, importID)
    return response_with_nulls(represent_import(path, request, state, services.clock))


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
        return response_with_nulls(represent_import(path, request, state, services.clock), 202)

    return await run_in_threadpool(approve_waiting)


def _respond(services: Services, path: ListPath, ref: ListRef, import_id: str) -> Response:
    """The answer about an import into a list that the path's segment may not name yet."""
    named = path.with_key(ref.segment)
    request, state = find_list_import(services.store(), named, import_id)
    found = represent_import(named, request, state, services.clock)
    return response_with_nulls(found, 202, import_path(path, import_id))
