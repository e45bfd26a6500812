"""Deletes objects, many in a request where the service takes that, else one by one."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from worker.errors import TerminalError
from worker.objects.driver_errors import driver_errors, is_answer, reply_error
from worker.objects.errors import (
    BucketMissing,
    ObjectAccessDenied,
    ObjectNotFound,
    ObjectStoreRefused,
    ObjectStoreUnavailable,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Tries of deleting one object while the service asks to slow down, each of them the driver's
#: few. A service that does not answer at all is left to the caller.
_TRIES: Final = 4
#: Seconds before the second of them; doubled for each further one.
_FIRST_PAUSE_S: Final = 0.2


def delete_prefix(
    client: "S3Client",
    bucket: str,
    prefix: str,
    sleep: Callable[[float], None],
    *,
    but: str | None = None,
) -> int:
    """Delete all objects below a prefix but one, a page of at most 1,000 a request.

    Not every service takes many deletions in one request, and not every policy or proxy allows
    it; then, and for the keys that such a request refuses, each object takes a request.

    Returns:
        How many were deleted.

    Raises:
        ObjectError: some could not be deleted; the ones before them were. Safe to retry
            if transient.
        ValueError: the prefix is empty, which would mean the whole bucket.
    """
    if not prefix:
        raise ValueError(f"an empty prefix would delete all of s3://{bucket}")
    deleted, together = 0, True
    with driver_errors("delete all of", bucket, prefix):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys = [entry["Key"] for entry in page.get("Contents", ()) if entry["Key"] != but]
            left = keys
            if keys and together:
                try:
                    left = _delete_together(client, bucket, keys)
                except (ObjectStoreRefused, ObjectAccessDenied):
                    together = False
            for key in left:
                delete_one(client, bucket, key, sleep)
            deleted += len(keys)
    return deleted


def delete_one(client: "S3Client", bucket: str, key: str, sleep: Callable[[float], None]) -> None:
    """Delete one object; a missing one is not an error.

    Raises:
        ObjectError: it could not be deleted. Safe to retry if transient.
    """
    for earlier in range(_TRIES):
        try:
            with driver_errors("delete", bucket, key):
                client.delete_object(Bucket=bucket, Key=key)
        except ObjectNotFound:  # other services say so, S3 does not
            return
        except ObjectStoreUnavailable as exc:
            if earlier == _TRIES - 1 or not is_answer(exc.__cause__):
                raise
            # Half to all of it, so that throttled workers do not come back together.
            jitter = random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, keeps no secret
            sleep(_FIRST_PAUSE_S * 2**earlier * jitter)
        else:
            return


def _delete_together(client: "S3Client", bucket: str, keys: list[str]) -> list[str]:
    """Delete a page in one request; returns the keys that were refused.

    Raises:
        ObjectError: the request itself was refused, or a key may be deleted by another try.
    """
    with driver_errors("delete objects of", bucket, keys[0]):
        reply = client.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
    refused = []
    for error in reply.get("Errors", ()):
        key, code = error.get("Key", ""), error.get("Code", "")
        found = reply_error(code, error.get("Message", ""), "delete", bucket, key)
        if not isinstance(found, TerminalError) or isinstance(found, BucketMissing):
            raise found
        refused.append(key)
    return refused
