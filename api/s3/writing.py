"""PutObject, CopyObject and the deletions."""

from collections.abc import Mapping
from typing import Final

from api.s3.blobs import WrittenBlob
from api.s3.bodies import Headers, read_all
from api.s3.catalogue import StoredObject
from api.s3.conditions import is_unchanged, parse_range, replaces
from api.s3.copying import FileBody
from api.s3.documents import format_time, parse_items, xml_answer
from api.s3.errors import S3Refusal, invalid_argument
from api.s3.requests import Answer, Request, parse_key, parse_source
from api.s3.stand_in import StandIn

#: What a writer says of an object and its readers are told.
_KEPT: Final = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
    }
)
_ECHOED: Final = ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id")
_METADATA: Final = "x-amz-meta-"
_MAX_DOCUMENT_BYTES: Final = 8 * 1024 * 1024
_MAX_DELETED: Final = 1000


def put_object(stand_in: StandIn, request: Request) -> Answer:
    """PutObject, and CopyObject where the headers name a source."""
    source = request.headers.get("x-amz-copy-source")
    if source:
        return _copy_object(stand_in, request, source)
    stand_in.catalogue.require_bucket(request.bucket)
    written = stand_in.blobs.write(request.body)
    headers = kept_headers(request.headers)
    stored = _put(stand_in, request, written, headers)
    return Answer(headers={"ETag": f'"{stored.etag}"', **echoed_headers(headers)})


def delete_object(stand_in: StandIn, request: Request) -> Answer:
    """DeleteObject; a missing one is no error."""
    condition = replaces(request.headers)
    stand_in.blobs.remove(stand_in.catalogue.delete(request.bucket, [request.key], condition))
    return Answer(204)


def delete_objects(stand_in: StandIn, request: Request) -> Answer:
    """DeleteObjects: up to 1,000 of them."""
    document = read_all(request.body, _MAX_DOCUMENT_BYTES)
    keys = [parse_key(item.get("Key", "")) for item in parse_items(document, "Object")]
    quiet = any(item.get("Quiet") == "true" for item in parse_items(document, "Delete"))
    if not 0 < len(keys) <= _MAX_DELETED:
        raise S3Refusal(400, "MalformedXML", f"1 to {_MAX_DELETED} keys can be deleted together")
    stand_in.blobs.remove(stand_in.catalogue.delete(request.bucket, keys))
    deleted = [] if quiet else [{"Key": key} for key in keys]
    return xml_answer("DeleteResult", {"Deleted": deleted})


def kept_headers(headers: Headers) -> dict[str, str]:
    """Choose what is kept of a writer's headers."""
    kept = {
        name.lower(): value
        for name, value in headers.items()
        if name.lower() in _KEPT or name.lower().startswith(_METADATA)
    }
    # This one speaks of the transfer alone.
    encodings = kept.pop("content-encoding", "").split(",")
    encoding = ",".join(
        name for name in map(str.strip, encodings) if name not in {"", "aws-chunked"}
    )
    return {**kept, "content-encoding": encoding} if encoding else kept


def echoed_headers(kept: Mapping[str, str]) -> dict[str, str]:
    """Choose what a writer is told again."""
    return {name: kept[name] for name in _ECHOED if name in kept}


def copied_blob(
    stand_in: StandIn, request: Request, source: str
) -> tuple[StoredObject, WrittenBlob]:
    """Copy the source of a request, or the range of it that is asked for, to a new piece.

    Raises:
        S3Refusal: there is no such source, or a condition does not hold.
    """
    bucket, key = parse_source(source)
    stored: StoredObject | None = None
    while True:
        stored = stand_in.find(bucket, key, stored)
        if is_unchanged(stored, request.headers, "x-amz-copy-source-"):
            raise S3Refusal(412, "PreconditionFailed", "the source has not changed")
        size = stored.size_bytes
        start, end = parse_range(request.headers.get("x-amz-copy-source-range"), size) or (0, size)
        slices = stand_in.blobs.cut(stored.blobs, start, end)
        if stand_in.blobs.lease(slices):
            break
    try:
        return stored, stand_in.blobs.write(FileBody(slices))
    finally:
        stand_in.blobs.release(slices)


def _copy_object(stand_in: StandIn, request: Request, source: str) -> Answer:
    stand_in.catalogue.require_bucket(request.bucket)
    directive = request.headers.get("x-amz-metadata-directive", "COPY")
    if directive not in {"COPY", "REPLACE"}:
        raise invalid_argument(f"x-amz-metadata-directive is {directive[:40]!r}")
    original, written = copied_blob(stand_in, request, source)
    headers = kept_headers(request.headers)
    if directive == "COPY":
        headers = {**original.headers, **echoed_headers(headers)}
    stored = _put(stand_in, request, written, headers)
    fields = {"ETag": f'"{stored.etag}"', "LastModified": format_time(stored.modified_s)}
    answer = xml_answer("CopyObjectResult", fields)
    return Answer(200, {**answer.headers, **echoed_headers(headers)}, answer.content)


def _put(
    stand_in: StandIn, request: Request, written: WrittenBlob, headers: Mapping[str, str]
) -> StoredObject:
    etag = f"xxh3-{written.digest}"
    stored = StoredObject(request.key, etag, request.now_s, headers, (written.blob,))
    try:
        freed = stand_in.catalogue.put(request.bucket, stored, replaces(request.headers))
    except BaseException:
        stand_in.blobs.remove([written.blob])
        raise
    stand_in.blobs.remove(freed)
    return stored
