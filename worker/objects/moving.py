"""Moves one state of an object: a copy, and a deletion that spares a newer state."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Final

from worker.objects.driver_errors import driver_errors
from worker.objects.errors import ObjectError, ObjectStoreRefused
from worker.objects.info import ObjectInfo
from worker.objects.writing.part_sizes import MAX_PARTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

#: Larger objects are copied in parts of this size or more, because a service that copies byte by
#: byte would not answer in time. S3 itself copies at most 5 GiB in one request.
_PART_BYTES: Final = 256 * 1024 * 1024
_PARTS_AT_ONCE: Final = 4


def copy_object(client: "S3Client", source: ObjectInfo, key: str) -> None:
    """Copy a state of an object inside its bucket; the service moves the bytes.

    Raises:
        ObjectChanged: the object was replaced; nothing was copied.
        ObjectError: it could not be copied. Safe to retry if transient.
    """
    if source.size_bytes > _PART_BYTES:
        _copy_parts(client, source, key)
        return
    with driver_errors("copy", source.bucket, source.key):
        client.copy_object(
            Bucket=source.bucket,
            Key=key,
            CopySource={"Bucket": source.bucket, "Key": source.key},
            CopySourceIfMatch=source.etag,
        )


def delete_object(client: "S3Client", obj: ObjectInfo) -> None:
    """Delete an object on the condition that it is still in this state.

    Call it only after a look at its head: services without conditional deletions delete it in
    whatever state.

    Raises:
        ObjectChanged: it was replaced; nothing was deleted.
        ObjectError: it could not be deleted. Safe to retry if transient.
    """
    try:
        with driver_errors("delete", obj.bucket, obj.key):
            client.delete_object(Bucket=obj.bucket, Key=obj.key, IfMatch=obj.etag)
    except ObjectStoreRefused:
        with driver_errors("delete", obj.bucket, obj.key):
            client.delete_object(Bucket=obj.bucket, Key=obj.key)


def _copy_parts(client: "S3Client", source: ObjectInfo, key: str) -> None:
    with driver_errors("start the upload of", source.bucket, key):
        upload_id = client.create_multipart_upload(Bucket=source.bucket, Key=key)["UploadId"]
    try:
        parts = _send_parts(client, source, key, upload_id)
        with driver_errors("complete", source.bucket, key):
            client.complete_multipart_upload(
                Bucket=source.bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
            )
    except BaseException as exc:
        try:
            with driver_errors("abort the upload of", source.bucket, key):
                client.abort_multipart_upload(Bucket=source.bucket, Key=key, UploadId=upload_id)
        except ObjectError as failed:
            exc.add_note(f"and its parts were left behind: {failed}")
        raise


def _send_parts(
    client: "S3Client", source: ObjectInfo, key: str, upload_id: str
) -> "list[CompletedPartTypeDef]":
    size = max(_PART_BYTES, -(-source.size_bytes // MAX_PARTS))

    def send(number: int, start: int) -> "CompletedPartTypeDef":
        end = min(start + size, source.size_bytes)
        with driver_errors("copy", source.bucket, source.key):
            reply = client.upload_part_copy(
                Bucket=source.bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                CopySource={"Bucket": source.bucket, "Key": source.key},
                CopySourceIfMatch=source.etag,
                CopySourceRange=f"bytes={start}-{end - 1}",
            )
        return {"PartNumber": number, "ETag": reply["CopyPartResult"]["ETag"]}

    with ThreadPoolExecutor(_PARTS_AT_ONCE, thread_name_prefix="copy") as threads:
        return list(threads.map(send, count(1), range(0, source.size_bytes, size)))
