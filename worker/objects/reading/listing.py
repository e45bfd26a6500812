"""Lists the objects of a bucket whose keys begin alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.objects.driver_errors import driver_errors
from worker.objects.info import ObjectInfo, archive_fault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object as a listing has it."""

    info: ObjectInfo
    archived: bool
    """Whether it is in an archive, from which it may have been restored: its head says so."""


def list_pages(client: "S3Client", bucket: str, prefix: str) -> Iterator[list[ListedObject]]:
    """Yield the objects below a prefix in order of their keys, up to 1,000 a request.

    Raises:
        BucketMissing: there is no such bucket.
        ObjectAccessDenied: the credentials may not list it (``s3:ListBucket``).
    """
    pages = iter(client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
    while True:
        with driver_errors("list", bucket, prefix or None):
            page = next(pages, None)
        if page is None:
            return
        yield [
            ListedObject(
                ObjectInfo(bucket, entry["Key"], entry["Size"], entry["ETag"]),
                archive_fault(entry) is not None,
            )
            for entry in page.get("Contents", ())
        ]
