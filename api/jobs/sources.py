"""Refusing at once lists in S3 that no import could read."""

from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

from api.errors import InvalidRequest
from api.services.services import Services
from worker.objects import (
    FOLDER_FAULT,
    ObjectAccessDenied,
    ObjectArchived,
    ObjectError,
    ObjectInfo,
    ObjectNotFound,
    ObjectStore,
    ObjectStoreRefused,
    SourceNotAllowed,
    is_folder_marker,
    parse_source,
)


async def require_importable(services: Services, source: str) -> None:
    """Refuse a source that is known not to be importable.

    Asks S3 once, for a few seconds at most. A list that is missing may still come, and a store
    that does not answer this process now, or not its credentials, may answer the worker: these
    pass, and the import says how it ended.

    Raises:
        InvalidRequest: it is a folder, or only its decoded key exists, or S3 refuses to give it for
            a reason that waiting does not change: an archive, a policy, a KMS key, a region.
        SourceNotAllowed: as :func:`parse_source`.
    """
    allowed = services.settings.sources
    bucket, key = parse_source(source, allowed)
    try:
        await services.object_threads.run(_check, services.objects(), bucket, key, allowed)
    except (ObjectArchived, ObjectAccessDenied, ObjectStoreRefused) as exc:
        raise InvalidRequest(str(exc)) from exc
    except ObjectError:
        return


def _check(objects: ObjectStore, bucket: str, key: str, allowed: tuple[str, ...]) -> None:
    source = f"s3://{bucket}/{key}"
    info = _head(objects, bucket, key)
    if info is not None:
        if is_folder_marker(info):
            raise InvalidRequest(f"{source} {FOLDER_FAULT}")
        return
    if key.endswith("/"):
        raise InvalidRequest(f"{source} {FOLDER_FAULT}")
    for decoded in _decoded(bucket, key, allowed):
        if _head(objects, bucket, decoded) is not None:
            raise InvalidRequest(
                f"there is no {source}, but there is s3://{bucket}/{decoded}: keys in S3 event "
                "notifications are URL-encoded; send the decoded one"
            )


def _head(objects: ObjectStore, bucket: str, key: str) -> ObjectInfo | None:
    try:
        return objects.head(key, bucket=bucket, briefly=True)
    except ObjectNotFound:
        return None


def _decoded(bucket: str, key: str, allowed: tuple[str, ...]) -> Iterator[str]:
    """The keys that this one may encode, of those that an import may read."""
    for decoded in dict.fromkeys((unquote_plus(key), unquote(key))):
        try:
            parse_source(f"s3://{bucket}/{decoded}", allowed)
        except SourceNotAllowed:
            continue
        if decoded != key:
            yield decoded
