"""Starting imports: of a list in the request, or of one that is in S3 already."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.bodies.json_values import read_json
from api.bodies.media_types import is_json
from api.errors import ApiError, InvalidRequest, UnsupportedMediaType
from api.jobs.admission import admit, import_request, require_free
from api.jobs.idempotency import EarlierRequest, PendingRequest, keep_pending, start_once
from api.jobs.options import SourceBody, read_options, read_source
from api.jobs.sources import require_importable
from api.jobs.starting import Start
from api.jobs.upload import UploadedList, receive_upload, require_size
from api.jobs.uploads.models import UploadsBody, read_uploads
from api.services.services import Services
from worker.objects import NamedSource, ObjectStore, cleaning_up, upload_key
from worker.store import SourceFile, StoreError, digest_of

FORM_TYPE: Final = "multipart/form-data"

_NO_LIST: Final = (
    "no list: send multipart/form-data with a part named file, or JSON with a source or uploads"
)
#: Types that generated clients send with a form without a file.
_EMPTY_TYPES: Final = ("", "application/x-www-form-urlencoded")


def require_list_type(media_type: str) -> None:
    """Make sure that a body of this type can be a list, or name one.

    Raises:
        InvalidRequest: there is no body.
        UnsupportedMediaType: it is of another type.
    """
    if media_type == FORM_TYPE or is_json(media_type):
        return
    if media_type in _EMPTY_TYPES:
        raise InvalidRequest(_NO_LIST)
    raise UnsupportedMediaType(f"{_NO_LIST}; not {media_type[:80]}")


async def read_list_body(request: Request) -> SourceBody | UploadsBody:
    """Read the JSON body of an import of a list in S3, or of lists that were uploaded.

    Raises:
        InvalidRequest: it is not JSON, or the list could not be imported.
        RequestValidationError: a field is wrong.
    """
    raw = await request.body()
    body: Any = read_json(raw) if raw else None
    if body is None:
        raise InvalidRequest(_NO_LIST)
    if isinstance(body, dict) and "uploads" in body:
        return read_uploads(body)
    return read_source(body)


async def import_upload(request: Request, start: Start) -> Response:
    """Start an import of the form's list, or repeat the answer of an earlier request.

    Raises:
        InvalidRequest: the form is wrong.
        TooLarge: the list is.
        ImportInProgress: or another error of :func:`admit`.
    """
    services, ref = start.services, start.ref
    begun = await run_in_threadpool(start.begin, "import")
    if isinstance(begun, EarlierRequest):
        uploaded = await _receive(request, services, None, "", digest=True)
        return begun.repeat(_fingerprint(uploaded), start.respond)
    async with keep_pending(begun):
        await run_in_threadpool(require_free, start)
        import_id = services.ids()
        objects = await run_in_threadpool(services.objects)
        object_key = upload_key((ref.project, ref.environment, ref.segment), import_id)
        uploaded = await _receive(request, services, objects, object_key, digest=begun is not None)
        try:
            return await run_in_threadpool(_admit_upload, uploaded, import_id, start, begun)
        except (StoreError, ApiError) as exc:
            with cleaning_up(exc):
                await services.object_threads.run(objects.delete, object_key)
            raise


async def import_source(body: SourceBody, start: Start) -> Response:
    """Start an import of a list in S3, or repeat the answer of an earlier request.

    Raises:
        InvalidRequest: or SourceNotAllowed: the list cannot be imported.
        ImportInProgress: or another error of :func:`admit`.
    """
    named = body.named(start.services.settings.sources)
    await require_importable(start.services, named, body.reading)
    return await run_in_threadpool(_admit_source, body, named, start)


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


def _fingerprint(uploaded: UploadedList) -> str:
    options = read_options(uploaded.fields).model_dump()
    return digest_of("upload", options, uploaded.info.size_bytes, uploaded.digest)


def _admit_upload(
    uploaded: UploadedList, import_id: str, start: Start, begun: PendingRequest | None
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
    request = import_request(import_id, [source], read_options(uploaded.fields), start)

    def admit_request() -> Response:
        admit(start, request)
        return start.respond(import_id)

    return start_once(begun, _fingerprint(uploaded), import_id, admit_request)


def _admit_source(body: SourceBody, named: Sequence[NamedSource], start: Start) -> Response:
    sources = [_source_file(source, is_only=len(named) == 1) for source in named]

    def admit_import(import_id: str) -> None:
        admit(start, import_request(import_id, sources, body, start))

    return start.admit_once("import", digest_of("source", body.model_dump()), admit_import)


def _source_file(source: NamedSource, *, is_only: bool) -> SourceFile:
    """What is recorded of a source; an object is known by its name if it is the only one."""
    name = source.address
    if is_only and source.kind == "object":
        name = source.key.rpartition("/")[2] or source.key
    return SourceFile(source.bucket, source.key, name, uploaded=False, kind=source.kind)
