"""Deletes everything below a prefix, a bounded page at a time."""

from typing import TYPE_CHECKING

from worker.objects.driver_errors import driver_errors, reply_error
from worker.objects.errors import UploadLost

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def delete_prefix(client: "S3Client", bucket: str, prefix: str) -> int:
    """Delete all objects below a prefix, a page of at most 1,000 a request.

    Returns:
        How many were deleted.

    Raises:
        ObjectError: some could not be deleted; those before them are. Safe to retry if transient.
        ValueError: the prefix is empty, which would mean the whole bucket.
    """
    if not prefix:
        raise ValueError(f"an empty prefix would delete all of s3://{bucket}")
    deleted = 0
    with driver_errors("delete all of", bucket, prefix):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys = [entry["Key"] for entry in page.get("Contents", ())]
            if keys:
                _delete_page(client, bucket, keys)
                deleted += len(keys)
    return deleted


def abort_uploads(client: "S3Client", bucket: str, prefix: str) -> int:
    """Abort all unfinished multipart uploads below a prefix: what killed writers left behind.

    An upload that is still being written fails with ``UploadLost``.

    Returns:
        How many were found.

    Raises:
        ObjectError: some could not be aborted. Safe to retry if transient.
    """
    found = 0
    with driver_errors("list the uploads of", bucket, prefix):
        pages = client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for upload in page.get("Uploads", ()):
                found += 1
                _abort(client, bucket, upload["Key"], upload["UploadId"])
    return found


def _delete_page(client: "S3Client", bucket: str, keys: list[str]) -> None:
    reply = client.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
    )
    for error in reply.get("Errors", ()):
        raise reply_error(
            error.get("Code", ""), error.get("Message", ""), "delete", bucket, error.get("Key", "")
        )


def _abort(client: "S3Client", bucket: str, key: str, upload_id: str) -> None:
    try:
        with driver_errors("abort the upload of", bucket, key):
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except UploadLost:
        return  # it ended meanwhile
