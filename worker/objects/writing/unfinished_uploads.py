"""Ends the unfinished uploads below a prefix, a bounded page at a time."""

from typing import TYPE_CHECKING

from worker.objects.driver_errors import driver_errors
from worker.objects.errors import UploadLost

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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


def _abort(client: "S3Client", bucket: str, key: str, upload_id: str) -> None:
    try:
        with driver_errors("abort the upload of", bucket, key):
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except UploadLost:
        return  # it ended meanwhile
