"""The head of one object, and what stands in the way of reading the object itself."""

from typing import TYPE_CHECKING, cast

from worker.objects.driver_errors import driver_errors, s3_address
from worker.objects.errors import ObjectAccessDenied, ObjectArchived, ObjectStoreRefused
from worker.objects.info import ObjectInfo, archive_fault, unix_ms

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_s3 import S3Client


def head_object(client: "S3Client", bucket: str, key: str) -> ObjectInfo:
    """Read the size and ETag of one object. Cost: one request, or two if it may be unreadable.

    Args:
        client: sends it.
        bucket: the bucket.
        key: the object's key.

    Raises:
        ObjectNotFound: there is no such object, or no such bucket (S3 does not say which).
        ObjectArchived: it cannot be read before it is restored.
        ObjectAccessDenied: these credentials may not read it, or may not use its KMS key.
        ObjectError: it cannot be read.
    """
    try:
        with driver_errors("look at", bucket, key):
            reply = client.head_object(Bucket=bucket, Key=key)
    except (ObjectAccessDenied, ObjectStoreRefused):
        # The answer to HEAD has no body, so the reason for the refusal is missing.
        _read_first_byte(client, bucket, key)
        raise
    if fault := archive_fault(reply):
        raise ObjectArchived(f"cannot read {s3_address(bucket, key)}: {fault}")
    if reply["ContentLength"] and "kms" in reply.get("ServerSideEncryption", ""):
        # Its head is readable without its key.
        _read_first_byte(client, bucket, key)
    # Some services leave it out.
    modified = cast("datetime | None", reply.get("LastModified"))
    modified_ms = None if modified is None else unix_ms(modified)
    return ObjectInfo(bucket, key, reply["ContentLength"], reply["ETag"], modified_ms)


def _read_first_byte(client: "S3Client", bucket: str, key: str) -> None:
    """Ask for content, to be told what stands in the way.

    Raises:
        ObjectError: what does.
    """
    with driver_errors("read", bucket, key):
        client.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].close()
