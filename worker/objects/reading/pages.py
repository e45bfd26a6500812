"""One page of a listing of objects, in the order of their keys."""

from typing import TYPE_CHECKING, Final

from worker.objects.driver_errors import driver_errors
from worker.objects.info import ObjectInfo, unix_ms

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: The most that S3 lists in one request.
PAGE: Final = 1_000


def list_page(
    client: "S3Client", bucket: str, prefix: str, after: str
) -> tuple[list[ObjectInfo], str | None]:
    """List up to 1,000 objects below a prefix. Cost: one request.

    Args:
        client: sends it.
        bucket: the bucket.
        prefix: which the keys begin with.
        after: keys up to this one are left out; empty for none.

    Returns:
        The objects with their times, and the key after which the next page begins, if there is
        one.

    Raises:
        ObjectError: the bucket cannot be listed. Safe to retry if transient.
    """
    with driver_errors("list objects of", bucket, prefix):
        reply = client.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after, MaxKeys=PAGE)
    found = [
        ObjectInfo(
            bucket, entry["Key"], entry["Size"], entry["ETag"], unix_ms(entry["LastModified"])
        )
        for entry in reply.get("Contents", ())
    ]
    return found, found[-1].key if found and reply["IsTruncated"] else None
