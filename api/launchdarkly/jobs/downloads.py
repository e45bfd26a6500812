"""``…/exports/{exportID}/download``: the file of an export, whole or in part."""

from collections.abc import Generator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.errors import NotFound, RangeNotSatisfiable
from api.http.byte_ranges import ByteRange, is_named, is_same, parse_range
from api.launchdarkly.jobs.documentation import ExportId
from api.launchdarkly.jobs.exports import find_export
from api.launchdarkly.wire.links import SegmentPath
from api.launchdarkly.wire.parameters import SEGMENT_ROUTE
from api.launchdarkly.wire.requests import SegmentPathOf
from api.rest.operations import READ, operation
from api.services.services import Services, ServicesOf
from worker.objects import ObjectInfo, ObjectNotFound

router = APIRouter(
    prefix=f"{SEGMENT_ROUTE}/exports/{{exportID}}/download",
    tags=["Segments"],
)

_MEDIA_TYPES: Final[dict[Literal["csv", "parquet"], str]] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "required": True, "schema": {"type": "string"}}


_FILE_HEADERS: Final = {
    "Accept-Ranges": _header("`bytes`: parts of the file can be requested."),
    "Content-Disposition": _header("A name for the file."),
    "ETag": _header("Identifies the file, which never changes."),
}
_RANGE_HEADERS: Final = {
    **_FILE_HEADERS,
    "Content-Range": _header("Where the range is, and how many bytes the file has."),
}
#: The binary type first: most client generators use the first for both.
_FILE: Final = {
    "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    "text/csv": {"schema": {"type": "string"}},
}


@router.get(
    "",
    operation_id="downloadBigSegmentExport",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file: CSV with one key per line and no header, or Parquet.",
            "headers": _FILE_HEADERS,
            "content": _FILE,
        },
        206: {
            "description": "The requested range of the file.",
            "headers": _RANGE_HEADERS,
            "content": _FILE,
        },
        304: {
            "description": "The caller has the file already; the response has no body.",
            "headers": {"ETag": _FILE_HEADERS["ETag"]},
        },
    },
)
@router.head("", include_in_schema=False)
@operation(
    needs=READ,
    refuses={
        NotFound: "The project, the environment, the segment or the export does not exist, or "
        "the export has no file: it is not complete, or the file was deleted.",
        RangeNotSatisfiable: "The file has no byte in the range; `Content-Range` gives its size.",
    },
)
async def download(
    request: Request,
    path: SegmentPathOf,
    exportID: ExportId,  # noqa: N803 - the documented name
    services: ServicesOf,
    wanted: Annotated[
        str,
        Header(
            alias="Range",
            description="One range of bytes: the first and the last, the first alone, or `-` and "
            "how many from the end. Any other value is ignored: the whole file is sent.",
        ),
    ] = "",
    if_range: Annotated[
        str,
        Header(
            alias="If-Range",
            description="The `ETag` of the file that `Range` is meant for; if it is another, the "
            "whole file is sent.",
        ),
    ] = "",
    if_none_match: Annotated[
        str,
        Header(
            alias="If-None-Match",
            description="The `ETag` of a file that the caller has, which is not sent again.",
        ),
    ] = "",
) -> Response:
    """Stream the file of a complete export, or one range of its bytes.

    The file never changes: `ETag` identifies it, and an interrupted download is resumed with
    `Range` and `If-Range`. A request for several ranges gets the whole file. `HEAD` returns the
    headers alone.
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
    """Make sure that the file still exists, for an answer without its bytes.

    Raises:
        NotFound: it was deleted.
        ObjectError: the bucket cannot tell.
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
        # Read the first piece before the answer begins, so that a deleted file is a 404.
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
