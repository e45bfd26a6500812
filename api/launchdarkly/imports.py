"""Create imports, from an upload or from lists already in S3, and watch them."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from api.audit import audit_segment
from api.auth import Caller
from api.errors import InvalidRequest, NotFound, UnsupportedMediaType
from api.launchdarkly.big_segments import big_segment
from api.launchdarkly.import_sources import require_importable
from api.launchdarkly.jobs import ImportRepresentation, find_job, import_representation
from api.launchdarkly.paths import SegmentPath
from api.launchdarkly.requests import SegmentPathOf, media_type_of
from api.launchdarkly.upload import UploadedList, receive_upload, require_size
from api.multipart import FormError, parse_flag
from api.services import CallerOf, Services, ServicesOf
from worker.objects import ObjectError, parse_source, upload_key
from worker.store import (
    ImportInProgress,
    ImportRequest,
    JobRef,
    Segment,
    SourceFile,
    StoreError,
    admit_import,
)

Mode = Literal["merge", "replace"]

_MODES: Final[tuple[Mode, ...]] = ("merge", "replace")
_NO_LIST: Final = "no list: send multipart/form-data with a part named file, or JSON with a source"
#: Bodies of these types hold nothing; generated clients send them for a form without a file.
_EMPTY_TYPES: Final = ("", "application/x-www-form-urlencoded")
#: The store's own rebuilds are no imports of the caller's.
_OWN_MODE: Final = "reshard"


class SourceBody(BaseModel):
    """An import of a list that is in S3 already."""

    model_config = ConfigDict(extra="ignore")

    source: Annotated[str, Field(max_length=2_000)]
    mode: Mode | None = None
    allowEmpty: bool = False  # noqa: N815 - wire name
    waitOnApprovals: bool = False  # noqa: N815 - wire name


def router() -> APIRouter:
    """The routes of this module."""
    prefix = "/api/v2/segments/{projectKey}/{environmentKey}/{segmentKey}/imports"
    routes = APIRouter(prefix=prefix, tags=["Segments"])
    routes.post("", operation_id="createBigSegmentImport", status_code=204)(create_import)
    routes.get("/{importID}", operation_id="getBigSegmentImport")(get_import)
    return routes


async def create_import(
    request: Request, path: SegmentPathOf, services: ServicesOf, caller: CallerOf
) -> Response:
    """Start an import; it is visible at once when it is complete, and not before.

    With `waitOnApprovals` it is built and then waits, `pending_approval`, until a semantic
    patch with `processBigSegmentImport` publishes it. Another import takes its place.
    """
    kind = media_type_of(request)
    segment = await run_in_threadpool(_free_segment, services, path)
    if kind == "multipart/form-data":
        return await _upload(request, path, segment, services, caller)
    if kind == "application/json" or kind.endswith("+json"):
        body = _source_body(await _json(request))
        await require_importable(services, body.source)
        return await run_in_threadpool(_from_source, body, path, segment, services, caller)
    if kind in _EMPTY_TYPES:
        raise InvalidRequest(_NO_LIST)
    raise UnsupportedMediaType(f"{_NO_LIST}; not {kind[:80]}")


def get_import(
    path: SegmentPathOf,
    importID: str,  # noqa: N803 - the documented name
    services: ServicesOf,
) -> ImportRepresentation:
    """Read an import: how far it is, how it ended, and its report when it is complete.

    While it is `pending_approval` the report says what publishing it would do: `added`,
    `removed` and `unchanged` compare the list as it was when the import was created with
    what was built from the file; edits made since are in `editedWhileImporting` and
    `membersAfter`, within seconds of being made.
    """
    state = find_job(services.store(), path, "import", importID)
    request = state.request
    if not isinstance(request, ImportRequest) or request.mode == _OWN_MODE:
        raise NotFound(f"import {importID} does not exist")
    return import_representation(path, request, state, services.clock)


def _free_segment(services: Services, path: SegmentPath) -> Segment:
    """The segment, if no import holds its list, or one that gives way: no body is read in vain."""
    store = services.store()
    segment = big_segment(store, path)
    state = store.memberships.state(segment.ref)
    if state.building is not None and not state.unapproved:
        raise ImportInProgress(f"segment {path.segment} has an import running: {state.building}")
    return segment


async def _upload(
    request: Request, path: SegmentPath, segment: Segment, services: Services, caller: Caller
) -> Response:
    limit_bytes = services.settings.max_upload_bytes
    require_size(request, limit_bytes)
    import_id = services.ids()
    objects = await run_in_threadpool(services.objects)
    uploaded = await receive_upload(
        request,
        objects,
        services.object_threads,
        upload_key((path.project, path.environment, path.segment), import_id),
        limit_bytes=limit_bytes,
        check_fields=_form_options,
    )
    try:
        await run_in_threadpool(_admit_upload, uploaded, import_id, segment, services, caller)
    except StoreError as exc:
        try:
            await services.object_threads.run(objects.delete, uploaded.info.key)
        except ObjectError as second:
            exc.add_note(f"and the upload was left behind: {second}")
        raise
    return Response(status_code=204, headers={"Location": path.import_(import_id)})


def _admit_upload(
    uploaded: UploadedList, import_id: str, segment: Segment, services: Services, caller: Caller
) -> None:
    mode, allow_empty, waits = _form_options(uploaded.fields)
    info = uploaded.info
    source = SourceFile(
        bucket=info.bucket,
        key=info.key,
        filename=uploaded.file_name or "file",
        uploaded=True,
        size_bytes=info.size_bytes,
        etag=info.etag,
    )
    request = ImportRequest(
        import_id, segment.ref, mode, (source,), allow_empty, services.clock(), caller.name, waits
    )
    superseded = admit_import(services.store(), request)
    _announce(services, caller, segment, request, superseded)


def _announce(
    services: Services,
    caller: Caller,
    segment: Segment,
    request: ImportRequest,
    superseded: JobRef | None,
) -> None:
    """Put the start on record; have the import worked on, and the one that gave way ended."""
    _record(services, caller, segment, request)
    services.work.work(request.ref)
    if superseded is not None:
        services.work.work(superseded)


def _from_source(
    body: SourceBody, path: SegmentPath, segment: Segment, services: Services, caller: Caller
) -> Response:
    bucket, key = parse_source(body.source, services.settings.sources)
    source = SourceFile(bucket, key, key.rpartition("/")[2] or key, uploaded=False)
    request = ImportRequest(
        services.ids(),
        segment.ref,
        body.mode or "merge",
        (source,),
        body.allowEmpty,
        services.clock(),
        caller.name,
        body.waitOnApprovals,
    )
    store = services.store()
    superseded = admit_import(store, request)
    _announce(services, caller, segment, request, superseded)
    state = store.jobs.get(request.ref)
    shown = import_representation(path, request, state, services.clock)
    location = {"Location": path.import_(request.import_id)}
    return JSONResponse(shown.model_dump(mode="json"), status_code=202, headers=location)


def _record(services: Services, caller: Caller, segment: Segment, request: ImportRequest) -> None:
    """Put the start of an import on record; how it ends is in the import's own record."""
    source = request.sources[0]
    after = {
        "importId": request.import_id,
        "mode": request.mode,
        "source": source.filename,
        "sizeBytes": source.size_bytes,
        "allowEmpty": request.allow_empty,
        "waitOnApprovals": request.waits or None,
    }
    audit_segment(
        services,
        caller,
        segment,
        action="createBigSegmentImport",
        verb="started an import into the segment",
        after={name: value for name, value in after.items() if value is not None},
    )


def _form_options(fields: dict[str, str]) -> tuple[Mode, bool, bool]:
    """Mode, whether an empty list may replace one that is not, whether to wait."""
    mode = fields.get("mode") or "merge"
    if mode not in _MODES:
        raise InvalidRequest(f"mode: use one of {', '.join(_MODES)}")
    try:
        waits = parse_flag("waitOnApprovals", fields.get("waitOnApprovals", ""))
        return mode, parse_flag("allowEmpty", fields.get("allowEmpty", "")), waits
    except FormError as exc:
        raise InvalidRequest(exc.reason) from exc


def _source_body(body: Any) -> SourceBody:  # noqa: ANN401 - any JSON
    if body is None:
        raise InvalidRequest(_NO_LIST)
    try:
        return SourceBody.model_validate(body)
    except ValidationError as exc:
        raise RequestValidationError(exc.errors()) from exc


async def _json(request: Request) -> Any:  # noqa: ANN401 - any JSON
    try:
        return await request.json() if await request.body() else None
    except (ValueError, RecursionError) as exc:
        raise InvalidRequest("the body is not valid JSON") from exc
