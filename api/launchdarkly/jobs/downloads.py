"""``…/exports/{exportID}/download``: the file of an export, whole or in part."""

from collections.abc import Generator
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.errors import NotFound
from api.http.byte_ranges import ByteRange, is_named, is_same, parse_range
from api.launchdarkly.jobs.exports import find_export
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.requests import SegmentPathOf
from api.services.services import Services, ServicesOf
from worker.objects import ObjectInfo, ObjectNotFound

_MEDIA_TYPES: Final[dict[Literal["csv", "parquet"], str]] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


def router() -> APIRouter:
    """The routes of this module."""
    path = "/api/v2/segments/{projectKey}/{environmentKey}/{segmentKey}/exports/{exportID}/download"
    operation = "downloadBigSegmentExport"
    routes = APIRouter(tags=["Segments"])
    routes.get(path, operation_id=operation, response_class=StreamingResponse)(download)
    # The same operation to the table of permissions, and none of its own in the document.
    routes.head(path, operation_id=operation, include_in_schema=False)(download)
    return routes


async def download(
    request: Request,
    path: SegmentPathOf,
    exportID: str,  # noqa: N803 - the documented name
    services: ServicesOf,
    wanted: Annotated[str, Header(alias="Range")] = "",
    if_range: Annotated[str, Header(alias="If-Range")] = "",
    if_none_match: Annotated[str, Header(alias="If-None-Match")] = "",
) -> Response:
    """Stream the file of a complete export, or one range of its bytes.

    The file never changes: `ETag` identifies it, and an interrupted download continues with
    `Range` and `If-Range`. Several ranges in one request are answered with the whole file. `HEAD`
    gives the headers alone.
    """
    info, headers = await run_in_threadpool(_find_file, services, path, exportID)
    if is_named(info.etag, if_none_match):
        await _require_file(services, info, exportID)
        return Response(status_code=304, headers={"ETag": info.etag})
    if request.method == "HEAD":
        await _require_file(services, info, exportID)
        return Response(headers={**headers, "Content-Length": str(info.size_bytes)})
    part = None
    if wanted and (not if_range or is_same(info.etag, if_range)):
        part = parse_range(wanted, info.size_bytes)
    return await _stream(services, info, exportID, headers, part)


def _find_file(
    services: Services, path: SegmentPath, export_id: str
) -> tuple[ObjectInfo, dict[str, str]]:
    """The object that holds the file, and the headers that describe it."""
    request, state = find_export(services, path, export_id)
    report = state.report
    if state.status != "complete" or report is None:
        raise NotFound(f"export {export_id} has no file: it is {state.status}")
    info = ObjectInfo(report["bucket"], report["key"], report["sizeBytes"], report["etag"])
    name = f"{path.segment}.{request.format}"
    return info, {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Type": _MEDIA_TYPES[request.format],
        "ETag": info.etag,
    }


async def _require_file(services: Services, info: ObjectInfo, export_id: str) -> None:
    """Make sure that the file still exists, where none of its bytes are read.

    Raises:
        NotFound: it was deleted.
        ObjectError: the bucket does not say.
    """
    try:
        await services.object_threads.run(services.objects().head, info.key, bucket=info.bucket)
    except ObjectNotFound as exc:
        raise _deleted(export_id) from exc


async def _stream(
    services: Services,
    info: ObjectInfo,
    export_id: str,
    headers: dict[str, str],
    part: ByteRange | None,
) -> StreamingResponse:
    requested = part or ByteRange(0, info.size_bytes)

    def begin() -> tuple[Generator[bytes, None, None], bytes]:
        pieces = services.objects().read_range(info, requested.start, requested.end)
        return pieces, next(pieces, b"")

    try:
        # The first piece before the answer begins, so that a lost file is a 404.
        pieces, first = await services.object_threads.run(begin)
    except ObjectNotFound as exc:
        raise _deleted(export_id) from exc
    headers["Content-Length"] = str(requested.end - requested.start)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{info.size_bytes}"
    return StreamingResponse(
        services.object_threads.stream(pieces, first),
        status_code=200 if part is None else 206,
        headers=headers,
    )


def _deleted(export_id: str) -> NotFound:
    return NotFound(f"the file of export {export_id} was deleted; export again")
