"""The file of a job as an answer, whole or in part: an export, or rejected rows."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response
from fastapi.responses import StreamingResponse

from api.errors import NotFound, RangeNotSatisfiable
from api.http.byte_ranges import ByteRange, parse_range
from api.http.entity_tags import is_named, is_same
from api.rest.operations import Refusals
from api.services.services import Services
from worker.objects import ObjectChanged, ObjectInfo, ObjectNotFound
from worker.options.exports import ExportFormat

MEDIA_TYPES: Final[dict[ExportFormat, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
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
    "application/x-ndjson": {"schema": {"type": "string"}},
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
}


def document_file(description: str, content: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Document the answers of an operation that sends a file.

    Args:
        description: what the file is.
        content: its media types, with their schemas.
    """
    return {
        200: {"description": description, "headers": _FILE_HEADERS, "content": content},
        206: {
            "description": "The requested range of the file.",
            "headers": _RANGE_HEADERS,
            "content": content,
        },
        304: {
            "description": "The caller has the file already; the response has no body.",
            "headers": {"ETag": _FILE_HEADERS["ETag"]},
        },
    }


#: Of operations that answer with a file.
NO_BYTE_IN_RANGE: Final[Refusals] = MappingProxyType(
    {RangeNotSatisfiable: "The file has no byte in the range; `Content-Range` gives its size."}
)
FILE_RESPONSES: Final = document_file(
    "The file: one key per row of CSV, JSON Lines or Parquet; or the manifest of an export of "
    "parts.",
    _FILE,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a file a request wants."""

    range: str
    if_range: str
    if_none_match: str


def read_wanted(
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
) -> Wanted:
    """What the headers of a request want."""
    return Wanted(wanted, if_range, if_none_match)


WantedOf = Annotated[Wanted, Depends(read_wanted)]


@dataclass(frozen=True, slots=True)
class JobFile:
    """The object that holds a file, and the headers that describe it."""

    info: ObjectInfo
    headers: dict[str, str]
    deleted: str
    """What is said of it once it is deleted, or is another one at a destination."""


def describe_file(info: ObjectInfo, file_name: str, media_type: str) -> dict[str, str]:
    """The headers that describe a file."""
    return {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{file_name}"',
        "Content-Type": media_type,
        "ETag": info.etag,
    }


async def send_file(
    request: Request, services: Services, file: JobFile, wanted: Wanted
) -> Response:
    """Answer with the file, a range of it, its headers alone, or that the caller has it.

    Raises:
        NotFound: it was deleted.
        RangeNotSatisfiable: it has no byte in the range.
        ObjectError: the bucket cannot tell.
    """
    info, headers = file.info, dict(file.headers)
    if is_named(info.etag, wanted.if_none_match):
        await _require_file(services, file)
        return Response(status_code=304, headers={"ETag": info.etag})
    if request.method == "HEAD":
        await _require_file(services, file)
        return Response(headers={**headers, "Content-Length": str(info.size_bytes)})
    part = None
    if wanted.range and (not wanted.if_range or is_same(info.etag, wanted.if_range)):
        part = parse_range(wanted.range, info.size_bytes)
    return await _stream(services, file, part)


async def _require_file(services: Services, file: JobFile) -> None:
    """Make sure that the file is still there as it was, for an answer without its bytes.

    Raises:
        NotFound: it was deleted or replaced.
        ObjectError: the bucket cannot tell.
    """
    head, info = services.objects().head, file.info
    try:
        found = await services.object_threads.run(head, info.key, bucket=info.bucket)
    except ObjectNotFound as exc:
        raise NotFound(file.deleted) from exc
    if found.etag != info.etag:
        raise NotFound(file.deleted)


async def _stream(services: Services, file: JobFile, part: ByteRange | None) -> StreamingResponse:
    info, headers = file.info, dict(file.headers)
    requested = part or ByteRange(0, info.size_bytes)

    def begin() -> tuple[Generator[bytes, None, None], bytes]:
        pieces = services.objects().read_range(info, requested.start, requested.end)
        return pieces, next(pieces, b"")

    try:
        # Read the first piece before the answer begins, so that a file that is gone is a 404.
        pieces, first = await services.object_threads.run(begin)
    except (ObjectNotFound, ObjectChanged) as exc:
        raise NotFound(file.deleted) from exc
    headers["Content-Length"] = str(requested.end - requested.start)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{info.size_bytes}"
    return StreamingResponse(
        services.object_threads.stream(pieces, first),
        status_code=200 if part is None else 206,
        headers=headers,
    )
