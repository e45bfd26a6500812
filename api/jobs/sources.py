"""Refusing lists in S3 at once where it is known that no import could read them."""

from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

from api.errors import InvalidRequest
from api.services.services import Services
from worker.objects import (
    FOLDER_FAULT,
    ObjectArchived,
    ObjectError,
    ObjectInfo,
    ObjectNotFound,
    ObjectStore,
    SourceNotAllowed,
    is_folder_marker,
    parse_source,
)


async def require_importable(services: Services, source: str) -> None:
    """Refuse a source whose object is known to be none that can be imported.

    Asks S3 with one try of a few seconds. A list that is missing may still come, and a store
    that does not answer now may answer the worker: both pass, and the import says how it ended.

    Raises:
        InvalidRequest: it is a folder or lies in an archive, or only its decoded key exists.
        SourceNotAllowed: as :func:`parse_source`.
    """
    allowed = services.settings.sources
    bucket, key = parse_source(source, allowed)
    try:
        await services.object_threads.run(_look, services.objects(), bucket, key, allowed)
    except ObjectArchived as exc:
        raise InvalidRequest(str(exc)) from exc
    except ObjectError:
        return


def _look(objects: ObjectStore, bucket: str, key: str, allowed: tuple[str, ...]) -> None:
    source = f"s3://{bucket}/{key}"
    info = _found(objects, bucket, key)
    if info is not None:
        if is_folder_marker(info):
            raise InvalidRequest(f"{source} {FOLDER_FAULT}")
        return
    if key.endswith("/"):
        raise InvalidRequest(f"{source} {FOLDER_FAULT}")
    for decoded in _decoded(bucket, key, allowed):
        if _found(objects, bucket, decoded) is not None:
            raise InvalidRequest(
                f"there is no {source}, but there is s3://{bucket}/{decoded}: keys in S3 event "
                "notifications are URL-encoded; send the decoded one"
            )


def _found(objects: ObjectStore, bucket: str, key: str) -> ObjectInfo | None:
    try:
        return objects.head(key, bucket=bucket, briefly=True)
    except ObjectNotFound:
        return None


def _decoded(bucket: str, key: str, allowed: tuple[str, ...]) -> Iterator[str]:
    """What the key may have been before it was encoded, where an import may read that."""
    for decoded in dict.fromkeys((unquote_plus(key), unquote(key))):
        try:
            parse_source(f"s3://{bucket}/{decoded}", allowed)
        except SourceNotAllowed:
            continue
        if decoded != key:
            yield decoded
