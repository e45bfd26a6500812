"""Tags of an object: short names and values that lifecycle rules and policies can use."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from worker.objects.driver_errors import driver_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Source: S3 user guide, "Categorizing your objects using tags".
_LONGEST_VALUE: Final = 256
_NO_TAG: Final = re.compile(r"[^\w.:/=+\-@]+", re.ASCII)


def read_tags(client: "S3Client", bucket: str, key: str) -> dict[str, str]:
    """Read an object's tags.

    Raises:
        ObjectError: they cannot be read. Safe to retry if transient.
    """
    with driver_errors("read the tags of", bucket, key):
        reply = client.get_object_tagging(Bucket=bucket, Key=key)
    return {tag["Key"]: tag["Value"] for tag in reply["TagSet"]}


def write_tags(client: "S3Client", bucket: str, key: str, tags: Mapping[str, str]) -> None:
    """Add tags to those that an object has, or change them; it may have ten.

    Characters that a value cannot have become spaces, and one that is too long is cut.

    Raises:
        ObjectError: they cannot be written. Safe to retry if transient.
    """
    clean = {name: _NO_TAG.sub(" ", value)[:_LONGEST_VALUE] for name, value in tags.items()}
    together = read_tags(client, bucket, key) | clean
    with driver_errors("write the tags of", bucket, key):
        client.put_object_tagging(
            Bucket=bucket,
            Key=key,
            Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in together.items()]},
        )
