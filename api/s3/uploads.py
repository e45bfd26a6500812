"""Multipart uploads. Completing one copies nothing: the object is made of the parts."""

from typing import Final

import xxhash

from api.s3.bodies import read_all
from api.s3.catalogue import StoredObject, StoredPart, StoredUpload
from api.s3.conditions import replaces
from api.s3.documents import format_time, parse_items, xml_answer
from api.s3.errors import S3Refusal, invalid_argument
from api.s3.listing import MAX_PAGE, key_encoder
from api.s3.requests import Answer, Request
from api.s3.stand_in import StandIn
from api.s3.writing import copied_blob, echoed_headers, kept_headers

_MAX_PARTS: Final = 10_000
#: Source: S3 user guide, "Amazon S3 multipart upload limits".
_MIN_PART_BYTES: Final = 5 * 1024 * 1024
_MAX_DOCUMENT_BYTES: Final = 8 * 1024 * 1024


def start_upload(stand_in: StandIn, request: Request) -> Answer:
    """CreateMultipartUpload."""
    headers = kept_headers(request.headers)
    upload = StoredUpload(request.key, stand_in.random_name(), request.now_s, headers)
    stand_in.catalogue.start_upload(request.bucket, upload)
    answer = xml_answer(
        "InitiateMultipartUploadResult",
        {"Bucket": request.bucket, "Key": request.key, "UploadId": upload.upload_id},
    )
    return Answer(200, {**answer.headers, **echoed_headers(headers)}, answer.content)


def put_part(stand_in: StandIn, request: Request) -> Answer:
    """UploadPart, and UploadPartCopy where the headers name a source."""
    number, upload_id = request.number("partNumber", 0, _MAX_PARTS + 1), request.query["uploadId"]
    if not 0 < number <= _MAX_PARTS:
        raise invalid_argument(f"part numbers are 1 to {_MAX_PARTS}")
    # Asked before the body is read, which may be large.
    upload, _ = stand_in.catalogue.upload_parts(request.bucket, request.key, upload_id)
    source = request.headers.get("x-amz-copy-source")
    if source:
        _, written = copied_blob(stand_in, request, source)
    else:
        written = stand_in.blobs.write(request.body)
    part = StoredPart(number, f"xxh3-{written.digest}", request.now_s, written.blob)
    try:
        freed = stand_in.catalogue.put_part(request.bucket, request.key, upload_id, part)
    except BaseException:
        stand_in.blobs.remove([written.blob])
        raise
    stand_in.blobs.remove(freed)
    etag, echoed = f'"{part.etag}"', echoed_headers(upload.headers)
    if not source:
        return Answer(headers={"ETag": etag, **echoed})
    fields = {"ETag": etag, "LastModified": format_time(part.modified_s)}
    return xml_answer("CopyPartResult", fields)


def complete_upload(stand_in: StandIn, request: Request) -> Answer:
    """CompleteMultipartUpload."""
    upload_id = request.query["uploadId"]
    upload, parts = stand_in.catalogue.upload_parts(request.bucket, request.key, upload_id)
    chosen = _choose_parts(read_all(request.body, _MAX_DOCUMENT_BYTES), parts)
    digest = xxhash.xxh3_128("".join(part.etag for part in chosen).encode()).hexdigest()
    stored = StoredObject(
        request.key,
        f"xxh3-{digest}-{len(chosen)}",
        request.now_s,
        upload.headers,
        tuple(part.blob for part in chosen),
    )
    condition = replaces(request.headers)
    freed = stand_in.catalogue.complete_upload(request.bucket, upload_id, stored, condition)
    stand_in.blobs.remove(freed)
    answer = xml_answer(
        "CompleteMultipartUploadResult",
        {
            "Location": f"/{request.bucket}/{request.key}",
            "Bucket": request.bucket,
            "Key": request.key,
            "ETag": f'"{stored.etag}"',
        },
    )
    return Answer(200, {**answer.headers, **echoed_headers(upload.headers)}, answer.content)


def abort_upload(stand_in: StandIn, request: Request) -> Answer:
    """AbortMultipartUpload."""
    upload_id = request.query["uploadId"]
    freed = stand_in.catalogue.abort_upload(request.bucket, request.key, upload_id)
    stand_in.blobs.remove(freed)
    return Answer(204)


def list_uploads(stand_in: StandIn, request: Request) -> Answer:
    """ListMultipartUploads."""
    stand_in.catalogue.require_bucket(request.bucket)
    limit = request.number("max-uploads", MAX_PAGE, MAX_PAGE)
    prefix, encode = request.query.get("prefix", ""), key_encoder(request)
    after = (request.query.get("key-marker", ""), request.query.get("upload-id-marker", ""))
    found = stand_in.catalogue.uploads(request.bucket, prefix, after, limit=limit + 1)
    uploads = [
        {
            "Key": encode(upload.key),
            "UploadId": upload.upload_id,
            "Initiated": format_time(upload.started_s),
        }
        for upload in found[:limit]
    ]
    last = found[limit - 1] if 0 < limit < len(found) else None
    return xml_answer(
        "ListMultipartUploadsResult",
        {
            "Bucket": request.bucket,
            "Prefix": encode(prefix),
            "KeyMarker": encode(after[0]),
            "UploadIdMarker": after[1],
            **({"NextKeyMarker": encode(last.key)} if last else {}),
            **({"NextUploadIdMarker": last.upload_id} if last else {}),
            "MaxUploads": limit,
            "IsTruncated": last is not None,
            "Upload": uploads,
        },
    )


def list_parts(stand_in: StandIn, request: Request) -> Answer:
    """ListParts."""
    upload_id = request.query["uploadId"]
    limit = request.number("max-parts", MAX_PAGE, MAX_PAGE)
    after = request.number("part-number-marker", 0, _MAX_PARTS)
    _, parts = stand_in.catalogue.upload_parts(request.bucket, request.key, upload_id)
    found = [part for part in parts if part.number > after]
    shown = found[:limit]
    return xml_answer(
        "ListPartsResult",
        {
            "Bucket": request.bucket,
            "Key": request.key,
            "UploadId": upload_id,
            "PartNumberMarker": after,
            "NextPartNumberMarker": shown[-1].number if shown else after,
            "MaxParts": limit,
            "IsTruncated": len(found) > len(shown),
            "Part": [
                {
                    "PartNumber": part.number,
                    "LastModified": format_time(part.modified_s),
                    "ETag": f'"{part.etag}"',
                    "Size": part.blob.size_bytes,
                }
                for part in shown
            ],
        },
    )


def _choose_parts(document: bytes, parts: list[StoredPart]) -> list[StoredPart]:
    """Find the parts that a request names.

    Raises:
        S3Refusal: they are not all there, out of order, or too small.
    """
    known = {str(part.number): part for part in parts}
    chosen: list[StoredPart] = []
    for item in parse_items(document, "Part"):
        part = known.get(item.get("PartNumber", ""))
        if part is None or item.get("ETag", "").strip('"') != part.etag:
            message = f"there is no part {item.get('PartNumber', '')[:20]!r} with that ETag"
            raise S3Refusal(400, "InvalidPart", message)
        if chosen and chosen[-1].number >= part.number:
            raise S3Refusal(400, "InvalidPartOrder", "the parts are not in ascending order")
        chosen.append(part)
    if not chosen:
        raise S3Refusal(400, "MalformedXML", "the request names no part")
    if any(part.blob.size_bytes < _MIN_PART_BYTES for part in chosen[:-1]):
        message = f"a part before the last one is under {_MIN_PART_BYTES} bytes"
        raise S3Refusal(400, "EntityTooSmall", message)
    return chosen
